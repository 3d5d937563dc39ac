//! The plan: from the planning workbook to typed values that know their cells.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use crate::text::Lang;

pub mod cell;
pub mod diagnostic;
pub mod map;
pub mod model;
pub mod rule;
pub mod source;
pub mod template;
pub mod view;
pub mod write_back;

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
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    check_bytes(&[], &name, options)
}

/// Checks the content of a workbook file called `name`.
pub fn check_bytes(_bytes: &[u8], _name: &str, _options: &CheckOptions) -> Checked {
    Checked {
        plan: None,
        diagnostics: vec![Finding::new("PLAN-001").diagnostic()],
        source: None,
        cells: BTreeMap::new(),
    }
}
