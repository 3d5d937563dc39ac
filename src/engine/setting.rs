//! A planned setting beside what the site shows for it, with the exchange that proves it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::EventKind;
use crate::text::Text;

/// The exchange with the site that a statement about it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `fisheye.vds.list`: what was asked, as the transcript names it.
    pub operation: String,
    /// `10.0.0.5:443`; empty for a local file.
    pub address: String,
    /// `GET`, `POST`, `SSH`; `FILE` for a local file.
    pub method: String,
    /// Path and query, the command or account, or the file.
    pub path: String,
    pub at: Timestamp,
    /// SHA-256 (hex) of the redacted exchange: of its line in `wire.jsonl` without the line feed. Of a local file, its
    /// content.
    pub sha256: String,
}

/// One setting that the run was to make, read back. No secret is ever in it: of a password it tells that it works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The plan field, `cluster.vip`; where no field holds the setting, a name of the same form.
    pub key: String,
    pub title: Text,
    /// The cell that holds the planned value, when one does: `主机规划!I19`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// The step that was to make it (`stage.step`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// Empty where nothing is planned.
    pub planned: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Text>,
    pub verdict: Agreement,
    /// Why it could not be read, or why nothing is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// What comparing a setting came to. Only `Equal` is a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    Equal,
    Differs,
    /// The site was asked and shows no such thing.
    Missing,
    /// The site did not answer this time.
    Unread,
    /// No call reads it here.
    Unreadable,
    /// Another value, knowingly left as it was: the step that makes it was skipped, and said so.
    Kept,
    /// The plan asks for nothing.
    NotPlanned,
}

impl Agreement {
    /// Whether the site is not, or not provably, as planned although it can be asked.
    pub fn is_wrong(self) -> bool {
        matches!(self, Self::Differs | Self::Missing | Self::Unread)
    }
}

/// What is known of a step whose act the site only answered (`repeat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nothing has read it back, or not all of it.
    Open,
    /// Every setting it was to make was read back as planned.
    Proved,
    /// A setting it was to make was read back and is another, or is missing.
    Refuted,
}

/// The latest word on the settings of every step, learnt from events in their order.
#[derive(Clone, Debug, Default)]
pub struct Proofs(Vec<Row>);

#[derive(Clone, Debug)]
struct Row {
    read_by: String,
    made_by: String,
    verdict: Agreement,
}

impl Proofs {
    pub fn learn(&mut self, event: &EventKind) {
        match event {
            EventKind::StepStarted { step } => self.0.retain(|row| row.read_by != *step),
            // Sent anew: what was read before says nothing about it.
            EventKind::Intent { step } => self.0.retain(|row| row.made_by != *step),
            EventKind::Setting { step, setting } if setting.verdict != Agreement::NotPlanned => {
                let Some(made_by) = setting.made_by.clone() else { return };
                self.0.push(Row { read_by: step.clone(), made_by, verdict: setting.verdict });
            }
            _ => {}
        }
    }

    /// Of the act of `step` (`stage.step`).
    pub fn of(&self, step: &str) -> Proof {
        let mut rows = self.0.iter().filter(|row| row.made_by == step).map(|row| row.verdict).peekable();
        if rows.peek().is_none() {
            return Proof::Open;
        }
        let rows: Vec<Agreement> = rows.collect();
        if rows.iter().any(|row| matches!(row, Agreement::Differs | Agreement::Missing)) {
            Proof::Refuted
        } else if rows.iter().all(|row| *row == Agreement::Equal) {
            Proof::Proved
        } else {
            Proof::Open
        }
    }
}
