//! What a step may ask of the engine while it runs.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    admission::Need,
    clock::{Clock, Limit},
    context::Context,
    event::{EventKind, Level, Outcome},
    facts::{Fact, Facts},
    journal::Durability,
    manifest::StepManifest,
    question::{Answer, Form, Question},
    service::Turn,
    step::WaitProbe,
    waiting::{Interrupt, Pace},
};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    text::Text,
};

/// A step's own handle: its facts, its memory, its questions, its time.
pub struct Handle {
    step: String,
    manifest: Rc<StepManifest>,
    pub(super) context: Rc<Context>,
    /// The lacking-fact message needs to know who provides a fact: `(fact, stage.step)`.
    providers: Rc<Vec<(String, String)>>,
    /// The steps that come after this one, directly or not.
    dependents: Vec<String>,
    /// The operator said `--redo`.
    anew: bool,
    /// An earlier run has begun it, and nobody knows how it ended.
    pub(super) begun_before: bool,
    /// What it asks of a maintenance window.
    pub(super) need: Need,
    pub(super) turn: Turn,
    /// How long the step should take, in site time.
    expected: Option<Duration>,
    /// While an act runs, waits are not cut short by a first Ctrl-C.
    acting: Cell<bool>,
    /// Something was remembered since the act began, so it cannot have been without effect.
    remembered_now: Cell<bool>,
    last_hint: Cell<Option<Duration>>,
    /// How long the step has waited for its turn: time that it did not take.
    in_line: Cell<Duration>,
    /// The limit that the work in hand runs under, and what it last said it waits for.
    bound: Cell<Option<Limit>>,
    awaited: RefCell<Option<Text>>,
    /// The limit of what may come after the rest, and whether it had passed when it was asked for last.
    grace: Cell<Option<(Limit, bool)>>,
}

/// What the runbook, the operator and the hour make of a step in this run.
pub(super) struct Circumstances {
    /// The steps that come after this one, directly or not.
    pub dependents: Vec<String>,
    /// The operator said `--redo`.
    pub anew: bool,
    /// An earlier run has begun it, and nobody knows how it ended.
    pub begun_before: bool,
    /// What it asks of a maintenance window.
    pub need: Need,
    /// Its place in the line for its service.
    pub turn: Turn,
    /// How long the step should take, in site time.
    pub expected: Option<Duration>,
}

/// At most one hint in this time (site time) is written.
const HINT_PACE: Duration = Duration::from_secs(1);

impl Handle {
    pub(super) fn new(
        step: String,
        manifest: Rc<StepManifest>,
        context: Rc<Context>,
        providers: Rc<Vec<(String, String)>>,
        Circumstances { dependents, anew, begun_before, need, turn, expected }: Circumstances,
    ) -> Self {
        Self {
            step,
            manifest,
            context,
            providers,
            dependents,
            anew,
            begun_before,
            need,
            turn,
            expected,
            acting: Cell::new(false),
            remembered_now: Cell::new(false),
            last_hint: Cell::new(None),
            in_line: Cell::new(Duration::ZERO),
            bound: Cell::new(None),
            awaited: RefCell::new(None),
            grace: Cell::new(None),
        }
    }

    /// The full id, `stage.step`.
    pub fn id(&self) -> &str {
        &self.step
    }

    pub fn manifest(&self) -> &StepManifest {
        &self.manifest
    }

    pub fn clock(&self) -> &Clock {
        &self.context.clock
    }

    /// The step's place in the line for its service. A step whose manifest says `chunked` takes it for each request that
    /// changes more than a chunk does; for all others the engine has taken it before the act.
    pub fn turn(&self) -> Turn {
        if self.manifest.chunked { self.turn.clone() } else { Turn::free() }
    }

    /// Whether the run was asked to stop: finish the request in hand and start no further one.
    pub fn cancelled(&self) -> bool {
        self.context.cancel.requested()
    }

