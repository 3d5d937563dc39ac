//! The steps that are running now, and how far each of them is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    engine::event::{Event, EventKind, StepOutline},
    text::Text,
};

/// The running steps, folded from events.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub active: BTreeMap<String, Active>,
    /// Steps that have ended and not begun again since: at the opening of a window checks are made once more.
    ended: BTreeSet<String>,
    /// Until when the whole run waits for its maintenance window, as long as it does.
    pub opening: Option<Text>,
    /// Steps that have begun so far.
    begun: usize,
    /// What is to be expected of each step, from the first event.
    bounds: BTreeMap<String, Bounds>,
    /// Site time runs faster than ours.
    pub simulated: bool,
}

/// What is to be expected of a step, in site milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    pub expected_ms: Option<u64>,
    /// Earlier runs at this site that say so; 0: the runbook does.
    pub past: usize,
    pub limit_ms: u64,
}

/// One running step.
#[derive(Clone, Debug, Default)]
pub struct Active {
    /// How many began before it.
    order: usize,
    /// Seconds since it began.
    pub seconds: u64,
    /// Seconds since anything was said about it.
    pub silent: u64,
    pub(super) now: Option<Now>,
    /// `None` of a step that the run has not announced.
    pub(super) bounds: Option<Bounds>,
    pub(super) simulated: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Now {
    /// `since`: seconds since the site was looked at last.
    Waiting {
        reason: Text,
        elapsed_ms: u64,
        expected_ms: Option<u64>,
        limit_ms: u64,
        since: u64,
    },
    Transfer(Transfer),
}

/// A transfer with its latest samples, from which the rate follows.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub name: String,
    pub sent: u64,
    pub total: u64,
    /// (milliseconds since the epoch, bytes), oldest first.
    samples: VecDeque<(i64, u64)>,
}

/// The rate is that of the last quarter of a minute.
const WINDOW_MS: i64 = 15_000;

impl Progress {
    pub fn learn(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted(run) => {
                self.simulated = run.simulated;
                let steps = run.stages.iter().flat_map(|stage| &stage.steps);
                let bounds = |step: &StepOutline| {
                    let StepOutline { expected_ms, past, limit_ms, .. } = *step;
                    (step.id.clone(), Bounds { expected_ms, past, limit_ms })
                };
                self.bounds = steps.map(bounds).collect();
            }
            EventKind::StepStarted { step } => {
                let bounds = self.bounds.get(step).copied();
                let (order, simulated) = (self.begun, self.simulated);
                self.begun += 1;
                self.ended.remove(step);
                let active = Active { order, bounds, simulated, ..Active::default() };
                self.active.insert(step.clone(), active);
            }
            EventKind::StepFinished { step, .. } => {
                self.active.remove(step);
                self.ended.insert(step.clone());
            }
            EventKind::Waiting { step, reason, elapsed_ms, limit_ms, .. } if step.is_empty() => {
                self.opening = (elapsed_ms < limit_ms).then(|| reason.clone());
            }
            EventKind::Waiting { step, reason, elapsed_ms, expected_ms, limit_ms } => {
                let active = self.active.entry(step.clone()).or_default();
                active.now = Some(Now::Waiting {
                    reason: reason.clone(),
                    elapsed_ms: *elapsed_ms,
                    expected_ms: *expected_ms,
                    limit_ms: *limit_ms,
                    since: 0,
                });
            }
            EventKind::Transfer { step, name, sent, total } => {
                let active = self.active.entry(step.clone()).or_default();
                let at = event.at.as_millisecond();
                match &mut active.now {
                    Some(Now::Transfer(transfer)) if transfer.name == *name => {
                        transfer.moved(at, *sent, *total);
                    }
                    _ => active.now = Some(Now::Transfer(Transfer::new(name, at, *sent, *total))),
                }
            }
            _ => {}
        }
    }

    /// How many steps have ended.
    pub fn finished(&self) -> usize {
        self.ended.len()
    }

    /// The step that has been running longest.
    pub fn longest(&self) -> Option<(&str, &Active)> {
        let longest = self.active.iter().min_by_key(|(_, active)| active.order);
        longest.map(|(step, active)| (step.as_str(), active))
    }

    /// One second has passed.
    pub fn tick(&mut self) {
        for active in self.active.values_mut() {
            active.seconds += 1;
            active.silent += 1;
            if let Some(Now::Waiting { since, .. }) = &mut active.now {
                *since += 1;
            }
        }
    }
}

impl Active {
    pub fn transfer(&self) -> Option<&Transfer> {
        match &self.now {
            Some(Now::Transfer(transfer)) => Some(transfer),
            _ => None,
        }
    }
}

impl Transfer {
    fn new(name: &str, at: i64, sent: u64, total: u64) -> Self {
        Self { name: name.to_owned(), sent, total, samples: VecDeque::from([(at, sent)]) }
    }

    fn moved(&mut self, at: i64, sent: u64, total: u64) {
        (self.sent, self.total) = (sent, total);
        self.samples.push_back((at, sent));
        while self.samples.len() > 2 && self.samples.front().is_some_and(|(old, _)| at - old > WINDOW_MS) {
            self.samples.pop_front();
        }
    }

