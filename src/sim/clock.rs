//! Site time: wall time scaled by a speed factor, plus jumps made by tests.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A moment of site time, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment(i64);

impl Moment {
    /// Now by the wall: where the time of a fresh site begins.
    pub fn by_the_wall() -> Self {
        Self(Timestamp::now().as_millisecond())
    }

    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time from `earlier` to this moment; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    pub fn at_epoch_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Seconds since the epoch, as the site's `ctime`, `time` and `sign_date` count them.
    pub fn epoch_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds since the epoch.
    pub fn epoch_millis(self) -> i64 {
        self.0
    }

    /// ISO text with milliseconds, as CloudTower writes times (graphql-operations §6).
    pub fn iso(self) -> String {
        let stamp = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        format!("{stamp:.3}")
    }

    /// RFC 3339 with nanoseconds, as session times are written (api-fisheye §4.2).
    pub fn rfc3339(self) -> String {
        let stamp = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        format!("{stamp:.9}")
    }
}

/// The clock of one simulated site.
#[derive(Debug)]
pub struct Clock {
    speed: f64,
    base: Mutex<(Instant, Moment)>,
    jumps: watch::Sender<()>,
}

impl Clock {
    /// Starts at `from`. `speed` is site seconds per wall second.
    pub fn start(speed: f64, from: Moment) -> Self {
        Self { speed, base: Mutex::new((Instant::now(), from)), jumps: watch::Sender::new(()) }
    }

    pub fn speed(&self) -> f64 {
        self.speed
    }

    pub fn now(&self) -> Moment {
        let (started, from) = *self.base.lock().unwrap_or_else(PoisonError::into_inner);
        from.plus(started.elapsed().mul_f64(self.speed))
    }

    /// Jumps ahead by `time` of the site; sleepers notice.
    pub fn advance(&self, time: Duration) {
        let mut base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        base.1 = base.1.plus(time);
        drop(base);
        self.jumps.send_replace(());
    }

    /// Waits for `time` of the site to pass.
    pub async fn sleep(&self, time: Duration) {
        let end = self.now().plus(time);
        let mut jumps = self.jumps.subscribe();
        loop {
            let left = end.since(self.now());
            if left.is_zero() {
                return;
            }
            let wall = left.div_f64(self.speed).max(Duration::from_micros(100));
            tokio::select! {
                () = tokio::time::sleep(wall) => {}
                _ = jumps.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_moves_site_time_and_wakes_who_sleeps() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let clock = Clock::start(1.0, Moment(0));
            let sleeper = clock.sleep(Duration::from_secs(3600));
            let jump = async { clock.advance(Duration::from_secs(3600)) };
            tokio::join!(sleeper, jump);
            assert!(clock.now() >= Moment(3_600_000));
        });
    }

    #[test]
    fn session_times_carry_nanoseconds() {
        assert_eq!(Moment(1_500).rfc3339(), "1970-01-01T00:00:01.500000000Z");
    }
}
