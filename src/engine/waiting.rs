//! Pauses between looks, and what may cut a wait short.

use std::{future::Future, time::Duration};

use super::{cancel::Cancel, manifest::Poll};
use crate::{failure::Result, text::Text};

/// A rehearsal's waits are short, and one look on a busy machine may outlast them: so many looks decide at least.
const LOOKS: u32 = 4;

/// The pace of one series of looks: from quick to slow.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    next: Duration,
    slowest: Duration,
    /// Pauses so far, one after each look but the last.
    pauses: u32,
}

impl Pace {
    pub fn of(poll: Poll) -> Self {
        Self { next: poll.first.min(poll.slowest), slowest: poll.slowest, pauses: 0 }
    }

    /// Whether the look at hand may be the last one.
    pub fn may_end(&self) -> bool {
        self.pauses + 1 >= LOOKS
    }

    /// The pause before the next look; each is half as long again as the one before.
    pub fn next(&mut self) -> Duration {
        let pause = self.next;
        self.pauses = self.pauses.saturating_add(1);
        self.next = pause.mul_f64(1.5).min(self.slowest);
        pause
    }
}

/// When a request to stop cuts a piece of work short. Reads may be dropped at any time, acts only when forced
/// (and then by dropping the whole run).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    AtFirst,
    Never,
}

impl Interrupt {
    /// Runs `work`, or fails with the reason of the stop.
    pub async fn race<T>(self, cancel: &Cancel, doing: &Text, work: impl Future<Output = T>) -> Result<T> {
        match self {
            Interrupt::Never => Ok(work.await),
            Interrupt::AtFirst => {
                tokio::select! {
                    biased;
                    done = work => Ok(done),
                    () = cancel.until_requested() => Err(cancel.failure(doing.clone())),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polling_starts_quick_and_never_gets_slower_than_its_limit() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::of(Poll { first: second, slowest: 3 * second });
        let pauses: Vec<_> = (0..5).map(|_| pace.next().as_millis()).collect();
        assert_eq!(pauses, [1000, 1500, 2250, 3000, 3000]);
    }
}
