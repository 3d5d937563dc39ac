//! The six kinds of step, as the stages register them (DESIGN §4).
//!
//! A stage's `steps()` is a literal list, in the order of its manifest:
//!
//! ```text
//! Steps::new()
//!     .check("plan", plan::check)
//!     .change("vip", vip::probe, vip::act)
//!     .change_followed("dns", dns::probe, dns::act, job::follow)
//!     .once("deploy", deploy::probe, deploy::act)
//!     .wait("deployed", deploy::wait)
//!     .verify("fisheye", fisheye::read)
//! ```
//!
//! Every function takes the world (a probe only its readable part) and the step's own `Handle`.

use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

use super::{facts::Facts, handle::Handle, setting::Setting, world::World};
use crate::{failure::Result, text::Text};

/// A setting whose value at the site is not the planned one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The setting, in the field's words.
    pub what: Text,
    pub found: String,
    pub planned: String,
    /// The cell that holds the planned value, when one does: `主机规划!I19`.
    pub cell: Option<String>,
}

/// What the probe of a `change` step saw at the site.
#[derive(Clone, Debug)]
pub enum ChangeProbe {
    /// As planned; the facts come with it.
    Done(Facts),
    Absent,
    Differs(Vec<Difference>),
    /// It is there and somebody else's: stop.
    Conflict(Text),
    /// The site cannot be judged now: look again, never act.
    Unknown(Text),
    /// The plan asks for nothing here; recorded as skipped, with the reason.
    NotNeeded(Text),
}

/// What the probe of a `once` step could prove.
#[derive(Clone, Debug)]
pub enum OnceProbe {
    Done(Facts),
    Conflict(Text),
    /// No proof either way; the reason is shown.
    Unproved(Text),
    NotNeeded(Text),
}

/// How a `repeat` step ended: the site accepted it, which is not yet a proof.
#[derive(Clone, Debug)]
pub enum Sent {
    Sent(Facts),
    NotNeeded(Text),
}

/// What a `wait` step (or a followed job) saw at one look.
#[derive(Clone, Debug)]
pub enum WaitProbe {
    Ready(Facts),
    /// Not yet, and why; the last reason is part of a time-out's message.
    NotYet(Text),
    /// The plan asks for nothing here; recorded as skipped, with the reason.
    NotNeeded(Text),
}

/// A step function, erased: the future is local and borrows the world and the handle.
pub(super) type StepFn<In, Out> = Box<dyn for<'a> Fn(&'a In, &'a Handle) -> LocalBoxFuture<'a, Result<Out>>>;

pub(super) enum StepKind<W: World> {
    Check { check: StepFn<W::Read, Facts> },
    Change { probe: StepFn<W::Read, ChangeProbe>, act: StepFn<W, ()>, follow: Option<StepFn<W::Read, ()>> },
    Repeat { act: StepFn<W, Sent> },
    Once { probe: StepFn<W::Read, OnceProbe>, act: StepFn<W, ()>, follow: Option<StepFn<W::Read, ()>> },
    Wait { probe: StepFn<W::Read, WaitProbe> },
    Verify { read: StepFn<W::Read, Vec<Setting>> },
}

impl<W: World> StepKind<W> {
    /// The kind as `voyager stages` names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Check { .. } => "check",
            Self::Change { .. } => "change",
            Self::Repeat { .. } => "repeat",
            Self::Once { .. } => "once",
            Self::Wait { .. } => "wait",
            Self::Verify { .. } => "verify",
        }
    }
}

