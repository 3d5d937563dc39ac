//! The one place for time. Durations here are *site time*: in a rehearsal the site runs `speed` times as fast as
//! the wall clock, and every wait shrinks with it.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

/// The shortest real wait: a poll at high speed must not become a busy loop.
const FLOOR: Duration = Duration::from_millis(5);

/// The shortest real limit of a rehearsal's waits: at high speed our own calls are slow against the site.
const SHORTEST_LIMIT: Duration = Duration::from_secs(5);

/// A cheap handle to the run's clock.
#[derive(Clone, Debug)]
pub struct Clock(Rc<Kind>);

/// Where the dates of a site come from; may be asked on any thread.
#[derive(Clone, Copy, Debug)]
pub enum Dates {
    /// This machine's clock: right also after it was set, and after the machine slept.
    Machine,
    /// A rehearsal's: the date that it began with, and the site's time since.
    Rehearsed { began: Timestamp, started: Instant, speed: f64 },
}

impl Dates {
    /// Those of a site that runs at `speed`; `began` replaces the date of today.
    pub fn of(speed: f64, began: Option<Timestamp>) -> Self {
        let speed = sane(speed);
        match began {
            None if speed == 1.0 => Self::Machine,
            began => {
                let began = began.unwrap_or_else(Timestamp::now);
                Self::Rehearsed { began, started: Instant::now(), speed }
            }
        }
    }

    pub fn now(self) -> Timestamp {
        match self {
            Self::Machine => Timestamp::now(),
            Self::Rehearsed { began, started, speed } => {
                began.saturating_add(started.elapsed().mul_f64(speed)).unwrap_or(began)
            }
        }
    }
}

/// A site is never slower than real.
fn sane(speed: f64) -> f64 {
    if speed.is_finite() && speed > 1.0 { speed } else { 1.0 }
}

#[derive(Debug)]
enum Kind {
    Real {
        started: Instant,
        speed: f64,
        dates: Dates,
    },
    /// For tests: nobody sleeps; the earliest sleeper moves the time on.
    Instant {
        started: Timestamp,
        now: Cell<Duration>,
        sleepers: RefCell<Vec<Duration>>,
    },
}

impl Clock {
    /// The clock of a real site.
    pub fn real() -> Self {
        Self::scaled(1.0)
    }

    /// The clock of a rehearsal at `speed` (1 and more; anything else counts as 1).
    pub fn scaled(speed: f64) -> Self {
        Self::dated(speed, Dates::of(speed, None))
    }

    /// The same with dates of its own.
    pub fn dated(speed: f64, dates: Dates) -> Self {
        Self(Rc::new(Kind::Real { started: Instant::now(), speed: sane(speed), dates }))
    }

    /// A clock on which every sleep ends at once and the time moves on by it.
    pub fn instant() -> Self {
        Self(Rc::new(Kind::Instant {
            started: Timestamp::UNIX_EPOCH,
            now: Cell::new(Duration::ZERO),
            sleepers: RefCell::new(Vec::new()),
        }))
    }

    /// Whether site time runs faster than the wall clock.
    pub fn rehearses(&self) -> bool {
        matches!(&*self.0, Kind::Real { speed, .. } if *speed > 1.0)
    }

