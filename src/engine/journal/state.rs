//! What the journal's lines add up to: a pure fold, in which an impossible order of events is an error.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::engine::{
    event::{EventKind, Outcome, Proofs, Resumed, Verdict},
    facts::Facts,
    inputs::Inputs,
};
use crate::failure::Effect;

/// The state of a site as far as its journal knows.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub steps: BTreeMap<String, StepRecord>,
    pub facts: Facts,
    pub runs: Vec<RunRecord>,
    /// What has been read back of the steps that were only sent.
    pub proofs: Proofs,
    /// Events so far.
    events: u64,
}

/// What is known about one step.
#[derive(Clone, Debug, Default)]
pub struct StepRecord {
    /// The last good outcome; an attempt after it leaves it standing until that attempt ends.
    pub finished: Option<Outcome>,
    /// The inputs of the last good outcome: what the site was given for all we know. Of a refused act where there was
    /// none yet.
    inputs: Option<Inputs>,
    /// The inputs of the last intent, as long as nothing says how it ended.
    begun_with: Option<Inputs>,
    /// Its act was begun at least once, so what stands there may be of our making; also when it was refused in the end,
    /// since it may have made some of it before.
    pub acted: bool,
    /// An act began and nothing says how it ended.
    pub open_intent: bool,
    /// Its good end is the operator's word, which can be taken back.
    pub settled: bool,
    /// The last attempt ended by itself, its act undecided: it was not cut off by a kill or by the operator.
    pub gave_up: bool,
    /// When its act was begun last and when it ended well last, counted in events.
    begun_at: u64,
    finished_at: u64,
    /// Of the open or last unfinished attempt.
    pub remembered: Facts,
    /// How long it took (site time), each time that one run saw all of it.
    pub took: Vec<Duration>,
    /// The attempt in hand goes on with what an earlier one began.
    continued: bool,
    /// Run that has the step in hand: started and not finished.
    running: Option<String>,
}

#[derive(Clone, Debug)]
pub struct RunRecord {
    pub id: String,
    pub started: jiff::Timestamp,
    pub simulated: bool,
    pub version: String,
    pub run_folder: Option<std::path::PathBuf>,
    /// The file name of its plan.
    pub plan: Option<String>,
    /// Steps that this run sent without a proof of its own.
    pub sent: BTreeSet<String>,
    pub finished: Option<crate::engine::event::RunSummary>,
}

impl State {
    pub fn step(&self, id: &str) -> Option<&StepRecord> {
        self.steps.get(id)
    }

    /// Whether the act of one of `others` was begun after `step` last ended well.
    pub fn acted_since(&self, step: &str, others: &[String]) -> bool {
        let ended = self.step(step).map_or(0, |record| record.finished_at);
        others.iter().filter_map(|other| self.step(other)).any(|other| other.begun_at > ended)
    }

