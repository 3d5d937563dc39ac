//! One attempt at one step: the moves that its kind is made of (look, act, follow), each safe to be cut anywhere.

use std::{cell::Cell, pin::pin, time::Duration};

use futures_util::FutureExt;

use super::{
    crash::CrashPoint,
    event::{EventKind, Outcome, Resumed, Verdict},
    facts::Facts,
    handle::Handle,
    inputs::Inputs,
    journal::StepRecord,
    service::Slot,
    stage::Step,
    step::{StepFn, StepKind},
    view::{Probe, View},
    waiting::{Interrupt, Pace},
    world::World,
};
use crate::{
    failure::{Effect, Failure, Kind, Result},
    messages::message,
    units,
};

/// How often an act is run at most in one run when its answers get lost.
pub(super) const ATTEMPTS: usize = 3;

/// How a step ended well.
pub(super) type Ended = Result<(Outcome, Facts)>;

pub(super) struct Attempt<'a, W: World> {
    pub world: &'a W,
    pub step: &'a Step<W>,
    pub handle: Handle,
    /// What earlier runs left; `None`: none ever started this step.
    pub before: Option<StepRecord>,
    pub inputs: Inputs,
    /// The operator said `--redo`: an earlier end counts for nothing.
    pub redo: bool,
    /// Only looked at, because a selected stage needs it.
    pub needed_only: bool,
    /// The site refused the act: the intent is closed although the step failed.
    pub refused: Cell<bool>,
    /// It has begun to change the site.
    pub begun: Cell<bool>,
    /// It was not begun: the maintenance window leaves it no room, or another step has failed and this one destroys something.
    pub put_off: Cell<bool>,
}

/// How an act returned.
pub(super) enum Acted<T> {
    Answered(T),
    /// The answer is lost or half the act is done: only a second look can tell.
    Lost(Box<Failure>),
}