    /// Whole percents; an empty transfer is complete.
    pub fn percent(&self) -> u64 {
        (self.sent * 100).checked_div(self.total).unwrap_or(100).min(100)
    }

    /// Bytes per second over the window; `None` until something has moved.
    pub fn rate(&self) -> Option<u64> {
        let ((first, before), (last, now)) = (self.samples.front()?, self.samples.back()?);
        let ms = u64::try_from(last - first).ok().filter(|&ms| ms > 0)?;
        Some(now.saturating_sub(*before) * 1000 / ms).filter(|&rate| rate > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::event::{Facts, Outcome},
        text::Lang,
        ui::testing::{at, run_started, waiting},
    };

    fn sent(second: i64, sent: u64) -> Event {
        let (step, name) = ("s.upload".to_owned(), "image.iso".to_owned());
        at(second, EventKind::Transfer { step, name, sent, total: 100 << 20 })
    }

    #[test]
    fn a_transfer_tells_rate_and_time_left() {
        let mut progress = Progress::default();
        progress.learn(&sent(0, 0));
        assert_eq!(progress.active["s.upload"].say(Lang::En), "image.iso 0 B of 100.0 MiB (0%); 0.0s so far");
        progress.learn(&sent(2, 20 << 20));
        let said = "image.iso 20.0 MiB of 100.0 MiB (20%), 10.0 MiB/s, 8.0s left; 0.0s so far";
        assert_eq!(progress.active["s.upload"].say(Lang::En), said);
    }

    #[test]
    fn the_rate_forgets_what_is_long_past() {
        let mut progress = Progress::default();
        for second in 0..=60 {
            let megabytes = if second < 30 { second * 2 } else { 60 + (second - 30) };
            progress.learn(&sent(second, (megabytes as u64) << 20));
        }
        let transfer = progress.active["s.upload"].transfer().expect("a transfer");
        assert_eq!(transfer.rate(), Some(1 << 20));
    }

    #[test]
    fn a_waiting_working_or_transferring_step_tells_time_so_far_what_is_expected_and_the_limit() {
        let started = |past| {
            let mut event = run_started();
            if let EventKind::RunStarted(run) = &mut event.kind {
                run.simulated = false;
                for step in &mut run.stages[0].steps {
                    (step.expected_ms, step.past) = (Some(1_200_000), past);
                }
            }
            event
        };
        let step = "init-cluster.deploy";
        let mut progress = Progress::default();
        progress.learn(&started(0));
        progress.learn(&at(0, EventKind::StepStarted { step: step.into() }));
        progress.tick();
        let said = |progress: &Progress| progress.active[step].say(Lang::En);
        assert_eq!(said(&progress), "1.0s so far (expected 20m00s, at most 40m00s)");
        let (name, sent, total) = ("image.iso".to_owned(), 0, 1 << 20);
        progress.learn(&at(1, EventKind::Transfer { step: step.into(), name, sent, total }));
        let told = "image.iso 0 B of 1.0 MiB (0%); 1.0s so far (expected 20m00s, at most 40m00s)";
        assert_eq!(said(&progress), told);
        let mut wait = waiting(step, 95_000);
        if let EventKind::Waiting { expected_ms, .. } = &mut wait {
            *expected_ms = Some(1_200_000);
        }
        progress.learn(&at(1, wait.clone()));
        progress.tick();
        let told = "the deployment is running (1m36s, expected 20m00s, at most 40m00s)";
        assert_eq!(said(&progress), told, "the time goes on between two looks");
        progress.learn(&started(2));
        progress.learn(&at(0, EventKind::StepStarted { step: step.into() }));
        progress.learn(&at(1, wait));
        let told = "the deployment is running (1m35s, 20m00s at this site before, at most 40m00s)";
        assert_eq!(said(&progress), told);
    }

    #[test]
    fn a_finished_step_is_no_longer_active() {
        let mut progress = Progress::default();
        progress.learn(&at(0, EventKind::StepStarted { step: "s.a".into() }));
        assert_eq!(progress.active.len(), 1);
        let (outcome, facts) = (Outcome::Passed, Facts::none());
        progress.learn(&at(1, EventKind::StepFinished { step: "s.a".into(), outcome, facts, elapsed_ms: 0 }));
        assert_eq!((progress.active.len(), progress.finished()), (0, 1));
    }

    #[test]
    fn a_check_that_is_made_again_at_the_opening_of_the_window_counts_once() {
        let mut progress = Progress::default();
        let mut finished = Vec::new();
        for _ in 0..2 {
            progress.learn(&at(0, EventKind::StepStarted { step: "s.a".into() }));
            finished.push(progress.finished());
            let (outcome, facts) = (Outcome::Passed, Facts::none());
            progress
                .learn(&at(1, EventKind::StepFinished { step: "s.a".into(), outcome, facts, elapsed_ms: 0 }));
            finished.push(progress.finished());
        }
        assert_eq!(finished, [0, 1, 0, 1]);
    }
}