    /// The date and time, for records. Never used to measure: it may jump.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Kind::Real { .. } => Timestamp::now(),
            Kind::Instant { started, now, .. } => started.saturating_add(now.get()).unwrap_or(*started),
        }
    }

    /// The date at the site: in a rehearsal it goes on as fast as the site does.
    pub fn date(&self) -> Timestamp {
        match &*self.0 {
            Kind::Real { dates, .. } => dates.now(),
            Kind::Instant { .. } => self.now(),
        }
    }

    /// Site time since the clock was made; monotonic.
    pub fn elapsed(&self) -> Duration {
        match &*self.0 {
            Kind::Real { started, speed, .. } => started.elapsed().mul_f64(*speed),
            Kind::Instant { now, .. } => now.get(),
        }
    }

    /// The real length of a wait of `wait` site time.
    pub fn scale(&self, wait: Duration) -> Duration {
        match &*self.0 {
            Kind::Real { speed, .. } => wait.div_f64(*speed).max(FLOOR),
            Kind::Instant { .. } => wait,
        }
    }

    /// Waits for `wait` site time. It always waits to the end; what may be cut short is raced by the caller.
    pub async fn sleep(&self, wait: Duration) {
        match &*self.0 {
            Kind::Real { .. } => tokio::time::sleep(self.scale(wait)).await,
            Kind::Instant { now, sleepers, .. } => {
                let until = now.get() + wait;
                let _asleep = Asleep::new(sleepers, until);
                loop {
                    tokio::task::yield_now().await;
                    let earliest = sleepers.borrow().iter().min().copied();
                    if now.get() >= until || earliest == Some(until) {
                        now.set(now.get().max(until));
                        return;
                    }
                }
            }
        }
    }

    /// A limit of site time that starts now.
    pub fn limit(&self, limit: Duration) -> Limit {
        let granted = match &*self.0 {
            Kind::Real { speed, .. } if *speed > 1.0 => limit.max(SHORTEST_LIMIT.mul_f64(*speed)),
            _ => limit,
        };
        Limit { started: self.elapsed(), limit, granted }
    }

    /// A limit that a rehearsal scales exactly: for how long an effect may take to show.
    pub fn exact_limit(&self, limit: Duration) -> Limit {
        Limit { started: self.elapsed(), limit, granted: limit }
    }

    /// Runs `work` for at most `limit` of *real* time: for single calls, whose own limits never scale.
    /// `None`: the limit passed.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        match &*self.0 {
            Kind::Real { .. } => tokio::time::timeout(limit, work).await.ok(),
            Kind::Instant { .. } => Some(work.await),
        }
    }
}

/// A sleeper of the instant clock, taken off the list also when it is dropped half-way.
struct Asleep<'a> {
    sleepers: &'a RefCell<Vec<Duration>>,
    until: Duration,
}

impl<'a> Asleep<'a> {
    fn new(sleepers: &'a RefCell<Vec<Duration>>, until: Duration) -> Self {
        sleepers.borrow_mut().push(until);
        Self { sleepers, until }
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        let mut sleepers = self.sleepers.borrow_mut();
        if let Some(at) = sleepers.iter().position(|until| *until == self.until) {
            sleepers.swap_remove(at);
        }
    }
}

/// A running limit, in site time.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    started: Duration,
    limit: Duration,
    granted: Duration,
}

impl Limit {
    /// Site time since the limit was set.
    pub fn elapsed(&self, clock: &Clock) -> Duration {
        clock.elapsed().saturating_sub(self.started)
    }

    pub fn passed(&self, clock: &Clock) -> bool {
        self.elapsed(clock) >= self.granted
    }

    /// Site time left of what is granted.
    pub fn left(&self, clock: &Clock) -> Duration {
        self.granted.saturating_sub(self.elapsed(clock))
    }

    /// The limit as stated.
    pub fn stated(&self) -> Duration {
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn on_the_instant_clock_side_by_side_sleeps_overlap() {
        let clock = Clock::instant();
        let nap = |secs| {
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_secs(secs)).await;
                clock.elapsed().as_secs()
            }
        };
        assert_eq!(futures_util::future::join3(nap(30), nap(10), nap(20)).await, (30, 10, 20));
    }

    #[test]
    fn a_rehearsal_shrinks_waits_but_never_below_the_floor() {
        let clock = Clock::scaled(100.0);
        assert_eq!(clock.scale(Duration::from_secs(10)), Duration::from_millis(100));
        assert_eq!(clock.scale(Duration::from_millis(20)), FLOOR);
        assert_eq!(Clock::real().scale(Duration::from_secs(10)), Duration::from_secs(10));
    }

    #[test]
    fn a_rehearsal_grants_a_short_limit_enough_real_time_but_states_it_as_it_is() {
        let limit = Clock::scaled(100.0).limit(Duration::from_secs(10));
        assert_eq!(limit.stated(), Duration::from_secs(10));
        assert_eq!(limit.granted, Duration::from_secs(500));
    }
}