    /// A fact learnt by any step, in this run or an earlier one.
    pub fn fact<T: DeserializeOwned>(&self, key: &Fact<T>) -> Option<T> {
        self.context.journal.borrow().state().facts.get(key)
    }

    /// Whether the act of this step was begun, in this run or an earlier one, and nobody knows yet how it ended.
    pub fn begun(&self) -> bool {
        self.context.journal.borrow().state().step(&self.step).is_some_and(|record| record.open_intent)
    }

    /// Whether the operator wants this step done again (`--redo`): what earlier runs left counts for nothing. A probe
    /// needs to know it only where an older effect cannot be told from a new one.
    pub fn anew(&self) -> bool {
        self.anew
    }

    /// Whether an earlier run began the act of a step that comes after this one, and nobody knows yet how it ended.
    /// The site may be in the middle of it: a check is then judged with the facts.
    pub fn under_way(&self) -> bool {
        let journal = self.context.journal.borrow();
        let open = |step: &String| journal.state().step(step).is_some_and(|record| record.open_intent);
        self.dependents.iter().any(open)
    }

    /// Whether the act of `step` was ever begun at this site: if not, what stands there was there before.
    pub fn acted(&self, step: &str) -> bool {
        self.context.journal.borrow().state().step(step).is_some_and(|record| record.acted)
    }

    /// Whether `step` has ended well at this site, or began to act and nobody knows yet how that ended: what it makes may
    /// stand there.
    pub fn may_stand(&self, step: &str) -> bool {
        let journal = self.context.journal.borrow();
        journal.state().step(step).is_some_and(|record| record.open_intent || record.finished.is_some())
    }

    /// Why `step` was skipped, when that is how it ended last.
    pub fn skipped(&self, step: &str) -> Option<Text> {
        let journal = self.context.journal.borrow();
        match &journal.state().step(step)?.finished {
            Some(Outcome::Skipped { reason }) => Some(reason.clone()),
            _ => None,
        }
    }

    /// A fact this step cannot do without; else a failure that names the stage which provides it.
    pub fn need<T: DeserializeOwned>(&self, key: &Fact<T>) -> Result<T> {
        if let Some(value) = self.fact(key) {
            return Ok(value);
        }
        let failure = Failure::new(Kind::Site, self.manifest.title.clone()).at(&self.step);
        Err(match self.providers.iter().find(|(fact, _)| fact == key.name) {
            Some((_, step)) => {
                let stage = step.split('.').next().unwrap_or(step);
                failure
                    .meaning(message("engine.fact.lacking", &[("fact", &key.name), ("step", step)]))
                    .advise(self.context.advice.earlier.advice(stage))
            }
            None => failure
                .meaning(message("engine.fact.unprovided", &[("fact", &key.name)]))
                .advise(self.context.advice.again.clone()),
        })
    }

    /// Records something learnt in the middle of an act (job id, upload id); on disk when this returns.
    pub fn remember<T: Serialize>(&self, key: &Fact<T>, value: &T) -> Result<()> {
        self.remembered_now.set(true);
        self.write_memory(key, value, None)
    }

    /// Like `remember`, but cheap and not certain to survive: at most one a second is written, none is flushed.
    pub fn hint<T: Serialize>(&self, key: &Fact<T>, value: &T) {
        let now = self.clock().elapsed();
        if self.last_hint.get().is_some_and(|last| now < last + HINT_PACE) {
            return;
        }
        self.last_hint.set(Some(now));
        if let Err(failure) = self.write_memory(key, value, Some(Durability::Buffered)) {
            self.context.broken.borrow_mut().get_or_insert(failure);
        }
    }

    fn write_memory<T: Serialize>(
        &self,
        key: &Fact<T>,
        value: &T,
        durability: Option<Durability>,
    ) -> Result<()> {
        let value = serde_json::to_value(value).map_err(|error| {
            Failure::new(Kind::Bug, self.manifest.title.clone()).at(&self.step).because(&error)
        })?;
        let kind = EventKind::Remembered { step: self.step.clone(), name: key.name.to_owned(), value };
        self.context.record_with(kind, None, durability)
    }

