//! Crash points: named moments at which a rehearsal may be killed, to prove that nothing is lost or done twice.

use std::{fmt, future::Future, pin::Pin, rc::Rc, str::FromStr};

use super::platform;

/// The moments the engine itself can tell. "After the request" and "after the effect" are the simulator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// The act was decided on; nothing says so yet.
    BeforeIntent,
    /// The intent is on disk, no request has left.
    AfterIntent,
    /// The act returned: the site's answer is in memory only.
    AfterAnswer,
    /// The second look proved it; the outcome is not on disk.
    BeforeOutcome,
    AfterOutcome,
}

impl CrashPoint {
    pub const ALL: [CrashPoint; 5] = [
        CrashPoint::BeforeIntent,
        CrashPoint::AfterIntent,
        CrashPoint::AfterAnswer,
        CrashPoint::BeforeOutcome,
        CrashPoint::AfterOutcome,
    ];

    pub fn name(self) -> &'static str {
        match self {
            CrashPoint::BeforeIntent => "before-intent",
            CrashPoint::AfterIntent => "after-intent",
            CrashPoint::AfterAnswer => "after-answer",
            CrashPoint::BeforeOutcome => "before-outcome",
            CrashPoint::AfterOutcome => "after-outcome",
        }
    }
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CrashPoint {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        CrashPoint::ALL.into_iter().find(|point| point.name() == name).ok_or(())
    }
}

type Death = dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>;

/// Where to die, if anywhere. `cli` makes one only in a rehearsal.
#[derive(Clone, Default)]
pub struct CrashPlan(Option<(String, CrashPoint, Rc<Death>)>);

impl CrashPlan {
    pub fn none() -> Self {
        Self(None)
    }

    /// Kills the process, as `kill -9` does, when `step` (`stage.step`) reaches `point`.
    pub fn kill_at(step: impl Into<String>, point: CrashPoint) -> Self {
        Self::die_by(step, point, || async { platform::die() })
    }

    /// The same with another death, for tests within one process.
    pub fn die_by<F, D>(step: impl Into<String>, point: CrashPoint, death: D) -> Self
    where
        F: Future<Output = ()> + 'static,
        D: Fn() -> F + 'static,
    {
        Self(Some((step.into(), point, Rc::new(move || Box::pin(death())))))
    }

    /// The step named, so that a misspelt one can be refused.
    pub fn step(&self) -> Option<&str> {
        self.0.as_ref().map(|(step, ..)| step.as_str())
    }

    pub(super) async fn at(&self, step: &str, point: CrashPoint) {
        if let Some((planned, when, death)) = &self.0
            && planned == step
            && *when == point
        {
            death().await;
        }
    }
}
