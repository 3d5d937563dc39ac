//! The maintenance window: from when to when a run may change the site. Looks are free at any time.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{RoundMode, SignedDuration, Timestamp, Unit, Zoned, ZonedRound, tz::TimeZone};

use crate::{messages::message, text::Text};

/// Checks are made at the opening, before anything else.
const CHECKS: Duration = Duration::from_secs(15 * 60);

/// Shared by everything that begins or sends changes; a clone is the same window.
#[derive(Clone)]
pub struct Window {
    opens: Timestamp,
    /// Its end as it was planned: what the operator adds on one night is not for the next one.
    closes: Timestamp,
    /// Where its times are told: the operator's own.
    zone: TimeZone,
    end: Arc<End>,
}

struct End {
    /// Milliseconds since the epoch; `NEVER`: the operator has taken the end away.
    at: AtomicI64,
    /// The operator was asked to make it longer, and did not.
    declined: AtomicBool,
    /// Milliseconds that a step needed which the whole window would not hold; 0: none.
    needed: AtomicU64,
}

const NEVER: i64 = i64::MAX;

impl Window {
    pub fn new(opens: Timestamp, closes: Timestamp, zone: TimeZone) -> Self {
        let end = End {
            at: AtomicI64::new(closes.as_millisecond()),
            declined: AtomicBool::new(false),
            needed: AtomicU64::new(0),
        };
        Self { opens, closes, zone, end: Arc::new(end) }
    }

    /// How long until it opens; `None`: it has.
    pub fn opens_in(&self, now: Timestamp) -> Option<Duration> {
        Duration::try_from(self.opens.duration_since(now)).ok().filter(|wait| !wait.is_zero())
    }

    /// What is left of it, all of it before it opens; `Duration::MAX` without an end.
    pub fn left(&self, now: Timestamp) -> Duration {
        match self.end.at.load(Ordering::SeqCst) {
            NEVER => Duration::MAX,
            at => {
                let left = at.saturating_sub(now.max(self.opens).as_millisecond());
                Duration::from_millis(u64::try_from(left).unwrap_or_default())
            }
        }
    }

    pub fn is_over(&self, now: Timestamp) -> bool {
        self.left(now).is_zero()
    }

    /// Makes it longer; `None` takes its end away.
    pub fn extend(&self, by: Option<Duration>) {
        let longer = |at: i64| match by.and_then(|by| i64::try_from(by.as_millis()).ok()) {
            Some(by) => at.saturating_add(by),
            None => NEVER,
        };
        // The closure always answers, so there is no error to speak of.
        let _ = self.end.at.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |at| Some(longer(at)));
    }

    /// The operator wants it to end as planned; nobody asks again.
    pub fn decline(&self) {
        self.end.declined.store(true, Ordering::SeqCst);
    }

    pub fn declined(&self) -> bool {
        self.end.declined.load(Ordering::SeqCst)
    }

    /// Notes what a step needs; whether the planned window could not hold it even right after the checks at its opening.
    pub fn is_too_short_for(&self, need: Duration) -> bool {
        let length = Duration::try_from(self.closes.duration_since(self.opens)).unwrap_or_default();
        let too_short = length < need + CHECKS;
        if too_short {
            let need = u64::try_from(need.as_millis()).unwrap_or(u64::MAX);
            self.end.needed.fetch_max(need, Ordering::SeqCst);
        }
        too_short
    }

    /// The longest need that it could not hold.
    pub fn needed(&self) -> Option<Duration> {
        Some(self.end.needed.load(Ordering::SeqCst)).filter(|need| *need > 0).map(Duration::from_millis)
    }

    /// Its beginning, in local time.
    pub fn opens_at(&self) -> String {
        self.local(self.opens)
    }

    /// Its end, in local time.
    pub fn closes_at(&self) -> Text {
        match Timestamp::from_millisecond(self.end.at.load(Ordering::SeqCst)) {
            Ok(at) => Text::same(self.local(at)),
            Err(_) => message("engine.window.never", &[]),
        }
    }

    /// Its beginning and its end as they were planned, local; later, on the full five minutes, where a step needs more than
    /// that. `None`: no calendar has them.
    pub fn hours(&self) -> Option<(Zoned, Zoned)> {
        let local = |at: Timestamp| at.to_zoned(self.zone.clone());
        let (opens, planned) = (local(self.opens), local(self.closes));
        let Some(need) = self.needed() else { return Some((opens, planned)) };
        let closes = opens.checked_add(SignedDuration::try_from(need + CHECKS).ok()?).ok()?;
        let full = ZonedRound::new().smallest(Unit::Minute).increment(5).mode(RoundMode::Ceil);
        Some((opens, closes.round(full).ok()?.max(planned)))
    }

    fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Window({} - {})", self.opens_at(), self.closes_at().en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn before_it_opens_all_of_it_is_left_and_after_its_end_nothing() {
        let window = Window::new(at(100), at(160), TimeZone::UTC);
        assert_eq!(window.opens_in(at(40)), Some(Duration::from_secs(60)));
        assert_eq!(window.left(at(40)), Duration::from_secs(60));
        assert_eq!(window.opens_in(at(100)), None);
        assert_eq!(window.left(at(150)), Duration::from_secs(10));
        assert!(window.is_over(at(160)) && window.is_over(at(1000)));
    }

    #[test]
    fn hours_that_could_not_hold_a_step_are_told_longer_on_the_full_five_minutes() {
        let window = Window::new(at(0), at(3600), TimeZone::UTC);
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let hours = || {
            let (opens, closes) = window.hours().unwrap();
            format!("{}-{}", opens.strftime("%H:%M"), closes.strftime("%H:%M"))
        };
        assert!(!window.is_too_short_for(minutes(45)) && window.needed().is_none());
        assert_eq!(hours(), "00:00-01:00");
        assert!(window.is_too_short_for(minutes(46)), "the checks come first");
        assert_eq!(hours(), "00:00-01:05");
        window.extend(Some(minutes(120)));
        assert!(window.is_too_short_for(minutes(75)), "what was added was for one night");
        assert_eq!(hours(), "00:00-01:30");
    }

    #[test]
    fn whoever_holds_it_sees_that_it_was_made_longer() {
        let window = Window::new(at(0), at(60), TimeZone::UTC);
        let held = window.clone();
        window.extend(Some(Duration::from_secs(30)));
        assert_eq!(held.left(at(50)), Duration::from_secs(40));
        assert_eq!(held.closes_at().en, "1970-01-01 00:01");
        window.extend(None);
        assert_eq!(held.left(at(1_000_000)), Duration::MAX);
        assert_eq!(held.closes_at().zh, "不设结束时间");
    }
}
