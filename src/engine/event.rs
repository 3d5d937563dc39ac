//! Events: everything that execution tells its displays, the journal and the report.
//!
//! Lifecycle events are never dropped; progress (`Waiting`, `Transfer`) may be.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::question::{Answer, Question};
pub use super::{
    facts::Facts,
    setting::{Agreement, Evidence, Proof, Proofs, Setting},
    step::Difference,
};
use crate::{failure::Failure, text::Text};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub at: Timestamp,
    #[serde(flatten)]
    pub kind: EventKind,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// The first event of a run: lists every step that may run.
    RunStarted(RunOutline),
    StageStarted {
        stage: String,
    },
    StepStarted {
        step: String,
    },
    /// After an interruption: what the run does with a step that an earlier run had touched.
    Resumed {
        step: String,
        how: Resumed,
    },
    /// What a probe saw. `verdict` is one of done, absent, differs, conflict, unknown, unproved, not-needed.
    Probed {
        step: String,
        verdict: Verdict,
        #[serde(default)]
        differences: Vec<Difference>,
        #[serde(default)]
        reason: Option<Text>,
        /// The last exchange of the look.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<Evidence>,
    },
    /// A setting read back, planned beside found.
    Setting {
        step: String,
        #[serde(flatten)]
        setting: Box<Setting>,
    },
    /// The act is about to run; on disk before it does.
    Intent {
        step: String,
    },
    /// Learnt in the middle of an act (job id, upload id); on disk at once.
    Remembered {
        step: String,
        name: String,
        value: serde_json::Value,
    },
    /// What was remembered no longer holds (the job ended badly, the upload is gone): start over.
    Forgotten {
        step: String,
    },
    /// The plan was corrected since these steps ended; they use the changed fields.
    PlanChanged {
        fields: Vec<String>,
        steps: Vec<String>,
    },
    /// `step` is empty when the note is about the whole run.
    Note {
        step: String,
        level: Level,
        text: Text,
    },
    Asked {
        question: Question,
    },
    Answered {
        step: String,
        answer: Answer,
    },
    /// Progress: waiting for something, with the reason, time so far and limit in site milliseconds. `step` is empty while
    /// the whole run waits for its maintenance window, whose opening is the limit; the last one of these has reached it.
    Waiting {
        step: String,
        reason: Text,
        elapsed_ms: u64,
        expected_ms: Option<u64>,
        limit_ms: u64,
    },
    /// Progress: bytes of a transfer.
    Transfer {
        step: String,
        name: String,
        sent: u64,
        total: u64,
    },
    StepFinished {
        step: String,
        #[serde(flatten)]
        outcome: Outcome,
        #[serde(default)]
        facts: Facts,
        elapsed_ms: u64,
    },
    StageFinished {
        stage: String,
        complete: bool,
        elapsed_ms: u64,
    },
    RunFinished(RunSummary),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunOutline {
    /// Version of the event schema: `1.0`.
    pub schema: String,
    pub run: String,
    pub site: String,
    pub simulated: bool,
    pub version: String,
    pub run_folder: Option<PathBuf>,
    /// The plan that the run was given, as far as a report names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanIdentity>,
    pub stages: Vec<StageOutline>,
}

/// Which plan a run was given. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanIdentity {
    /// The workbook's file name.
    pub file: String,
    /// SHA-256 (hex) of the workbook as it was read.
    pub sha256: String,
    /// A few values that tell a site from another, by plan field (`cluster.vip`).
    pub values: Vec<(String, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StageOutline {
    pub id: String,
    pub number: u8,
    pub title: Text,
    /// False: only probed, because a selected stage needs it.
    pub selected: bool,
    pub steps: Vec<StepOutline>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepOutline {
    /// `stage.step`.
    pub id: String,
    pub title: Text,
    pub expected_ms: Option<u64>,
    /// How many earlier runs at this site `expected_ms` is the median of; 0: it is the runbook's figure.
    #[serde(default)]
    pub past: usize,
    pub limit_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resumed {
    /// Finished earlier and proved again now.
    Kept,
    /// Runs again from its start.
    Redone,
    /// Goes on in the middle (a job, an upload).
    Continued,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Done,
    Absent,
    Differs,
    Conflict,
    Unknown,
    Unproved,
    NotNeeded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Info,
    Warning,
}

/// How a step ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// A check found everything in order.
    Passed,
    /// The site already was as planned.
    AlreadyDone,
    /// Changed, and proved by a second look.
    Changed,
    /// Accepted by the site, to be proved by stage 07.
    Sent,
    /// A `repeat` step whose inputs equal those already sent.
    AlreadySent,
    /// A wait that ended well.
    Ready,
    /// The plan asks for nothing here, or the means are missing and may be.
    Skipped {
        reason: Text,
    },
    /// The operator decided with `--settle`.
    Settled {
        done: bool,
    },
    Failed {
        failure: Box<Failure>,
    },
    /// Not started: an earlier step failed, or the run was stopped.
    NotRun {
        reason: Text,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunSummary {
    /// 0 when everything selected ended well.
    pub exit_code: u8,
    pub changed: usize,
    pub already_done: usize,
    pub sent: usize,
    /// Steps sent, in this run or an earlier one, whose settings this run has read back as planned.
    #[serde(default)]
    pub proved: usize,
    pub skipped: usize,
    pub warnings: usize,
    pub failure: Option<Box<Failure>>,
    pub elapsed_ms: u64,
    /// What the steps took together, and the longest chain of them that had to come one after the other (site
    /// milliseconds): no order would have been quicker than that.
    #[serde(default)]
    pub steps_ms: u64,
    #[serde(default)]
    pub critical_ms: u64,
    /// That chain, first step first; steps that took no time in this run are left out.
    #[serde(default)]
    pub critical_path: Vec<String>,
}

/// A consumer of events. Called in order; must not block for long.
pub trait Sink {
    fn event(&self, event: &Event);
}