impl<W: World> Attempt<'_, W> {
    /// The earlier good end, if it still counts.
    pub fn finished(&self) -> Option<&Outcome> {
        let before = self.before.as_ref().filter(|before| !before.open_intent && !self.redo)?;
        before.finished.as_ref().filter(|outcome| !matches!(outcome, Outcome::Skipped { .. }))
    }

    /// An earlier run began the act and nobody knows how it ended.
    pub fn open(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.open_intent)
    }

    /// Whether what was sent is gone, because the thing that it was sent to was made anew since.
    pub fn lost_since(&self) -> bool {
        let journal = self.handle.context.journal.borrow();
        journal.state().acted_since(&self.step.id, &self.step.manifest.again_after)
    }

    /// Whether the operator gives up what an earlier attempt remembered: that attempt ended by itself without getting
    /// anywhere. One that was cut off is gone on with, also under `--redo`, or the same command would do it twice.
    pub fn gives_up(&self) -> bool {
        self.redo && self.before.as_ref().is_some_and(|before| before.open_intent && before.gave_up)
    }

    /// Tells what this run does with a step that an earlier one had touched.
    pub fn resumed(&self, how: Resumed) -> Result<()> {
        // One that was only looked at, or put off, has nothing to go on with.
        if !self.before.as_ref().is_some_and(|before| before.acted || before.finished.is_some()) {
            return Ok(());
        }
        self.handle.context.record(EventKind::Resumed { step: self.step.id.clone(), how })
    }

    /// How long an effect may take to show.
    pub fn visible_within(&self) -> Duration {
        self.step.manifest.visible_within.unwrap_or(Duration::ZERO)
    }

    /// Looks until the view counts (see `look`). Finds a probe the work in progress and remembers it, it is followed
    /// and looked at anew, unless it was `followed` already; a bad end of it comes back with the view.
    pub async fn prove(
        &self,
        probe: &Probe<'_, W>,
        follow: Option<&StepFn<W::Read, ()>>,
        followed: bool,
        first: Interrupt,
    ) -> Result<(View, Option<Box<Failure>>)> {
        let patience = self.visible_within();
        let Some(follow) = follow.filter(|_| !followed) else {
            return Ok((self.look(probe, patience, first, false).await?, None));
        };
        let view = self.look(probe, patience, first, true).await?;
        if !(view.undecided() && self.handle.remembers()) {
            return Ok((view, None));
        }
        let ended_badly = self.go_on(follow).await?;
        Ok((self.look(probe, patience, Interrupt::AtFirst, false).await?, ended_badly))
    }

    /// Looks until the view counts: *unknown* never does, *absent*, *differs* and *unproved* only once they have
    /// been seen for `patience` and in as many looks as `Pace` asks for, or when `seek` and the probe remembered
    /// something. `first` says what a request to stop does to the first look.
    pub async fn look(
        &self,
        probe: &Probe<'_, W>,
        patience: Duration,
        first: Interrupt,
        seek: bool,
    ) -> Result<View> {
        let clock = self.handle.clock();
        let limit = clock.limit(self.step.manifest.timeout);
        let patience = clock.exact_limit(patience);
        let mut pace = Pace::of(self.step.manifest.poll, clock.elapsed());
        let mut interrupt = first;
        let mut last = View::default();
        loop {
            // Judged before the look: the site had all of the time.
            let waited = patience.passed(clock) && (pace.may_end() || patience.stated().is_zero());
            let view = self.guarded(interrupt, probe.look(self.world, &self.handle)).await?;
            if view != last {
                self.tell(&view)?;
            }
            if view.verdict == Some(Verdict::Unknown) {
                self.handle.pause(&mut pace, &limit, view.told()).await?;
            } else if !view.undecided() || waited || (seek && self.handle.remembers()) {
                return Ok(view);
            } else {
                self.handle.nap(&mut pace, &patience, view.told()).await?;
            }
            self.world.forget_reads();
            interrupt = Interrupt::AtFirst;
            last = view;
        }
    }

    /// One look, whatever it shows.
    pub async fn survey(&self, probe: &Probe<'_, W>) -> Result<View> {
        let view = self.guarded(Interrupt::AtFirst, probe.look(self.world, &self.handle)).await?;
        self.tell(&view)?;
        Ok(view)
    }

    fn tell(&self, view: &View) -> Result<()> {
        let Some(verdict) = view.verdict else { return Ok(()) };
        self.handle.context.record(EventKind::Probed {
            step: self.step.id.clone(),
            verdict,
            differences: view.differences.clone(),
            reason: view.reason.clone(),
            evidence: self.world.evidence(&self.step.id),
        })
    }

    /// Runs a reading piece of work within the step's limit; a request to stop may drop it.
    pub async fn guarded<T>(&self, interrupt: Interrupt, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.handle.begin_bounded();
        let bounded = self.handle.clock().within(self.step.manifest.timeout, work);
        match interrupt.race(&self.handle.context.cancel, &self.step.manifest.title, bounded).await? {
            Some(result) => result,
            None => Err(self.handle.overdue()),
        }
    }

    /// Waits until no other mutation of the same service is in flight.
    pub async fn slot(&self) -> Result<Option<Slot>> {
        if self.step.manifest.chunked {
            return Ok(None);
        }
        let mut take = pin!(self.handle.turn.take());
        if let Some(slot) = take.as_mut().now_or_never() {
            return Ok(slot);
        }
        let since = self.handle.clock().elapsed();
        self.handle.show_line();
        let cancel = &self.handle.context.cancel;
        let slot = Interrupt::AtFirst.race(cancel, &self.step.manifest.title, take).await;
        self.handle.stood_in_line(since);
        slot
    }

    /// Runs the act between an intent on disk and its answer. An error means that the site is as before.
    pub async fn act<T>(&self, act: &StepFn<W, T>) -> Result<Acted<T>> {
        let context = &self.handle.context;
        if context.cancel.requested() {
            return Err(context.cancel.failure(self.step.manifest.title.clone()));
        }
        if let Some(failure) = context.broken.borrow().clone() {
            return Err(failure);
        }
        if let Err(failure) = self.handle.admitted().await {
            self.put_off.set(failure.kind == Kind::Window);
            return Err(failure);
        }
        // What it has begun in this run it goes on with, too.
        if let Some(failure) = self.handle.held_up().filter(|_| !self.begun.get()) {
            self.put_off.set(true);
            // What is not run is said at -v alone; that the disks are as they were is worth a line.
            self.handle.note(failure.meaning.clone().unwrap_or_default());
            return Err(failure);
        }
        if !self.begun.replace(true) && !self.step.manifest.local {
            context.begun.borrow_mut().push(self.step.manifest.title.clone());
        }
        context.crash.at(&self.step.id, CrashPoint::BeforeIntent).await;
        context.record_with(
            EventKind::Intent { step: self.step.id.clone() },
            Some(self.inputs.clone()),
            None,
        )?;
        self.refused.set(false);
        context.crash.at(&self.step.id, CrashPoint::AfterIntent).await;
        self.handle.begin_act();
        let answer = act(self.world, &self.handle).await;
        let remembered = self.handle.end_act();
        self.world.forget_reads();
        context.crash.at(&self.step.id, CrashPoint::AfterAnswer).await;
        match answer {
            Ok(value) => Ok(Acted::Answered(value)),
            Err(failure) if failure.effect == Effect::None && !remembered => {
                self.refused.set(true);
                Err(failure)
            }
            // Nothing more leaves in this window: a second look would only lead to a second refusal.
            Err(failure) if failure.kind == Kind::Window => Err(failure.answer_lost()),
            Err(failure) => Ok(Acted::Lost(failure.answer_lost())),
        }
    }

    /// It has ended, one way or the other.
    pub fn ended(&self) {
        let mut begun = self.handle.context.begun.borrow_mut();
        let own = |title: &crate::text::Text| *title == self.step.manifest.title;
        if let Some(at) = begun.iter().position(own).filter(|_| self.begun.get()) {
            begun.swap_remove(at);
        }
    }

    /// Follows what was remembered. A failure stands only while it is still remembered: a follower that learns
    /// of a bad end forgets it, and then the next look at the site decides (`Ok(Some)`).
    pub async fn follow(&self, follow: &StepFn<W::Read, ()>) -> Result<Option<Box<Failure>>> {
        let work = follow(self.world.read(), &self.handle);
        let cancel = &self.handle.context.cancel;
        match Interrupt::AtFirst.race(cancel, &self.step.manifest.title, work).await? {
            Ok(()) => {
                self.world.forget_reads();
                Ok(None)
            }
            Err(failure) if failure.kind.is_stop() => Err(failure),
            Err(failure) if self.handle.remembers() => Err(self.or_give_up(failure)),
            Err(failure) => Ok(Some(failure)),
        }
    }

    /// What never ends would be followed by every later run: the operator may have it done anew.
    fn or_give_up(&self, failure: Box<Failure>) -> Box<Failure> {
        match (failure.kind, &self.step.kind) {
            (Kind::TimedOut, StepKind::Change { .. }) => {
                failure.advise(message("engine.wait.give-up", &[("step", &self.step.id)]))
            }
            _ => failure,
        }
    }

    /// Follows what is under way, as the one mutation in flight of its service.
    pub async fn go_on(&self, follow: &StepFn<W::Read, ()>) -> Result<Option<Box<Failure>>> {
        self.resumed(Resumed::Continued)?;
        let _slot = self.slot().await?;
        self.follow(follow).await
    }

    pub fn failure(&self, kind: Kind) -> Box<Failure> {
        Failure::new(kind, self.step.manifest.title.clone()).at(&self.step.id)
    }

    /// It is there and somebody else's.
    pub fn conflict(&self, view: &View) -> Box<Failure> {
        self.failure(Kind::Site)
            .meaning(message("engine.look.conflict", &[("reason", &view.told())]))
            .advise(message("engine.look.conflict-advice", &[]))
    }

    /// The site accepted the act, and then did not show its effect.
    pub fn not_shown(&self, view: &View) -> Box<Failure> {
        let waited = units::duration(self.visible_within());
        self.failure(Kind::Site)
            .meaning(message("engine.look.not-shown", &[("waited", &waited), ("seen", &view.told())]))
            .advise(self.handle.context.advice.again.clone())
    }

    /// A selected stage needs this step, and it has not been done.
    pub fn lacking(&self, view: &View) -> Box<Failure> {
        let stage = self.step.stage();
        self.failure(Kind::Site)
            .meaning(message("engine.lacking.step", &[("stage", &stage), ("seen", &view.told())]))
            .advise(self.handle.context.advice.earlier.advice(stage))
    }
}
