//! A document as one HTML page that needs nothing but itself: no script, no address, everything escaped.

mod chart;
mod escape;

use std::fmt::Write as _;

use self::escape::escaped;
use super::document::{Body, Cell, Document, Mark, Page, Row, Section, Signatures, Table};
use crate::{embed, text::Lang};

pub fn render(document: &Document) -> String {
    let lang = match document.lang {
        Lang::Zh => "zh-CN",
        Lang::En => "en",
    };
    let title = escaped(&document.title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n<p>{}</p>\n",
        embed::REPORT_STYLE,
        escaped(&document.subtitle)
    );
    if let Some(banner) = &document.banner {
        push(&mut out, format_args!("<p class=\"banner\">{}</p>\n", escaped(banner)));
    }
    out.push_str("<nav>");
    for (at, page) in document.pages.iter().enumerate() {
        push(&mut out, format_args!("<a href=\"#page-{at}\">{}</a>", escaped(&page.name)));
    }
    out.push_str("</nav>\n</header>\n");
    for (at, one) in document.pages.iter().enumerate() {
        page(&mut out, at, one);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn page(out: &mut String, at: usize, page: &Page) {
    // A timeline is as long as the runbook: upright paper takes it whole.
    let upright = page.sections.iter().any(|section| matches!(section.body, Body::Chart(_)));
    let class = if upright { " class=\"upright\"" } else { "" };
    push(out, format_args!("<main id=\"page-{at}\"{class}>\n<h2>{}</h2>\n", escaped(&page.name)));
    page.sections.iter().for_each(|one| section(out, one));
    out.push_str("</main>\n");
}

fn section(out: &mut String, section: &Section) {
    push(out, format_args!("<section>\n<h3>{}</h3>\n", escaped(&section.title)));
    if let Some(note) = &section.note {
        push(out, format_args!("<p class=\"note\">{}</p>\n", escaped(note)));
    }
    match &section.body {
        Body::Pairs(rows) => {
            out.push_str(
                "<table class=\"pairs\">\n<colgroup><col style=\"width:24%\"><col></colgroup>\n<tbody>\n",
            );
            rows.iter().for_each(|one| row(out, one));
            out.push_str("</tbody>\n</table>\n");
        }
        Body::Table(one) => table(out, one),
        Body::Chart(one) => chart::render(out, one),
        Body::Signatures(one) => signatures(out, one),
    }
    out.push_str("</section>\n");
}

fn table(out: &mut String, table: &Table) {
    if table.rows.is_empty() {
        push(out, format_args!("<p class=\"empty\">{}</p>\n", escaped(&table.empty)));
        return;
    }
    out.push_str("<table>\n<colgroup>");
    for column in &table.columns {
        push(out, format_args!("<col style=\"width:{}%\">", column.width));
    }
    out.push_str("</colgroup>\n<thead><tr>");
    for column in &table.columns {
        push(out, format_args!("<th scope=\"col\">{}</th>", escaped(&column.title)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    table.rows.iter().for_each(|one| row(out, one));
    out.push_str("</tbody>\n</table>\n");
}

fn row(out: &mut String, row: &Row) {
    push(out, format_args!("<tr data-key=\"{}\"{}>", escaped(&row.key), class(row.mark, false)));
    for Cell { text, mark, code } in &row.cells {
        push(out, format_args!("<td{}>{}</td>", class(*mark, *code), escaped(text)));
    }
    out.push_str("</tr>\n");
}

fn signatures(out: &mut String, signatures: &Signatures) {
    out.push_str("<div class=\"signatures\">\n");
    for role in &signatures.roles {
        push(out, format_args!("<div><b>{}</b>", escaped(role)));
        for field in &signatures.fields {
            push(out, format_args!("<span>{}</span>", escaped(field)));
        }
        out.push_str("</div>\n");
    }
    out.push_str("</div>\n");
}

fn class(mark: Mark, code: bool) -> String {
    let mark = match mark {
        Mark::Plain => "",
        Mark::Good => "good",
        Mark::Bad => "bad",
        Mark::Open => "open",
        Mark::Faint => "faint",
        Mark::Strong => "strong",
    };
    match (mark, code) {
        ("", false) => String::new(),
        ("", true) => " class=\"code\"".to_owned(),
        (mark, false) => format!(" class=\"{mark}\""),
        (mark, true) => format!(" class=\"{mark} code\""),
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // A String takes everything that is written to it.
    let _ = out.write_fmt(text);
}
