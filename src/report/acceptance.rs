//! What a site's event log adds up to, as an acceptance has to show it.

use jiff::Timestamp;
use serde_json::Value;

use super::{timeline::Timeline, transfers::Transfer};
use crate::{
    engine::event::{Agreement, Difference, Outcome, PlanIdentity, Proof, RunSummary, Setting},
    text::Text,
};

/// A site as it stands at the end of one run, or at the handover within it.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// The site key.
    pub site: String,
    /// The run that it is about, and what earlier runs did at the same site.
    pub run: RunRow,
    pub earlier: Vec<RunRow>,
    pub plan: Option<PlanIdentity>,
    /// The time of the last event that was looked at.
    pub at: Timestamp,
    /// Planned beside found; the latest reading of each.
    pub settings: Vec<SettingRow>,
    pub stages: Vec<StageRow>,
    /// Serials and versions, as the steps learnt them.
    pub found: Vec<FoundRow>,
    /// The fact `inspection`, when stage 11 has left one.
    pub inspection: Option<Value>,
    /// Products of which a package is the most that a run brings.
    pub products: Vec<ProductRow>,
    pub timeline: Timeline,
    pub transfers: Vec<Transfer>,
    pub warnings: Vec<Warning>,
}

/// One run at the site.
#[derive(Clone, Debug)]
pub struct RunRow {
    pub id: String,
    pub started: Timestamp,
    pub simulated: bool,
    /// Of the tool.
    pub version: String,
    /// `None`: it was killed, or is still at work (which a handover within it always sees).
    pub end: Option<RunSummary>,
}

/// A setting, with what it is worth as a proof.
#[derive(Clone, Debug)]
pub struct SettingRow {
    /// The step that read it (`stage.step`).
    pub read_by: String,
    pub setting: Setting,
    pub standing: Standing,
}

/// What a row proves. Only `Proved` is a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Read as planned, with the exchange that shows it.
    Proved,
    Differs,
    Missing,
    /// Read as planned, and nothing shows by what.
    NoEvidence,
    /// The site did not answer.
    Unread,
    /// No call reads it.
    NotProvable,
    /// Another value, knowingly left as it was.
    Kept,
    /// The step that makes it acted again after the reading.
    Outdated,
    NotPlanned,
}

impl Standing {
    pub fn of(setting: &Setting) -> Self {
        match setting.verdict {
            Agreement::Equal if setting.evidence.is_some() => Self::Proved,
            Agreement::Equal => Self::NoEvidence,
            Agreement::Differs => Self::Differs,
            Agreement::Missing => Self::Missing,
            Agreement::Unread => Self::Unread,
            Agreement::Unreadable => Self::NotProvable,
            Agreement::Kept => Self::Kept,
            Agreement::NotPlanned => Self::NotPlanned,
        }
    }

    /// The site is provably another than planned.
    pub fn is_wrong(self) -> bool {
        matches!(self, Self::Differs | Self::Missing)
    }

    /// Planned, not wrong, and not proved either.
    pub fn is_open(self) -> bool {
        matches!(self, Self::NoEvidence | Self::Unread | Self::NotProvable | Self::Kept | Self::Outdated)
    }
}

#[derive(Clone, Debug)]
pub struct StageRow {
    pub number: u8,
    pub title: Text,
    pub steps: Vec<StepRow>,
}

/// A step of the runbook with its latest end.
#[derive(Clone, Debug)]
pub struct StepRow {
    /// `stage.step`.
    pub id: String,
    pub title: Text,
    pub end: StepEnd,
    /// The run of that end.
    pub run: Option<String>,
    pub at: Option<Timestamp>,
    /// Site time.
    pub elapsed_ms: u64,
    /// Found instead of planned, at the last look before the step acted.
    pub differences: Vec<Difference>,
    /// An operator's word stands in the place of a proof: the run in which it was given.
    pub settled_in: Option<String>,
    /// Of an act that the site only answered.
    pub proof: Proof,
}

#[derive(Clone, Debug)]
pub enum StepEnd {
    /// No run of this site has come to it.
    Never,
    /// Began, and nothing tells how it ended.
    Open,
    Ended(Outcome),
}

impl StepRow {
    /// Whether nothing is left to say about it: it ended well and is no operator's word.
    pub fn is_good(&self) -> bool {
        let well = match &self.end {
            StepEnd::Ended(Outcome::Sent | Outcome::AlreadySent) => self.proof == Proof::Proved,
            StepEnd::Ended(end) => {
                matches!(end, Outcome::Passed | Outcome::AlreadyDone | Outcome::Changed | Outcome::Ready)
            }
            StepEnd::Never | StepEnd::Open => false,
        };
        well && self.settled_in.is_none()
    }
}

/// Something learnt from the site that belongs into the papers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRow {
    pub title: Text,
    pub value: String,
    /// The step that learnt it.
    pub step: String,
    pub at: Timestamp,
}

/// A product whose installation is not automated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductRow {
    /// The step that is about it.
    pub step: String,
    pub title: Text,
    /// How far it has come.
    pub told: Text,
    /// Somebody has to go on with it by hand.
    pub left_to_do: bool,
}

/// A warning of the run; `step` is empty when it is about all of it.
#[derive(Clone, Debug)]
pub struct Warning {
    pub step: String,
    pub text: Text,
}
