//! The workbook that takes the serials: what stands there, and writing one cell (planning-sheet §9).

use std::{cell::RefCell, collections::BTreeMap};

use crate::{
    messages::message,
    plan::{
        self, CellRef, CheckOptions, Checked, Source,
        write_back::{self, How, Outcome, Reason, WriteBackProblem},
    },
    text::Text,
};

/// The workbook as it is at one moment.
pub struct Standing {
    pub source: Source,
    /// Every cell of the map that is not blank, passwords included: never printed.
    pub cells: BTreeMap<CellRef, String>,
}

/// A workbook that serials may be written to; a rehearsal hands in a copy.
pub struct Workbook {
    source: RefCell<Source>,
    /// Names the backup, one a run.
    label: String,
    /// Written by this run.
    written: RefCell<BTreeMap<CellRef, String>>,
}

impl Workbook {
    /// `source` is what the plan was read from, or the copy of it; `label` names the backup file.
    pub fn new(source: Source, label: impl Into<String>) -> Self {
        Self { source: RefCell::new(source), label: label.into(), written: RefCell::default() }
    }

    /// What this run has written into `cell`.
    pub fn written(&self, cell: &CellRef) -> Option<String> {
        self.written.borrow().get(cell).cloned()
    }

    /// What stands in the file now, or the words for why it cannot be read.
    pub fn standing(&self) -> Result<Standing, Text> {
        let path = self.source.borrow().path.clone();
        let unreadable = || message("stages.workbook.unreadable", &[("path", &path.display())]);
        let Checked { source, cells, .. } = plan::check(&path, &CheckOptions::default());
        Ok(Standing { source: source.ok_or_else(unreadable)?, cells })
    }

    /// Writes one value. It never fails a deployment: what went wrong comes back as the words to warn with,
    /// and so does another serial that stood there (PLAN-603).
    pub fn write(&self, cell: &CellRef, value: &str) -> Result<Option<Text>, Text> {
        let values = [(cell.clone(), value.to_owned())];
        let how = How { backup_label: &self.label, even_if_open: false };
        let source = self.source.borrow().clone();
        let written =
            write_back::write(&source, &values, how).map_err(|problem| words(&problem, cell, value))?;
        *self.source.borrow_mut() = written.source;
        self.written.borrow_mut().insert(cell.clone(), value.to_owned());
        Ok(written.outcomes.into_iter().find_map(|(cell, outcome)| match outcome {
            Outcome::Replaced { old, .. } => {
                Some(message("stages.workbook.replaced", &[("cell", &cell), ("old", &old), ("new", &value)]))
            }
            Outcome::Written | Outcome::Same => None,
        }))
    }
}

/// Why nothing was written, and what a person can type in where.
fn words(problem: &WriteBackProblem, cell: &CellRef, value: &str) -> Text {
    let why = match &problem.reason {
        Reason::OpenElsewhere { owner_file } => {
            message("stages.workbook.open_elsewhere", &[("owner", &owner_file.display())])
        }
        Reason::NotWritable { error } => message("stages.workbook.not_writable", &[("error", error)]),
        Reason::Unfit { why } => message("stages.workbook.unfit", &[("why", why)]),
        Reason::Changed => message("stages.workbook.changed", &[]),
        Reason::NotAsIntended { why } => message("stages.workbook.not_as_intended", &[("why", why)]),
        Reason::Formula { cell } => message("stages.workbook.formula", &[("cell", cell)]),
    };
    let path = problem.path.display();
    message("stages.workbook.by_hand", &[("path", &path), ("why", &why), ("cell", cell), ("value", &value)])
}
