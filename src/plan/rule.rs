//! The rule book: id, kind, severity and words of every finding, from `templates/rules.toml`.

use std::{collections::HashMap, sync::OnceLock};

use serde::{Deserialize, Serialize};

use crate::{embed, text::Text};

/// How much a finding matters (planning-sheet §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Stops before any stage.
    Error,
    /// Goes on; strict mode turns it into an error.
    Warning,
    /// Shown on request.
    Info,
}

/// One rule of planning-sheet §8.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub kind: String,
    pub severity: Severity,
    /// What is wrong; `{cell}`, `{value}` and `{field}` are always known.
    pub message: Text,
    /// What to do about it.
    pub help: Text,
    /// Other words for special cases of the rule, by name: `PLAN-104.special`.
    #[serde(default)]
    pub cases: HashMap<String, Case>,
}

/// The words of a special case; without `help` the rule's own help holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub message: Text,
    pub help: Option<Text>,
}

/// All rules by id, `PLAN-001` and so on.
pub fn book() -> &'static HashMap<String, Rule> {
    static BOOK: OnceLock<HashMap<String, Rule>> = OnceLock::new();
    // The file is compiled in and a test parses it; a broken one would show as bare ids.
    BOOK.get_or_init(|| toml::from_str(embed::RULES).unwrap_or_default())
}
