//! The words of the papers for what the log says with a letter, and the mark that repeats each.

use super::{
    acceptance::{Standing, StepEnd, StepRow},
    document::Mark,
    timeline::Shade,
};
use crate::{
    engine::event::{Outcome, Proof},
    messages::message,
    text::Text,
};

pub fn standing(standing: Standing) -> (Text, Mark) {
    match standing {
        Standing::Proved => (message("report.standing.proved", &[]), Mark::Good),
        Standing::Differs => (message("report.standing.differs", &[]), Mark::Bad),
        Standing::Missing => (message("report.standing.missing", &[]), Mark::Bad),
        Standing::NoEvidence => (message("report.standing.no-evidence", &[]), Mark::Open),
        Standing::Unread => (message("report.standing.unread", &[]), Mark::Open),
        Standing::NotProvable => (message("report.standing.not-provable", &[]), Mark::Open),
        Standing::Kept => (message("report.standing.kept", &[]), Mark::Open),
        Standing::Outdated => (message("report.standing.outdated", &[]), Mark::Open),
        Standing::NotPlanned => (message("report.standing.not-planned", &[]), Mark::Faint),
    }
}

/// How a step stands.
pub fn end(step: &StepRow) -> (Text, Mark) {
    match &step.end {
        StepEnd::Never => (message("report.end.never", &[]), Mark::Faint),
        StepEnd::Open => (message("report.end.open", &[]), Mark::Open),
        StepEnd::Ended(outcome) => outcome_of(outcome, step.proof),
    }
}

fn outcome_of(outcome: &Outcome, proof: Proof) -> (Text, Mark) {
    match outcome {
        Outcome::Passed => (message("report.end.passed", &[]), Mark::Good),
        Outcome::AlreadyDone => (message("report.end.already-done", &[]), Mark::Good),
        Outcome::Changed => (message("report.end.changed", &[]), Mark::Good),
        Outcome::Ready => (message("report.end.ready", &[]), Mark::Good),
        Outcome::Sent | Outcome::AlreadySent => match proof {
            Proof::Proved => (message("report.end.sent-proved", &[]), Mark::Good),
            Proof::Refuted => (message("report.end.sent-refuted", &[]), Mark::Bad),
            Proof::Open => (message("report.end.sent", &[]), Mark::Open),
        },
        Outcome::Skipped { .. } => (message("report.end.skipped", &[]), Mark::Faint),
        Outcome::Settled { done: true } => (message("report.end.settled-done", &[]), Mark::Open),
        Outcome::Settled { done: false } => (message("report.end.settled-absent", &[]), Mark::Open),
        Outcome::Failed { .. } => (message("report.end.failed", &[]), Mark::Bad),
        Outcome::NotRun { .. } => (message("report.end.not-run", &[]), Mark::Faint),
    }
}

/// What else there is to say about the end of a step.
pub fn reason(step: &StepRow) -> Option<Text> {
    let StepEnd::Ended(outcome) = &step.end else { return None };
    match outcome {
        Outcome::Skipped { reason } | Outcome::NotRun { reason } => Some(reason.clone()),
        Outcome::Failed { failure } => {
            Some(failure.answer.clone().or_else(|| failure.meaning.clone()).unwrap_or(failure.doing.clone()))
        }
        _ => None,
    }
}

pub fn shade(shade: Shade) -> Text {
    match shade {
        Shade::Stage => message("report.shade.stage", &[]),
        Shade::Looked => message("report.shade.looked", &[]),
        Shade::Worked => message("report.shade.worked", &[]),
        Shade::Failed => message("report.shade.failed", &[]),
        Shade::Open => message("report.shade.open", &[]),
    }
}
