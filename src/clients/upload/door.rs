//! Chunks leave one after the other, as long as they leave quickly: side by side they gain nothing on the line and only
//! drive each other out of the processor's caches, at both ends. Their answers are awaited side by side all the same.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// A chunk that has not left by then does not keep the next one: it may be the line that is slow, or only this connection.
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Door {
    free: Arc<Semaphore>,
    /// When the last chunk began to leave.
    passed: Instant,
}

impl Door {
    pub(super) fn new() -> Self {
        Self { free: Arc::new(Semaphore::new(1)), passed: Instant::now() }
    }

    /// Returns when the next chunk may leave, with what the one after it waits for. May be dropped and called again.
    pub(super) async fn opens(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes the semaphore.
        timeout_at(self.passed + PATIENCE, self.free.clone().acquire_owned()).await.ok()?.ok()
    }

    pub(super) fn passes(&mut self) {
        self.passed = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_chunk_waits_for_the_one_before_it_but_not_for_one_that_hangs() {
        let mut door = Door::new();
        let first = door.opens().await;
        assert!(first.is_some());
        door.passes();
        assert!(door.opens().now_or_never().is_none());
        drop(first);
        let second = door.opens().now_or_never().flatten();
        assert!(second.is_some());
        door.passes();
        assert!(door.opens().await.is_none(), "without the other's pass");
    }
}