    /// Takes one event of run `run` in. An error tells which rule the order breaks (in English, for the cause chain).
    pub fn apply(
        &mut self,
        run: &str,
        at: jiff::Timestamp,
        event: &EventKind,
        inputs: Option<&Inputs>,
    ) -> Result<(), String> {
        if let EventKind::RunStarted(outline) = event {
            if self.runs.iter().any(|known| known.id == run) {
                return Err(format!("run {run} starts twice"));
            }
            // What an earlier run still had in hand died with it.
            for step in self.steps.values_mut() {
                step.running = None;
            }
            self.runs.push(RunRecord {
                id: run.to_owned(),
                started: at,
                simulated: outline.simulated,
                version: outline.version.clone(),
                run_folder: outline.run_folder.clone(),
                plan: outline.plan.as_ref().map(|plan| plan.file.clone()),
                sent: BTreeSet::new(),
                finished: None,
            });
            return Ok(());
        }
        let Some(current) = self.runs.last_mut() else {
            return Err("an event before any run started".to_owned());
        };
        if current.id != run || current.finished.is_some() {
            return Err(format!("an event of run {run}, which is not the one at work"));
        }
        if let EventKind::StepFinished { step, outcome: Outcome::Sent, .. } = event {
            current.sent.insert(step.clone());
        }
        self.proofs.learn(event);
        self.events += 1;
        let now = self.events;
        match event {
            EventKind::RunFinished(summary) => current.finished = Some(summary.clone()),
            EventKind::StepStarted { step } => {
                let record = self.steps.entry(step.clone()).or_default();
                record.continued = false;
                if record.running.replace(run.to_owned()).is_some() {
                    return Err(format!("step {step} starts while it runs"));
                }
                record.gave_up = false;
            }
            EventKind::Intent { step } => {
                let record = self.running(step)?;
                record.open_intent = true;
                record.acted = true;
                record.settled = false;
                record.begun_at = now;
                record.begun_with = inputs.cloned();
            }
            EventKind::Remembered { step, name, value } => {
                self.running(step)?.remembered.set(name, value.clone());
            }
            EventKind::Forgotten { step } => self.running(step)?.remembered = Facts::none(),
            EventKind::Resumed { step, how } => {
                self.running(step)?.continued = *how == Resumed::Continued;
            }
            EventKind::Probed { step, verdict, .. } => {
                let record = self.running(step)?;
                // The site has borne it out.
                record.settled &= *verdict != Verdict::Done;
            }
            EventKind::Setting { step, .. } => {
                self.running(step)?;
            }
            EventKind::StepFinished { step, outcome: Outcome::NotRun { .. }, .. } => {
                // Also told of steps that never started; closes nothing.
                if let Some(record) = self.steps.get_mut(step) {
                    record.running = None;
                }
            }
            EventKind::StepFinished { step, outcome, facts, elapsed_ms } => {
                let record = self.running(step)?;
                record.running = None;
                record.learn(outcome, Duration::from_millis(*elapsed_ms));
                record.finish(outcome, inputs, now);
                self.facts.extend(facts.clone());
            }
            _ => {}
        }
        Ok(())
    }

    fn running(&mut self, step: &str) -> Result<&mut StepRecord, String> {
        match self.steps.get_mut(step) {
            Some(record) if record.running.is_some() => Ok(record),
            _ => Err(format!("an event of step {step}, which is not running")),
        }
    }
}

impl StepRecord {
    /// A step that only finds its work done, or goes on in the middle, says nothing about how long it takes.
    fn learn(&mut self, outcome: &Outcome, took: Duration) {
        let whole = matches!(outcome, Outcome::Passed | Outcome::Changed | Outcome::Sent | Outcome::Ready);
        if whole && !self.continued {
            self.took.push(took);
        }
    }

    /// What the site was given last, as far as anybody knows: of the act in hand, else of the last good outcome. A
    /// refused act leaves what was there before.
    pub fn inputs(&self) -> Option<&Inputs> {
        self.begun_with.as_ref().filter(|_| self.open_intent).or(self.inputs.as_ref())
    }

    fn finish(&mut self, outcome: &Outcome, inputs: Option<&Inputs>, now: u64) {
        match outcome {
            Outcome::Failed { failure } if failure.effect == Effect::Unknown => {
                self.gave_up = !failure.kind.is_stop();
            }
            // The site refused: the act is over and without effect. What it remembered may still help.
            Outcome::Failed { .. } => {
                self.open_intent = false;
                if self.finished.is_none() {
                    self.inputs = self.begun_with.take();
                }
            }
            Outcome::Settled { done: false } => {
                *self = Self { took: std::mem::take(&mut self.took), ..Self::default() };
            }
            _ => {
                self.open_intent = false;
                self.remembered = Facts::none();
                self.settled |= matches!(outcome, Outcome::Settled { done: true });
                self.finished = Some(outcome.clone());
                self.finished_at = now;
                self.inputs = inputs.cloned();
            }
        }
    }
}
