//! First page: which site, which plan, what it comes to, what deviates, who signs.

use super::{columns, deviations, inspection, products, step_name};
use crate::{
    messages::message,
    plan::{map::map, view},
    report::{
        acceptance::{Acceptance, Standing},
        document::{Body, Cell, Mark, Row, Section, Signatures, Table},
        site_time::moment,
    },
    text::{Lang, Say, Text},
};

pub fn sections(acceptance: &Acceptance, lang: Lang) -> Vec<Section> {
    let section = |title: Text, body| Section { title: title.get(lang).to_owned(), note: None, body };
    let mut sections = vec![
        section(message("report.section.result", &[]), Body::Pairs(result(acceptance, lang))),
        section(message("report.section.site", &[]), Body::Pairs(site(acceptance, lang))),
        section(message("report.section.found", &[]), Body::Table(found(acceptance, lang))),
        section(message("report.section.inspection", &[]), Body::Pairs(inspection::rows(acceptance, lang))),
    ];
    sections.extend(products::section(acceptance, lang));
    let deviations = Body::Table(deviations::table(acceptance, lang));
    sections.push(section(message("report.section.deviations", &[]), deviations));
    sections.push(signatures(lang));
    sections
}

/// Label and value.
pub(super) fn pair(lang: Lang, key: &str, label: &Text, value: impl Into<String>, mark: Mark) -> Row {
    Row::of(key, vec![Cell::plain(label.get(lang)), Cell::marked(value, mark)])
}

fn result(acceptance: &Acceptance, lang: Lang) -> Vec<Row> {
    let settings = &acceptance.settings;
    let count = |of: fn(Standing) -> bool| settings.iter().filter(|row| of(row.standing)).count();
    let proved = count(|standing| standing == Standing::Proved);
    let wrong = count(Standing::is_wrong);
    let open = count(Standing::is_open);
    let planned = proved + wrong + open;
    let steps: Vec<_> = acceptance.stages.iter().flat_map(|stage| &stage.steps).collect();
    let good = steps.iter().filter(|step| step.is_good()).count();

    let args: &[(&str, &dyn Say)] =
        &[("planned", &planned), ("proved", &proved), ("wrong", &wrong), ("open", &open)];
    let (verdict, mark) = match () {
        () if planned == 0 => (message("report.result.nothing", &[]), Mark::Open),
        () if wrong > 0 => (message("report.result.wrong", args), Mark::Bad),
        () if open > 0 => (message("report.result.open", args), Mark::Open),
        () => (message("report.result.proved", args), Mark::Good),
    };
    let row = |key, label: Text, value: Text, mark| pair(lang, key, &label, value.get(lang), mark);
    let args: &[(&str, &dyn Say)] = &[("good", &good), ("all", &steps.len())];
    let mark_of_steps = if good == steps.len() { Mark::Good } else { Mark::Open };
    let kind = if acceptance.run.simulated {
        (message("report.result.simulated", &[]), Mark::Open)
    } else {
        (message("report.result.real", &[]), Mark::Plain)
    };
    let warnings = acceptance.warnings.len();
    let mark_of_warnings = if warnings == 0 { Mark::Plain } else { Mark::Open };
    vec![
        row("result.settings", message("report.label.settings", &[]), verdict, mark),
        row(
            "result.steps",
            message("report.label.steps", &[]),
            message("report.result.steps", args),
            mark_of_steps,
        ),
        row("result.warnings", message("report.label.warnings", &[]), Text::same(warnings), mark_of_warnings),
        row("result.kind", message("report.label.kind", &[]), kind.0, kind.1),
    ]
}

fn site(acceptance: &Acceptance, lang: Lang) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut push = |key: &str, label: &Text, value: String| {
        rows.push(pair(lang, key, label, value, Mark::Plain));
    };
    match &acceptance.plan {
        Some(plan) => {
            for (key, value) in &plan.values {
                let field = map().field(&view::pattern(key));
                let label = field.map_or_else(|| Text::same(key), |field| field.title.clone());
                push(&format!("plan.{key}"), &label, value.clone());
            }
            push("plan.file", &message("report.label.plan", &[]), plan.file.clone());
            push("plan.sha256", &message("report.label.plan-digest", &[]), plan.sha256.clone());
        }
        None => {
            let unknown = message("report.label.not-recorded", &[]);
            push("plan.file", &message("report.label.plan", &[]), unknown.get(lang).to_owned());
        }
    }
    push("site.key", &message("report.label.site-key", &[]), acceptance.site.clone());
    push("site.run", &message("report.label.run", &[]), acceptance.run.id.clone());
    push("site.version", &message("report.label.version", &[]), acceptance.run.version.clone());
    push("site.at", &message("report.label.at", &[]), moment(acceptance.at));
    rows
}

fn found(acceptance: &Acceptance, lang: Lang) -> Table {
    let rows = acceptance.found.iter().map(|found| {
        Row::of(
            format!("found.{}", found.title.en),
            vec![
                Cell::plain(found.title.get(lang)),
                Cell::code(&found.value),
                Cell::plain(step_name(acceptance, &found.step, lang)),
                Cell::plain(moment(found.at)),
            ],
        )
    });
    Table {
        columns: columns(
            lang,
            [
                (message("report.column.what", &[]), 26),
                (message("report.column.value", &[]), 30),
                (message("report.column.step", &[]), 26),
                (message("report.column.at", &[]), 18),
            ],
        ),
        rows: rows.collect(),
        empty: message("report.empty.found", &[]).get(lang).to_owned(),
    }
}

fn signatures(lang: Lang) -> Section {
    let roles = [
        message("report.signature.customer", &[]),
        message("report.signature.engineer", &[]),
        message("report.signature.manager", &[]),
    ];
    let fields = [
        message("report.signature.name", &[]),
        message("report.signature.signature", &[]),
        message("report.signature.date", &[]),
    ];
    Section {
        title: message("report.section.signatures", &[]).get(lang).to_owned(),
        note: Some(message("report.signature.note", &[]).get(lang).to_owned()),
        body: Body::Signatures(Signatures {
            roles: roles.iter().map(|role| role.get(lang).to_owned()).collect(),
            fields: fields.iter().map(|field| field.get(lang).to_owned()).collect(),
        }),
    }
}
