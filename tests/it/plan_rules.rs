//! Every rule of planning-sheet §8, broken in a real workbook file: id, kind, severity and cell of what is found.

use std::collections::BTreeSet;

use voyager::plan::{CheckOptions, Checked, Severity, check};

use crate::support::workbook::{Form, Workbook, sheet_name};

mod addresses;
mod cells;
mod cluster;
mod components;
mod good;
mod hosts;
mod layout;
mod networks;
mod racks;
mod refusals;
mod rule_list;
mod switches;

/// Edits to the good workbook, and every finding above info that they must give, no more and no fewer.
///
/// A finding is written `105 error H!I4 < H!I3`: id, severity, place, and behind `<` the related cells, where they
/// matter. Infos are only looked for. `...` allows further findings.
#[derive(Clone, Debug)]
struct Case {
    edits: Vec<String>,
    finds: Vec<String>,
}

fn case(edits: &[&str], finds: &[&str]) -> Case {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    Case { edits: owned(edits), finds: owned(finds) }
}

/// Every cell with every value gives the one finding, at that cell.
fn each(cells: &[&str], values: &[&str], finding: &str) -> Vec<Case> {
    let pairs = cells.iter().flat_map(|cell| values.iter().map(move |value| (cell, value)));
    pairs
        .map(|(cell, value)| case(&[&format!("{cell} = {value}")], &[&format!("{finding} {cell}")]))
        .collect()
}

/// Checks the cases against the good workbook in both forms.
#[track_caller]
fn all_found(cases: &[Case]) {
    all_found_in(&Workbook::good(), cases);
}

#[track_caller]
fn all_found_in(good: &Workbook, cases: &[Case]) {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        for form in [Form::X, Form::L] {
            let edits: Vec<&str> = case.edits.iter().map(String::as_str).collect();
            let path = good.clone().edit(&edits).form(form).write(folder.path(), "plan.xlsx");
            let finds: Vec<&str> = case.finds.iter().map(String::as_str).collect();
            if let Err(report) = found(&check(&path, &CheckOptions::default()), &finds) {
                wrong.push(format!("{form:?} {:?}\n{report}", case.edits));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), 2 * cases.len(), wrong.join("\n"));
}

/// Holds the findings against the expected ones.
fn found(checked: &Checked, finds: &[&str]) -> Result<(), String> {
    let mut problems = Vec::new();
    let seen: Vec<(String, Vec<String>)> = checked
        .diagnostics
        .iter()
        .map(|finding| {
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "info",
            };
            let id = finding.id.trim_start_matches("PLAN-");
            if rule_list::kind(finding.id) != Some(finding.kind) {
                problems.push(format!("{} is called {}", finding.id, finding.kind));
            }
            for words in [&finding.message.zh, &finding.message.en, &finding.help.zh, &finding.help.en] {
                if words.is_empty() || words.contains(['{', '}']) {
                    problems.push(format!("{} has unfinished words: {words:?}", finding.id));
                }
            }
            let place = finding.place().unwrap_or_default();
            let related = finding.related.iter().map(ToString::to_string).collect();
            (format!("{id} {severity} {place}").trim_end().to_owned(), related)
        })
        .collect();
    let open = finds.contains(&"...");
    let mut expected = BTreeSet::new();
    for find in finds.iter().filter(|find| **find != "...") {
        let (find, related) = find.split_once(" < ").map_or((*find, None), |(find, r)| (find, Some(r)));
        let find = long(find);
        let hit = seen.iter().find(|(text, _)| same(&find, text));
        match (hit, related) {
            (None, _) => problems.push(format!("not found: {find}")),
            (Some((_, cells)), Some(related)) => {
                let related: Vec<_> = related.split(' ').map(long).collect();
                if *cells != related {
                    problems.push(format!("{find}: related {cells:?}, not {related:?}"));
                }
            }
            (Some(_), None) => {}
        }
        expected.insert(find);
    }
    for (text, _) in &seen {
        if !open && !text.contains(" info") && !expected.iter().any(|find| same(find, text)) {
            problems.push(format!("false alarm: {text}"));
        }
    }
    let errors = seen.iter().any(|(text, _)| text.contains(" error"));
    if checked.plan.is_some() == errors {
        problems.push("a plan must exist exactly when there is no error".into());
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// `*` at the end of an expected place stands for any row.
fn same(find: &str, seen: &str) -> bool {
    find.strip_suffix('*').map_or(find == seen, |start| seen.starts_with(start))
}

/// `105 error H!I4` with the full sheet name.
fn long(find: &str) -> String {
    let words = find.split(' ').map(|word| match word.split_once('!') {
        Some((sheet, a1)) => format!("{}!{a1}", sheet_name(sheet)),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}
