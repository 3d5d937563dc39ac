//! Layout: anchors, old revisions, values hidden by merged cells (planning-sheet 2.1, 8.1, PLAN-023).

use crate::plan::{
    book::{Book, text},
    cell::{CellRef, parse_a1},
    diagnostic::Finding,
    map::{self, Class, HOSTS},
    normalise,
    rule::Severity,
};

/// What stands for a value that is not shown.
const MASK: &str = "***";

/// Compares the labels of every sheet that is there. Returns the sheets whose cells cannot be trusted.
pub fn layout(book: &Book, findings: &mut Vec<Finding>) -> Vec<&'static str> {
    let mut untrusted: Vec<&'static str> = Vec::new();
    let absent = old_revision(book, findings);
    for sheet in map::SHEETS {
        if !book.has_sheet(sheet) {
            // A missing 文档描述 only costs its defaults (PLAN-010).
            if sheet != map::PROJECT {
                untrusted.push(sheet);
            }
            continue;
        }
        for (a1, label) in map::map().anchors.get(sheet).into_iter().flatten() {
            let Some((row, column)) = parse_a1(a1) else { continue };
            let cell = CellRef::new(sheet, row, column);
            if absent.contains(&a1.as_str()) && sheet == HOSTS || matches(book, &cell, label) {
                continue;
            }
            let soft = map::map().soft_anchors.contains(&cell.to_string());
            let finding = mismatch(book, &cell, label);
            findings.push(if soft { finding.severity(Severity::Warning) } else { finding });
            if !soft && !untrusted.contains(&sheet) {
                untrusted.push(sheet);
            }
        }
    }
    untrusted
}

fn matches(book: &Book, cell: &CellRef, label: &str) -> bool {
    normalise::label(&content(book, cell)) == normalise::label(label)
}

fn content(book: &Book, cell: &CellRef) -> String {
    text(&book.answer(cell).content)
}

/// Where a label is not in its place the layout has moved, and any cell may hold what a password cell held before: only
/// what is a label somewhere is quoted.
fn quotable(found: &str) -> String {
    let bare = normalise::label(found);
    let mut labels = map::map().anchors.values().flat_map(|anchors| anchors.values());
    if bare.is_empty() || labels.any(|label| normalise::label(label) == bare) {
        found.to_owned()
    } else {
        MASK.to_owned()
    }
}

/// Says what was found, and where the label went.
fn mismatch(book: &Book, cell: &CellRef, label: &str) -> Finding {
    let found = content(book, cell);
    let wanted = normalise::label(label);
    let elsewhere =
        book.stored(&cell.sheet).find(|(_, text)| normalise::label(text) == wanted).map(|(other, _)| other);
    let rule = match (&elsewhere, found.is_empty()) {
        (Some(_), true) => "PLAN-011.moved-blank",
        (Some(_), false) => "PLAN-011.moved",
        (None, true) => "PLAN-011.blank",
        (None, false) => "PLAN-011",
    };
    let finding = Finding::new(rule).at(cell).value(quotable(&found)).arg("label", &label);
    match elsewhere {
        Some(other) => finding.related([&other]),
        None => finding,
    }
}

/// Revisions before the racks, or before Q20, lack some labels (planning-sheet 1.8). Returns those.
fn old_revision(book: &Book, findings: &mut Vec<Finding>) -> &'static [&'static str] {
    if !book.has_sheet(HOSTS) {
        return &[];
    }
    let blank = |(row, column)| content(book, &CellRef::new(HOSTS, row, column)).is_empty();
    let (p2, q2, p19, p20) = (blank((2, 16)), blank((2, 17)), blank((19, 16)), blank((20, 16)));
    let (cell, absent): ((u32, u32), &'static [&'static str]) = match (p2 && q2 && p19, p20) {
        (true, true) => ((19, 16), &["P2", "Q2", "P19", "P20"]),
        (false, true) if !p2 && !q2 && !p19 => ((20, 16), &["P20"]),
        _ => return &[],
    };
    findings.push(Finding::new("PLAN-012").at(&CellRef::new(HOSTS, cell.0, cell.1)));
    absent
}

/// PLAN-023: Excel shows only the first cell of a merged range. Nothing but labels is quoted from `untrusted` sheets.
pub fn merged(book: &Book, untrusted: &[&str], findings: &mut Vec<Finding>) {
    for name in map::SHEETS {
        let Some(sheet) = book.sheet(name) else { continue };
        for (at, cell) in &sheet.cells {
            if !sheet.hidden(*at) {
                continue;
            }
            let shown = text(&cell.content);
            if shown.is_empty() {
                continue;
            }
            let at = CellRef::new(name, at.0, at.1);
            let finding = Finding::new("PLAN-023").at(&at);
            // A password that a merge hides is a password still.
            let secret = map::map()
                .fields
                .values()
                .any(|field| field.class == Class::Secret && field.cells().any(|cell| cell == at));
            let shown = if untrusted.contains(&name) { quotable(&shown) } else { shown };
            findings.push(if secret { finding } else { finding.value(shown) });
        }
    }
}