    /// What this step's open or last unfinished attempt remembered.
    pub fn remembered<T: DeserializeOwned>(&self, key: &Fact<T>) -> Option<T> {
        self.context.journal.borrow().state().step(&self.step)?.remembered.get(key)
    }

    /// Forgets it all: the job ended badly, the upload is gone. The next attempt starts from nothing.
    pub fn forget_remembered(&self) -> Result<()> {
        // What the act took back cannot be an effect of it any more.
        self.remembered_now.set(false);
        if !self.remembers() {
            return Ok(());
        }
        self.context.record(EventKind::Forgotten { step: self.step.clone() })
    }

    /// Tells the operator something about this step.
    pub fn note(&self, text: Text) {
        self.context.report(EventKind::Note { step: self.step.clone(), level: Level::Info, text });
    }

    /// Warnings are counted and listed at the end of the run.
    pub fn warn(&self, text: Text) {
        self.context.report(EventKind::Note { step: self.step.clone(), level: Level::Warning, text });
    }

    /// Shows what a reading piece of work waits for at the moment; its time-out names it.
    pub fn waits_for(&self, what: Text) {
        if let Some(limit) = self.bound.get() {
            self.show_waiting(&limit, what.clone());
        }
        self.awaited.replace(Some(what));
    }

    /// A piece of work begins that must end within the step's limit.
    pub(super) fn begin_bounded(&self) {
        self.bound.set(Some(self.clock().limit(self.manifest.timeout)));
        self.awaited.replace(None);
    }

    /// It did not: what it waited for last.
    pub(super) fn overdue(&self) -> Box<Failure> {
        let what = self.awaited.take().unwrap_or_else(|| message("engine.wait.no-answer", &[]));
        self.timed_out(self.manifest.timeout, what)
    }

    /// Whether a `wait` step, with one look at a time, is still to wait for what comes a little later than the rest and
    /// may stay away: for `limit` (site time) since this was asked first, and until a look that began after it.
    pub fn still_within(&self, limit: Duration) -> bool {
        // Scaled exactly in a rehearsal: the limit of the whole step, which is not, must not come first.
        let (limit, over) = self.grace.get().unwrap_or_else(|| (self.clock().exact_limit(limit), false));
        self.grace.set(Some((limit, limit.passed(self.clock()))));
        !over
    }

    /// Progress of a transfer, in bytes.
    pub fn transfer(&self, name: &str, sent: u64, total: u64) {
        let (step, name) = (self.step.clone(), name.to_owned());
        self.context.show(EventKind::Transfer { step, name, sent, total });
    }

    /// Asks the operator; `flag` answers it without a terminal. Nobody there: a `Kind::Decision` failure.
    pub async fn ask(&self, title: Text, details: Vec<Text>, form: Form, flag: &str) -> Result<Answer> {
        let question = Question { step: self.step.clone(), title, details, form, flag: flag.to_owned() };
        let one = self.context.asking.lock().await;
        self.context.record(EventKind::Asked { question: question.clone() })?;
        let cancel = &self.context.cancel;
        let answer = tokio::select! {
            biased;
            answer = self.context.answerer.answer(&question) => answer?,
            () = cancel.until_requested() => return Err(cancel.failure(question.title)),
        };
        self.context.record(EventKind::Answered { step: self.step.clone(), answer: answer.clone() })?;
        drop(one);
        // Nobody knows how long the question stood.
        self.admitted().await?;
        match self.held_up() {
            Some(failure) => Err(failure),
            None => Ok(answer),
        }
    }

    /// Looks again and again, at the manifest's pace, until ready or until the step's limit passes.
    pub async fn poll<F>(&self, look: F) -> Result<Facts>
    where
        F: AsyncFnMut() -> Result<WaitProbe>,
    {
        self.poll_for(self.manifest.timeout, look).await
    }

