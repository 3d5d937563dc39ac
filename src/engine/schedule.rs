//! The order of a run: every step as soon as what it depends on ended well, independent ones side by side.
//!
//! All steps are futures of one task. None is ever dropped, except by a second request to stop.

use std::time::Duration;

use futures_util::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};

use super::{
    context::Culprit,
    event::{EventKind, Outcome},
    facts::Facts,
    handle::millis,
    lock::Lock,
    run::Runner,
    step::StepKind,
    world::World,
};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    text::Text,
};

/// How often the lock shows that its holder is alive (real time).
const HEARTBEAT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Takes no part in this run; nobody waits for it.
    Apart,
    Waiting,
    Running,
    Well,
    /// Failed, or not run because of a failure: the step that failed first.
    Badly(Option<usize>),
}

pub(super) struct Schedule<'r, 'a, W: World> {
    runner: &'r Runner<'a, W>,
    states: Vec<State>,
    /// Per stage: when its first step started (site time).
    stages: Vec<Option<Duration>>,
    failure: Option<Box<Failure>>,
    /// The maintenance window has not opened yet: nothing but checks starts.
    held: bool,
    /// Steps that the window left no room for.
    put_off: Vec<usize>,
}

impl<'r, 'a, W: World + 'static> Schedule<'r, 'a, W> {
    pub fn new(runner: &'r Runner<'a, W>) -> Self {
        let states =
            runner.part.iter().map(|part| if *part { State::Waiting } else { State::Apart }).collect();
        let window = runner.context.window.as_ref();
        let held = window.is_some_and(|window| window.opens_in(runner.context.clock.date()).is_some());
        let stages = vec![None; runner.book.stages.len()];
        Self { runner, states, stages, failure: None, held, put_off: Vec::new() }
    }

    /// Runs everything there is to run; the first failure, when there was one.
    pub async fn run(mut self, mut lock: Option<Lock>) -> Option<Box<Failure>> {
        let runner = self.runner;
        let mut in_hand: FuturesUnordered<LocalBoxFuture<'r, (usize, bool, Result<()>)>> =
            FuturesUnordered::new();
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        let (mut opening, mut watch) =
            (std::pin::pin!(runner.context.opening()), std::pin::pin!(runner.context.watch_window()));
        loop {
            while let Some(at) = self.next() {
                if !self.start(at) {
                    continue;
                }
                let attempt = runner.attempt(at);
                // Before any of those that start together gets as far as asking.
                attempt.handle.turn.announce();
                in_hand.push(Box::pin(async move {
                    let result = runner.step(&attempt).await;
                    attempt.handle.turn.waive();
                    (at, attempt.put_off.get(), result)
                }));
            }
            if in_hand.is_empty() && !self.waits_for_window() {
                break;
            }
            tokio::select! {
                biased;
                () = runner.context.cancel.until_forced(), if !in_hand.is_empty() => {
                    drop(in_hand);
                    self.abandon();
                    break;
                }
                Some((at, put_off, result)) = in_hand.next() => self.end(at, put_off, result),
                () = runner.context.cancel.until_requested(), if in_hand.is_empty() => {}
                () = &mut opening, if self.held => self.open(),
                never = &mut watch => match never {},
                _ = heartbeat.tick() => {
                    if let Some(lock) = &mut lock {
                        // The OS lock is what counts; a late heartbeat misleads nobody on this machine.
                        let _ = lock.beat();
                    }
                }
            }
        }
        self.leave();
        self.failure
    }

    /// A waiting step whose dependencies all ended; never one after a request to stop.
    fn next(&self) -> Option<usize> {
        if self.runner.context.cancel.requested() {
            return None;
        }
        if self.runner.options.in_order && self.states.contains(&State::Running) {
            return None;
        }
        let held = |at: &usize| self.held && !self.is_check(*at);
        (0..self.states.len()).find(|at| self.states[*at] == State::Waiting && self.ended(*at) && !held(at))
    }

    fn is_check(&self, at: usize) -> bool {
        matches!(self.runner.book.nodes[at].step.kind, StepKind::Check { .. })
    }

    /// Whether there is nothing to do but to wait until the window opens; not when a check has failed already.
    fn waits_for_window(&self) -> bool {
        self.held
            && self.failure.is_none()
            && !self.runner.context.cancel.requested()
            && self.states.contains(&State::Waiting)
    }

    /// The window is open. What was checked before may be different by now, so it is checked again.
    fn open(&mut self) {
        self.held = false;
        for at in 0..self.states.len() {
            if self.states[at] == State::Well && self.is_check(at) {
                self.states[at] = State::Waiting;
                // Its time is that of the second round, not that of the wait between the two.
                self.stages[self.runner.book.nodes[at].stage] = Some(self.runner.context.clock.elapsed());
            }
        }
    }

    /// Whether everything that `at` comes after has ended, and what it only waits for too. A step apart (a check of
    /// an earlier stage) passes the question on to what itself comes after.
    fn ended(&self, at: usize) -> bool {
        let over = |before: &usize| matches!(self.states[*before], State::Well | State::Badly(_));
        let ends = &self.runner.book.nodes[at].ends;
        self.before(at).iter().all(over)
            && ends.iter().all(|before| over(before) || self.states[*before] == State::Apart)
    }

    /// The steps taking part that `at` comes after, seen through those apart.
    fn before(&self, at: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut open = self.runner.book.nodes[at].after.clone();
        while let Some(before) = open.pop() {
            if self.states[before] == State::Apart {
                open.extend(&self.runner.book.nodes[before].after);
            } else {
                found.push(before);
            }
        }
        found
    }

    /// Starts a step, or tells that it will not run because of an earlier failure.
    fn start(&mut self, at: usize) -> bool {
        let culprit = self.before(at).into_iter().find_map(|before| match self.states[before] {
            State::Badly(first) => Some(first.unwrap_or(before)),
            _ => None,
        });
        if let Some(culprit) = culprit {
            let title = &self.runner.book.nodes[culprit].step.manifest.title;
            let reason = match self.put_off.contains(&culprit) {
                true => message("engine.run.after-put-off", &[("step", title)]),
                false => message("engine.run.after-failure", &[("step", title)]),
            };
            self.not_run(at, reason);
            self.states[at] = State::Badly(Some(culprit));
            self.end_stage(self.runner.book.nodes[at].stage);
            return false;
        }
        let stage = self.runner.book.nodes[at].stage;
        if self.stages[stage].is_none() {
            self.stages[stage] = Some(self.runner.context.clock.elapsed());
            let stage = self.runner.book.stages[stage].manifest.id.clone();
            self.runner.context.report(EventKind::StageStarted { stage });
        }
        self.states[at] = State::Running;
        true
    }

    /// `put_off`: it was not begun, because of the window or of what failed before.
    fn end(&mut self, at: usize, put_off: bool, result: Result<()>) {
        self.states[at] = match result {
            Ok(()) => State::Well,
            Err(failure) if failure.kind == Kind::Window => {
                self.put_off.push(at);
                self.fail(failure);
                State::Badly(None)
            }
            Err(_) if put_off => {
                State::Badly(self.runner.context.culprit.borrow().as_ref().map(|culprit| culprit.at))
            }
            Err(failure) => {
                if !failure.kind.is_stop() {
                    let title = self.runner.book.nodes[at].step.manifest.title.clone();
                    let culprit = Culprit { at, title, kind: failure.kind };
                    self.runner.context.culprit.borrow_mut().get_or_insert(culprit);
                }
                self.fail(failure);
                State::Badly(None)
            }
        };
        self.end_stage(self.runner.book.nodes[at].stage);
    }

    /// Keeps the failure that tells most: the first one that is not merely a stop.
    fn fail(&mut self, failure: Box<Failure>) {
        match &self.failure {
            Some(kept) if !kept.kind.is_stop() || failure.kind.is_stop() => {}
            _ => self.failure = Some(failure),
        }
    }

    /// Tells the end of a stage once nothing of it is waiting or running.
    fn end_stage(&self, stage: usize) {
        let nodes = &self.runner.book.nodes;
        let mut states = (0..nodes.len()).filter(|&at| nodes[at].stage == stage).map(|at| &self.states[at]);
        let Some(started) = self.stages[stage] else { return };
        if states.clone().any(|state| matches!(state, State::Waiting | State::Running)) {
            return;
        }
        let complete = !states.any(|state| matches!(state, State::Badly(_)));
        let elapsed_ms = millis(self.runner.context.clock.elapsed().saturating_sub(started));
        let stage = self.runner.book.stages[stage].manifest.id.clone();
        self.runner.context.report(EventKind::StageFinished { stage, complete, elapsed_ms });
    }

    /// Asked twice to stop: the steps in hand end here, however far they are. Their intents stay open.
    fn abandon(&mut self) {
        for at in 0..self.states.len() {
            if self.states[at] == State::Running {
                let attempt = self.runner.attempt(at);
                let failure = self.runner.context.cancel.failure(attempt.step.manifest.title.clone());
                let failure = self.runner.fail(&attempt, failure, 0);
                self.end(at, false, Err(failure));
            }
        }
    }

    /// What a stopped run did not come to.
    fn leave(&mut self) {
        let cancel = self.runner.context.cancel.clone();
        for at in 0..self.states.len() {
            if self.states[at] == State::Waiting {
                self.not_run(at, message("engine.run.stopped", &[]));
                self.states[at] = State::Badly(None);
                self.fail(cancel.failure(message("engine.run.running", &[])));
                self.end_stage(self.runner.book.nodes[at].stage);
            }
        }
    }

    fn not_run(&self, at: usize, reason: Text) {
        let step = self.runner.book.nodes[at].step.id.clone();
        let outcome = Outcome::NotRun { reason };
        self.runner.context.report(EventKind::StepFinished {
            step,
            outcome,
            facts: Facts::none(),
            elapsed_ms: 0,
        });
    }
}
