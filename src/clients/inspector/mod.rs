//! CloudTower's inspection centre (api-inspection): at CloudTower's address, with CloudTower's token on every call.
//!
//! It changes nothing at the cluster. A second inspection is harmless, so a lost answer is no mystery.

mod download;
mod export;
mod jobs;
mod report_name;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    download::Download,
    export::{ExportState, NewReport, Requested},
    jobs::{Begun, JobState, NewJob},
    report_name::ReportName,
};
use super::tower::{Tower, TowerReader};

/// The operations that only look.
#[derive(Clone)]
pub struct InspectorReader(TowerReader);

/// All operations.
#[derive(Clone)]
pub struct Inspector(InspectorReader);

/// The inspector's name for a cluster: its `local_id`, a UUID. The `id` of CloudTower's other calls is none (§2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalId(String);

impl LocalId {
    /// `None`: not a UUID.
    pub fn parse(text: &str) -> Option<Self> {
        let hyphens = text.len() == 36;
        (hyphens && uuid::Uuid::try_parse(text).is_ok()).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for LocalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl InspectorReader {
    pub fn new(tower: TowerReader) -> Self {
        Self(tower)
    }
}

impl Inspector {
    pub fn new(tower: &Tower) -> Self {
        Self(InspectorReader(tower.reader().clone()))
    }

    /// What probes may have of it.
    pub fn reader(&self) -> &InspectorReader {
        &self.0
    }
}

/// The items that a refusal names. One that repeats the whole list names none.
fn named<'a>(words: &str, items: &'a [String]) -> Vec<&'a str> {
    let separates = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let said: Vec<&str> = words.split(separates).collect();
    let named: Vec<&str> = items.iter().map(String::as_str).filter(|item| said.contains(item)).collect();
    if named.len() == items.len() { Vec::new() } else { named }
}

/// `items` without those.
fn without(items: &[String], dropped: &[String]) -> Vec<String> {
    items.iter().filter(|item| !dropped.contains(item)).cloned().collect()
}
