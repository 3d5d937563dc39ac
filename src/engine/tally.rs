//! Counts what a run did, for its summary.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::{
    event::{EventKind, Level, Outcome, Proof, Proofs, RunSummary},
    handle::millis,
};
use crate::failure::Failure;

/// Of all chains of steps that had to come one after the other, the one that took longest.
#[derive(Debug, Default)]
pub(super) struct Critical {
    /// Full ids, first step first.
    pub steps: Vec<String>,
    pub length: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    changed: Cell<usize>,
    already_done: Cell<usize>,
    sent: Cell<usize>,
    skipped: Cell<usize>,
    warnings: Cell<usize>,
    /// Steps that were sent and nothing more, and what has read them back.
    unproved: RefCell<BTreeSet<String>>,
    proofs: RefCell<Proofs>,
    /// How long each step took (site milliseconds).
    took: RefCell<HashMap<String, u64>>,
}

impl Tally {
    pub fn count(&self, event: &EventKind) {
        self.proofs.borrow_mut().learn(event);
        if let EventKind::StepFinished { step, elapsed_ms, .. } = event {
            *self.took.borrow_mut().entry(step.clone()).or_default() += elapsed_ms;
        }
        if let EventKind::StepFinished { step, outcome: Outcome::Sent | Outcome::AlreadySent, .. } = event {
            self.unproved.borrow_mut().insert(step.clone());
        }
        let counter = match event {
            EventKind::Note { level: Level::Warning, .. } => &self.warnings,
            EventKind::StepFinished { outcome, .. } => match outcome {
                Outcome::Changed => &self.changed,
                Outcome::AlreadyDone | Outcome::AlreadySent => &self.already_done,
                Outcome::Sent => &self.sent,
                Outcome::Skipped { .. } => &self.skipped,
                _ => return,
            },
            _ => return,
        };
        counter.set(counter.get() + 1);
    }

    /// What a step took, so far; nothing when it did not run.
    pub fn took(&self, step: &str) -> Duration {
        Duration::from_millis(self.took.borrow().get(step).copied().unwrap_or_default())
    }

    pub fn summary(&self, failure: Option<Box<Failure>>, elapsed_ms: u64, critical: Critical) -> RunSummary {
        let (sent, proofs) = (self.unproved.borrow(), self.proofs.borrow());
        RunSummary {
            proved: sent.iter().filter(|step| proofs.of(step) == Proof::Proved).count(),
            exit_code: failure.as_ref().map_or(0, |failure| failure.kind.exit_code()),
            changed: self.changed.get(),
            already_done: self.already_done.get(),
            sent: self.sent.get(),
            skipped: self.skipped.get(),
            warnings: self.warnings.get(),
            failure,
            elapsed_ms,
            steps_ms: self.took.borrow().values().sum(),
            critical_ms: millis(critical.length),
            critical_path: critical.steps,
        }
    }
}
