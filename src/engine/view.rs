//! What a probe saw, in one form for all kinds of step.

use super::{
    event::Verdict,
    facts::Facts,
    handle::Handle,
    step::{ChangeProbe, Difference, OnceProbe, StepFn, StepKind, WaitProbe},
    world::World,
};
use crate::{failure::Result, text::Text};

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct View {
    /// `None` only before the first look.
    pub verdict: Option<Verdict>,
    pub facts: Facts,
    pub differences: Vec<Difference>,
    pub reason: Option<Text>,
}

impl View {
    fn of(verdict: Verdict) -> Self {
        Self { verdict: Some(verdict), ..Self::default() }
    }

    fn because(verdict: Verdict, reason: Text) -> Self {
        Self { reason: Some(reason), ..Self::of(verdict) }
    }

    /// Nothing is there, or not as planned, or not to be proved: an effect on its way would look the same.
    pub fn undecided(&self) -> bool {
        matches!(self.verdict, Some(Verdict::Absent | Verdict::Differs | Verdict::Unproved))
    }

    /// The reason, or else the differences in one line.
    pub fn told(&self) -> Text {
        if let Some(reason) = &self.reason {
            return reason.clone();
        }
        let join = |lang| {
            let one = |d: &Difference| format!("{}: {} → {}", d.what.get(lang), d.found, d.planned);
            self.differences.iter().map(one).collect::<Vec<_>>().join("; ")
        };
        if self.differences.is_empty() {
            return crate::messages::message("engine.look.absent", &[]);
        }
        Text::new(join(crate::text::Lang::Zh), join(crate::text::Lang::En))
    }
}

impl From<ChangeProbe> for View {
    fn from(probe: ChangeProbe) -> Self {
        match probe {
            ChangeProbe::Done(facts) => View { facts, ..View::of(Verdict::Done) },
            ChangeProbe::Absent => View::of(Verdict::Absent),
            ChangeProbe::Differs(differences) => View { differences, ..View::of(Verdict::Differs) },
            ChangeProbe::Conflict(reason) => View::because(Verdict::Conflict, reason),
            ChangeProbe::Unknown(reason) => View::because(Verdict::Unknown, reason),
            ChangeProbe::NotNeeded(reason) => View::because(Verdict::NotNeeded, reason),
        }
    }
}

impl From<OnceProbe> for View {
    fn from(probe: OnceProbe) -> Self {
        match probe {
            OnceProbe::Done(facts) => View { facts, ..View::of(Verdict::Done) },
            OnceProbe::Conflict(reason) => View::because(Verdict::Conflict, reason),
            OnceProbe::Unproved(reason) => View::because(Verdict::Unproved, reason),
            OnceProbe::NotNeeded(reason) => View::because(Verdict::NotNeeded, reason),
        }
    }
}

impl From<WaitProbe> for View {
    fn from(probe: WaitProbe) -> Self {
        match probe {
            WaitProbe::Ready(facts) => View { facts, ..View::of(Verdict::Done) },
            WaitProbe::NotYet(reason) => View::because(Verdict::Absent, reason),
            WaitProbe::NotNeeded(reason) => View::because(Verdict::NotNeeded, reason),
        }
    }
}

/// The probe of a step, whatever its kind.
pub(super) enum Probe<'a, W: World> {
    Change(&'a StepFn<W::Read, ChangeProbe>),
    Once(&'a StepFn<W::Read, OnceProbe>),
    Wait(&'a StepFn<W::Read, WaitProbe>),
}

impl<W: World> Probe<'_, W> {
    pub async fn look(&self, world: &W, handle: &Handle) -> Result<View> {
        let read = world.read();
        Ok(match self {
            Probe::Change(probe) => probe(read, handle).await?.into(),
            Probe::Once(probe) => probe(read, handle).await?.into(),
            Probe::Wait(probe) => probe(read, handle).await?.into(),
        })
    }
}

impl<W: World> StepKind<W> {
    /// The step's probe; a check, a repeat and a verification have none.
    pub fn probe(&self) -> Option<Probe<'_, W>> {
        match self {
            StepKind::Change { probe, .. } => Some(Probe::Change(probe)),
            StepKind::Once { probe, .. } => Some(Probe::Once(probe)),
            StepKind::Wait { probe } => Some(Probe::Wait(probe)),
            StepKind::Check { .. } | StepKind::Repeat { .. } | StepKind::Verify { .. } => None,
        }
    }

    /// Whether the step proves nothing that a later step could need: it is left out where it was not asked for.
    pub fn only_reads(&self) -> bool {
        matches!(self, StepKind::Check { .. } | StepKind::Verify { .. })
    }

    /// Whether the step changes the site.
    pub fn acts(&self) -> bool {
        !self.only_reads() && !matches!(self, StepKind::Wait { .. })
    }
}
