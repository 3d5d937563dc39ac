//! The plan: from the planning workbook to typed values that know their cells.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use crate::text::Lang;

pub mod between;
mod book;
mod build;
pub mod cell;
pub mod diagnostic;
mod draft;
pub mod fields;
pub mod formula;
pub mod map;
pub mod model;
pub mod normalise;
mod package;
mod parts;
mod reading;
pub mod rule;
mod rules;
mod sheet;
pub mod source;
pub mod template;
pub mod view;
pub mod write_back;
mod xml;

use book::Book;
use draft::Draft;
use reading::Reading;

pub use cell::{CellRef, Located, Origin};
pub use diagnostic::{Diagnostic, Finding};
pub use model::Plan;
pub use rule::Severity;
pub use source::Source;

/// How strictly to look, and for what.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// Warnings count as errors.
    pub strict: bool,
    /// Numbers of the stages named by `--stage`: a component that one of them deploys must be planned (PLAN-401).
    pub stages: Vec<u8>,
}

/// What a workbook says and what is wrong with it.
pub struct Checked {
    /// `None` exactly when a diagnostic is an error.
    pub plan: Option<Plan>,
    /// In reading order.
    pub diagnostics: Vec<Diagnostic>,
    /// `None` when no file could be read.
    pub source: Option<Source>,
    /// Every cell of the map that is not blank, as it stands in the file; passwords included, so never printed. A
    /// write-back compares it with what a second reading finds.
    pub cells: BTreeMap<CellRef, String>,
}

impl Checked {
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// The object that `plan check --output json` prints (planning-sheet §7).
    pub fn json(&self, lang: Lang) -> Value {
        json!({
            "schema": "1.0",
            "plan": self.plan.as_ref().map(view::json),
            "diagnostics": self.diagnostics.iter().map(|finding| finding.json(lang)).collect::<Vec<_>>(),
        })
    }
}

/// Reads and checks the workbook at `path`, or the one workbook in the directory `path` (planning-sheet 2.1).
pub fn check(path: &Path, options: &CheckOptions) -> Checked {
    match source::read(path) {
        Ok((source, bytes)) => {
            let name = source::file_name(&source.path);
            Checked { source: Some(source), ..check_bytes(&bytes, &name, options) }
        }
        Err(refusal) => finish(None, vec![*refusal], BTreeMap::new(), options),
    }
}

/// Checks the content of a workbook file called `name`.
pub fn check_bytes(bytes: &[u8], name: &str, options: &CheckOptions) -> Checked {
    let mut findings = Vec::new();
    let book = Book::read(bytes, &mut findings);
    findings.extend(source::judge_name(name, book.is_ok()));
    let book = match book {
        Ok(book) => book,
        Err(refusal) => {
            findings.push(*refusal);
            return finish(None, findings, BTreeMap::new(), options);
        }
    };
    let untrusted = rules::file::layout(&book, &mut findings);
    rules::file::merged(&book, &untrusted, &mut findings);
    let mut reading = Reading::new(&book, untrusted);
    let draft = Draft::read(&mut reading);
    findings.extend(rules::check(&draft, &reading, options));
    findings.append(&mut reading.findings);
    finish(Some(draft), findings, book.cells(), options)
}

/// Sorts the findings into reading order, applies strictness and, without an error, builds the plan.
fn finish(
    draft: Option<Draft>,
    findings: Vec<Finding>,
    cells: BTreeMap<CellRef, String>,
    options: &CheckOptions,
) -> Checked {
    let mut diagnostics: Vec<_> = findings.into_iter().map(Finding::diagnostic).collect();
    for finding in diagnostics.iter_mut().filter(|finding| finding.severity == Severity::Warning) {
        if options.strict {
            finding.severity = Severity::Error;
        }
    }
    let failed = diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    let plan = draft.filter(|_| !failed).and_then(|draft| match build::plan(draft) {
        Ok(plan) => Some(plan),
        Err(cell) => {
            // A rule should have said so already; never go on without the value.
            diagnostics.push(Finding::new("PLAN-030").at(&cell).diagnostic());
            None
        }
    });
    diagnostics.sort_by_cached_key(|finding| {
        let sheet = finding.sheet.as_deref().map(|name| map::SHEETS.iter().position(|known| *known == name));
        let cell = finding.cell.as_deref().and_then(cell::parse_a1);
        (sheet, cell, finding.id)
    });
    diagnostics.dedup_by(|a, b| (a.id, a.place(), &a.message) == (b.id, b.place(), &b.message));
    Checked { plan, diagnostics, source: None, cells }
}

#[cfg(test)]
mod tests;
