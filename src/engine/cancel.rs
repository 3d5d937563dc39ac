//! Stopping: the first request lets the acts in hand end, the second drops them. Both leave a resumable run.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tokio_util::sync::CancellationToken;

use crate::{
    failure::{Failure, Kind},
    messages::message,
    text::Text,
};

/// Shared between the signal handlers and the runner.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    gentle: CancellationToken,
    hard: CancellationToken,
    reason: Arc<AtomicU8>,
    /// How to go on; the usual words where nobody gave others.
    again: Option<Text>,
}

/// Why a run is being stopped; decides its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// SIGHUP, or the output's reader went away.
    HungUp,
}

impl Cancel {
    pub fn new() -> Self {
        Self::default()
    }

    /// The same stop, told to go on in these words.
    pub fn advising(self, again: Text) -> Self {
        Self { again: Some(again), ..self }
    }

    /// Asks the run to stop. The first call stops new acts, every later one drops the acts in hand.
    pub fn request(&self, reason: Reason) {
        if self.gentle.is_cancelled() {
            self.hard.cancel();
            return;
        }
        let code = match reason {
            Reason::Interrupted => 1,
            Reason::Terminated => 2,
            Reason::HungUp => 3,
        };
        self.reason.store(code, Ordering::SeqCst);
        self.gentle.cancel();
    }

    /// Whether the run was asked to stop.
    pub fn requested(&self) -> bool {
        self.gentle.is_cancelled()
    }

    /// Whether it was asked twice.
    pub fn forced(&self) -> bool {
        self.hard.is_cancelled()
    }

    /// Resolves once the run was asked to stop.
    pub async fn until_requested(&self) {
        self.gentle.cancelled().await;
    }

    /// Resolves once it was asked twice.
    pub async fn until_forced(&self) {
        self.hard.cancelled().await;
    }

    /// The failure of whatever was stopped.
    pub fn failure(&self, doing: Text) -> Box<Failure> {
        let (kind, meaning) = match self.reason.load(Ordering::SeqCst) {
            2 => (Kind::Terminated, message("engine.stop.terminated", &[])),
            3 => (Kind::HungUp, message("engine.stop.hung-up", &[])),
            _ => (Kind::Interrupted, message("engine.stop.interrupted", &[])),
        };
        let meaning = if self.forced() { message("engine.stop.forced", &[]) } else { meaning };
        let again = self.again.clone().unwrap_or_else(|| message("engine.stop.go-on", &[]));
        Failure::new(kind, doing).meaning(meaning).advise(again)
    }
}
