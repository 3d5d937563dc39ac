//! Pauses between looks, and what may cut a wait short.

use std::{future::Future, time::Duration};

use super::{cancel::Cancel, manifest::Poll};
use crate::{failure::Result, text::Text};

/// A rehearsal's waits are short, and one look on a busy machine may outlast them: so many looks decide at least.
const LOOKS: u32 = 4;

/// Of the time waited so far, so much may pass until a change is noticed.
const SHARE: f64 = 0.05;

/// The pace of one series of looks: quick at first, slower with the time waited. A change is noticed within a twentieth
/// of the wait, or within the first pause where that is longer; a long wait costs a request now and then.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    poll: Poll,
    /// When the waiting began, in site time.
    since: Duration,
    /// Pauses so far, one after each look but the last.
    pauses: u32,
}

impl Pace {
    /// Of a wait that begins `now`, by the site's clock.
    pub fn of(poll: Poll, now: Duration) -> Self {
        Self { poll, since: now, pauses: 0 }
    }

    /// Whether the look at hand may be the last one.
    pub fn may_end(&self) -> bool {
        self.pauses + 1 >= LOOKS
    }

    /// The pause before the next look.
    pub fn next(&mut self, now: Duration) -> Duration {
        self.pauses = self.pauses.saturating_add(1);
        let waited = now.saturating_sub(self.since);
        waited.mul_f64(SHARE).max(self.poll.first).min(self.poll.slowest)
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

    /// The moments of the looks of a wait of so many seconds.
    fn looks(poll: Poll, seconds: u64) -> Vec<Duration> {
        let (mut now, mut looks) = (Duration::ZERO, vec![Duration::ZERO]);
        let mut pace = Pace::of(poll, now);
        while now < Duration::from_secs(seconds) {
            now += pace.next(now);
            looks.push(now);
        }
        looks
    }

    #[test]
    fn a_change_is_noticed_within_a_twentieth_of_the_wait_or_a_second() {
        for pair in looks(Poll::default(), 7200).windows(2) {
            let allowed = pair[0].mul_f64(SHARE).max(Duration::from_secs(1));
            assert!(pair[1] - pair[0] <= allowed, "{pair:?}");
        }
    }

    #[test]
    fn a_long_wait_costs_a_handful_of_requests_a_minute() {
        let looks = looks(Poll::default(), 3600);
        let in_minute = |minute: u64| {
            let of = Duration::from_secs(60 * minute)..Duration::from_secs(60 * (minute + 1));
            looks.iter().filter(|look| of.contains(*look)).count()
        };
        assert!(
            (5..60).all(|minute| in_minute(minute) <= 5),
            "{:?}",
            (0..60).map(in_minute).collect::<Vec<_>>()
        );
        assert!(looks.len() <= 300, "{}", looks.len());
    }

    #[test]
    fn polling_never_gets_slower_than_its_limit_nor_quicker_than_its_first_pause() {
        let second = Duration::from_secs(1);
        let pauses = |poll| {
            let looks = looks(poll, 600);
            looks.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()
        };
        let pauses = pauses(Poll { first: 5 * second, slowest: 10 * second });
        assert_eq!((pauses.iter().min(), pauses.iter().max()), (Some(&(5 * second)), Some(&(10 * second))));
    }
}
