//! The workbook that takes the serials: what stands there, and writing one cell (planning-sheet §9).

use std::{cell::RefCell, collections::BTreeMap};

use crate::{
    messages::message,
    plan::{
        self, CellRef, CheckOptions, Checked, Source,
        write_back::{self, How},
    },
    stages::facts::{finding_text, lines},
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
        let written = write_back::write(&source, &values, how).map_err(|problem| {
            let finding = problem.diagnostic();
            lines(&[finding_text(&finding), finding.help])
        })?;
        let told = written.diagnostics().first().map(finding_text);
        *self.source.borrow_mut() = written.source;
        self.written.borrow_mut().insert(cell.clone(), value.to_owned());
        Ok(told)
    }
}