    /// The same with a limit of its own (site time).
    pub async fn poll_for<F>(&self, limit: Duration, mut look: F) -> Result<Facts>
    where
        F: AsyncFnMut() -> Result<WaitProbe>,
    {
        let limit = self.clock().limit(limit);
        let mut pace = Pace::of(self.manifest.poll, self.clock().elapsed());
        loop {
            let reason = match look().await? {
                WaitProbe::Ready(facts) => return Ok(facts),
                WaitProbe::NotNeeded(_) => return Ok(Facts::none()),
                WaitProbe::NotYet(reason) => reason,
            };
            self.pause(&mut pace, &limit, reason).await?;
        }
    }

    /// Waits for a turn, before anything is sent: a first Ctrl-C ends it within an act too.
    pub async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Result<T> {
        Interrupt::AtFirst.race(&self.context.cancel, &self.manifest.title, wait).await
    }

    /// One pause between two looks: refuses when the limit passed or the run is to stop.
    pub(super) async fn pause(&self, pace: &mut Pace, limit: &Limit, reason: Text) -> Result<()> {
        if limit.passed(self.clock()) && (pace.may_end() || !self.clock().rehearses()) {
            return Err(self.timed_out(limit.stated(), reason));
        }
        self.nap(pace, limit, reason).await
    }

    /// The same without a refusal at the limit: shows why it waits, then waits.
    pub(super) async fn nap(&self, pace: &mut Pace, limit: &Limit, reason: Text) -> Result<()> {
        self.show_waiting(limit, reason);
        // Who waits for the site does not keep others from it.
        self.turn.waive();
        let interrupt = if self.acting.get() { Interrupt::Never } else { Interrupt::AtFirst };
        let (wait, left) = (pace.next(self.clock().elapsed()), limit.left(self.clock()));
        let nap = self.context.clock.sleep(if left.is_zero() { wait } else { wait.min(left) });
        interrupt.race(&self.context.cancel, &self.manifest.title, nap).await
    }

    /// Shows that another change of the service goes first.
    pub(super) fn show_line(&self) {
        let service = self.manifest.service.as_deref().unwrap_or_default();
        let limit = self.clock().limit(self.manifest.timeout);
        self.show_waiting(&limit, message("engine.wait.turn", &[("service", &service)]));
    }

    /// It waited `since` then.
    pub(super) fn stood_in_line(&self, since: Duration) {
        self.in_line.set(self.in_line.get() + self.clock().elapsed().saturating_sub(since));
    }

    /// How long the step has waited for its turn so far, in site time.
    pub(super) fn in_line(&self) -> Duration {
        self.in_line.get()
    }

    fn show_waiting(&self, limit: &Limit, reason: Text) {
        self.context.show(EventKind::Waiting {
            step: self.step.clone(),
            reason,
            elapsed_ms: millis(limit.elapsed(self.clock())),
            expected_ms: self.expected.map(millis),
            limit_ms: millis(limit.stated()),
        });
    }

    pub(super) fn timed_out(&self, limit: Duration, reason: Text) -> Box<Failure> {
        let mut failure = Failure::new(Kind::TimedOut, self.manifest.title.clone())
            .at(&self.step)
            .meaning(message(
                "engine.wait.timed-out",
                &[("limit", &crate::units::duration(limit)), ("reason", &reason)],
            ))
            .advise(self.context.advice.again.clone());
        if self.acting.get() {
            // Whatever the act was waiting for may still come.
            failure = failure.answer_lost();
        }
        failure
    }

    pub(super) fn remembers(&self) -> bool {
        let journal = self.context.journal.borrow();
        journal.state().step(&self.step).is_some_and(|step| !step.remembered.is_empty())
    }

    /// Marks the span of an act; tells at its end whether anything was remembered within.
    pub(super) fn begin_act(&self) {
        self.acting.set(true);
        self.remembered_now.set(false);
    }

    pub(super) fn end_act(&self) -> bool {
        self.acting.set(false);
        self.remembered_now.get()
    }
}

/// Milliseconds of a site duration, as events tell them.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
