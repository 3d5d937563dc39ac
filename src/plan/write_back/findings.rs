//! What the operator reads about a write-back: PLAN-601 to PLAN-605.

use super::{Outcome, Reason, WriteBackProblem, Written};
use crate::plan::{CellRef, Diagnostic, Finding};

impl WriteBackProblem {
    /// The finding, with the values to type in.
    pub fn diagnostic(&self) -> Diagnostic {
        let path = self.path.display();
        let values = self.values.iter().map(|(cell, value)| format!("{cell} ← {value}"));
        let values = values.collect::<Vec<_>>().join("\n");
        let (finding, detail) = match &self.reason {
            Reason::OpenElsewhere { owner_file } => {
                (Finding::new("PLAN-601.open"), owner_file.display().to_string())
            }
            Reason::NotWritable { error } => (Finding::new("PLAN-601"), error.clone()),
            Reason::Unfit { why } => (Finding::new("PLAN-601.unfit"), why.clone()),
            Reason::Changed => (Finding::new("PLAN-602"), String::new()),
            Reason::NotAsIntended { why } => (Finding::new("PLAN-604"), why.clone()),
            Reason::Formula { cell } => (Finding::new("PLAN-605").at(cell), String::new()),
        };
        finding.arg("path", &path).arg("detail", &detail).arg("values", &values).diagnostic()
    }
}

impl Written {
    /// One finding for every value that took the place of another one.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.outcomes.iter().filter_map(|(cell, outcome)| replaced(cell, outcome)).collect()
    }
}

fn replaced(cell: &CellRef, outcome: &Outcome) -> Option<Diagnostic> {
    let Outcome::Replaced { old, new } = outcome else { return None };
    Some(Finding::new("PLAN-603").at(cell).value(new).arg("old", old).arg("new", new).diagnostic())
}