/// The steps of one stage, in the order of its manifest.
pub struct Steps<W: World> {
    pub(super) list: Vec<(&'static str, StepKind<W>)>,
}

impl<W: World + 'static> Default for Steps<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: World + 'static> Steps<W> {
    pub fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// Reads and may fail. On a resume it is judged with the facts ("free, or ours").
    pub fn check<C>(self, id: &'static str, check: C) -> Self
    where
        C: AsyncFn(&W::Read, &Handle) -> Result<Facts> + 'static,
    {
        self.push(id, StepKind::Check { check: erase(check) })
    }

    /// Probed, changed, probed again: only the second look makes it *changed*.
    pub fn change<P, A>(self, id: &'static str, probe: P, act: A) -> Self
    where
        P: AsyncFn(&W::Read, &Handle) -> Result<ChangeProbe> + 'static,
        A: AsyncFn(&W, &Handle) -> Result<()> + 'static,
    {
        self.push(id, StepKind::Change { probe: erase(probe), act: erase(act), follow: None })
    }

    /// A change whose act starts a job and remembers it. `follow` waits for whatever the act remembered; the
    /// engine runs it after the act, and first of all on a resume.
    ///
    /// A follower that learns of a bad end calls `Handle::forget_remembered` before it returns its failure: then
    /// the next look decides, and a later run acts anew. Whatever else fails leaves the job to be followed again.
    /// A probe that finds the work in progress (its answer was lost) may remember it: it is followed then.
    pub fn change_followed<P, A, F>(self, id: &'static str, probe: P, act: A, follow: F) -> Self
    where
        P: AsyncFn(&W::Read, &Handle) -> Result<ChangeProbe> + 'static,
        A: AsyncFn(&W, &Handle) -> Result<()> + 'static,
        F: AsyncFn(&W::Read, &Handle) -> Result<()> + 'static,
    {
        let follow = Some(erase(follow));
        self.push(id, StepKind::Change { probe: erase(probe), act: erase(act), follow })
    }

    /// An idempotent write that the site gives no way to read back.
    pub fn repeat<A>(self, id: &'static str, act: A) -> Self
    where
        A: AsyncFn(&W, &Handle) -> Result<Sent> + 'static,
    {
        self.push(id, StepKind::Repeat { act: erase(act) })
    }

    /// Not repeatable; the site can at best prove that it happened.
    pub fn once<P, A>(self, id: &'static str, probe: P, act: A) -> Self
    where
        P: AsyncFn(&W::Read, &Handle) -> Result<OnceProbe> + 'static,
        A: AsyncFn(&W, &Handle) -> Result<()> + 'static,
    {
        self.push(id, StepKind::Once { probe: erase(probe), act: erase(act), follow: None })
    }

    /// Not repeatable, and long: `follow` waits for the effect, also on a resume when something was remembered
    /// (by the act, or by a probe that finds the work in progress; see `change_followed`). Nothing remembered:
    /// the probe alone decides, and after `visible_within` the operator. A follower that proves a bad end forgets
    /// before it returns its failure: the step fails with it, and a later run acts anew.
    pub fn once_followed<P, A, F>(self, id: &'static str, probe: P, act: A, follow: F) -> Self
    where
        P: AsyncFn(&W::Read, &Handle) -> Result<OnceProbe> + 'static,
        A: AsyncFn(&W, &Handle) -> Result<()> + 'static,
        F: AsyncFn(&W::Read, &Handle) -> Result<()> + 'static,
    {
        let follow = Some(erase(follow));
        self.push(id, StepKind::Once { probe: erase(probe), act: erase(act), follow })
    }

    /// Polled by the engine: quick first, slower later, never slower than the manifest's limit.
    pub fn wait<P>(self, id: &'static str, probe: P) -> Self
    where
        P: AsyncFn(&W::Read, &Handle) -> Result<WaitProbe> + 'static,
    {
        self.push(id, StepKind::Wait { probe: erase(probe) })
    }

    /// Reads settings back, planned beside found: every row is recorded with its evidence, one that is not as planned
    /// fails the step when all are told. A survey reads them too.
    pub fn verify<R>(self, id: &'static str, read: R) -> Self
    where
        R: AsyncFn(&W::Read, &Handle) -> Result<Vec<Setting>> + 'static,
    {
        self.push(id, StepKind::Verify { read: erase(read) })
    }

    fn push(mut self, id: &'static str, kind: StepKind<W>) -> Self {
        self.list.push((id, kind));
        self
    }
}

fn erase<In, Out, F>(f: F) -> StepFn<In, Out>
where
    In: 'static,
    Out: 'static,
    F: AsyncFn(&In, &Handle) -> Result<Out> + 'static,
{
    // The closure must live as long as each future it makes, hence the shared ownership.
    let f = std::rc::Rc::new(f);
    Box::new(move |input, handle| {
        let f = f.clone();
        Box::pin(async move { f(input, handle).await })
    })
}
