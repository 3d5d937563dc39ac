//! The steps that are running now, and how far each of them is.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::sentences::time;
use crate::{
    engine::event::{Event, EventKind},
    messages::message,
    text::{Lang, Text},
    units,
};

/// The running steps, folded from events.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub active: BTreeMap<String, Active>,
    /// Steps that have ended.
    pub finished: usize,
}

/// One running step.
#[derive(Clone, Debug, Default)]
pub struct Active {
    /// Seconds since it began.
    pub seconds: u64,
    /// Seconds since anything was said about it.
    pub silent: u64,
    now: Option<Now>,
}

#[derive(Clone, Debug)]
enum Now {
    Waiting { reason: Text, elapsed_ms: u64, limit_ms: u64 },
    Transfer(Transfer),
}

/// A transfer with its latest samples, from which the rate follows.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub name: String,
    pub sent: u64,
    pub total: u64,
    /// (milliseconds since the epoch, bytes), oldest first.
    samples: VecDeque<(i64, u64)>,
}

/// The rate is that of the last quarter of a minute.
const WINDOW_MS: i64 = 15_000;

impl Progress {
    pub fn learn(&mut self, event: &Event) {
        match &event.kind {
            EventKind::StepStarted { step } => {
                self.active.insert(step.clone(), Active::default());
            }
            EventKind::StepFinished { step, .. } => {
                self.active.remove(step);
                self.finished += 1;
            }
            EventKind::Waiting { step, reason, elapsed_ms, limit_ms, .. } => {
                let active = self.active.entry(step.clone()).or_default();
                active.now = Some(Now::Waiting {
                    reason: reason.clone(),
                    elapsed_ms: *elapsed_ms,
                    limit_ms: *limit_ms,
                });
            }
            EventKind::Transfer { step, name, sent, total } => {
                let active = self.active.entry(step.clone()).or_default();
                let at = event.at.as_millisecond();
                match &mut active.now {
                    Some(Now::Transfer(transfer)) if transfer.name == *name => {
                        transfer.moved(at, *sent, *total);
                    }
                    _ => active.now = Some(Now::Transfer(Transfer::new(name, at, *sent, *total))),
                }
            }
            _ => {}
        }
    }

    /// One second has passed.
    pub fn tick(&mut self) {
        for active in self.active.values_mut() {
            active.seconds += 1;
            active.silent += 1;
        }
    }
}

impl Active {
    pub fn transfer(&self) -> Option<&Transfer> {
        match &self.now {
            Some(Now::Transfer(transfer)) => Some(transfer),
            _ => None,
        }
    }

    /// The reason of a wait with time so far and limit, or a transfer with rate and time left.
    pub fn say(&self, lang: Lang) -> String {
        let text = match &self.now {
            None => message("ui.progress.working", &[("time", &time(self.seconds * 1000))]),
            Some(Now::Waiting { reason, elapsed_ms, limit_ms }) => message(
                "ui.progress.waiting",
                &[("reason", reason), ("time", &time(*elapsed_ms)), ("limit", &time(*limit_ms))],
            ),
            Some(Now::Transfer(transfer)) => transfer.say(),
        };
        text.get(lang).to_owned()
    }
}

impl Transfer {
    fn new(name: &str, at: i64, sent: u64, total: u64) -> Self {
        Self { name: name.to_owned(), sent, total, samples: VecDeque::from([(at, sent)]) }
    }

    fn moved(&mut self, at: i64, sent: u64, total: u64) {
        (self.sent, self.total) = (sent, total);
        self.samples.push_back((at, sent));
        while self.samples.len() > 2 && self.samples.front().is_some_and(|(old, _)| at - old > WINDOW_MS) {
            self.samples.pop_front();
        }
    }

    /// Whole percents; an empty transfer is complete.
    pub fn percent(&self) -> u64 {
        (self.sent * 100).checked_div(self.total).unwrap_or(100).min(100)
    }

    /// Bytes per second over the window; `None` until something has moved.
    pub fn rate(&self) -> Option<u64> {
        let ((first, before), (last, now)) = (self.samples.front()?, self.samples.back()?);
        let ms = u64::try_from(last - first).ok().filter(|&ms| ms > 0)?;
        Some(now.saturating_sub(*before) * 1000 / ms).filter(|&rate| rate > 0)
    }

    fn say(&self) -> Text {
        let (sent, total) = (units::bytes(self.sent), units::bytes(self.total));
        let percent = self.percent();
        let base: [(&str, &dyn crate::text::Say); 4] =
            [("name", &self.name), ("sent", &sent), ("total", &total), ("percent", &percent)];
        match self.rate() {
            None => message("ui.progress.transfer", &base),
            Some(rate) => {
                let left = Duration::from_secs(self.total.saturating_sub(self.sent) / rate);
                let [name, sent, total, percent] = base;
                message(
                    "ui.progress.transfer-rate",
                    &[
                        name,
                        sent,
                        total,
                        percent,
                        ("rate", &units::bytes(rate)),
                        ("left", &units::duration(left)),
                    ],
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::at;

    fn sent(second: i64, sent: u64) -> Event {
        let (step, name) = ("s.upload".to_owned(), "image.iso".to_owned());
        at(second, EventKind::Transfer { step, name, sent, total: 100 << 20 })
    }

    #[test]
    fn a_transfer_tells_rate_and_time_left() {
        let mut progress = Progress::default();
        progress.learn(&sent(0, 0));
        assert_eq!(progress.active["s.upload"].say(Lang::En), "image.iso 0 B of 100.0 MiB (0%)");
        progress.learn(&sent(2, 20 << 20));
        let said = "image.iso 20.0 MiB of 100.0 MiB (20%), 10.0 MiB/s, 8.0s left";
        assert_eq!(progress.active["s.upload"].say(Lang::En), said);
    }

    #[test]
    fn the_rate_forgets_what_is_long_past() {
        let mut progress = Progress::default();
        for second in 0..=60 {
            let megabytes = if second < 30 { second * 2 } else { 60 + (second - 30) };
            progress.learn(&sent(second, (megabytes as u64) << 20));
        }
        let transfer = progress.active["s.upload"].transfer().expect("a transfer");
        assert_eq!(transfer.rate(), Some(1 << 20));
    }

    #[test]
    fn a_finished_step_is_no_longer_active() {
        let mut progress = Progress::default();
        progress.learn(&at(0, EventKind::StepStarted { step: "s.a".into() }));
        assert_eq!(progress.active.len(), 1);
        let outcome = crate::engine::event::Outcome::Passed;
        let facts = crate::engine::event::Facts::none();
        progress.learn(&at(1, EventKind::StepFinished { step: "s.a".into(), outcome, facts, elapsed_ms: 0 }));
        assert_eq!((progress.active.len(), progress.finished), (0, 1));
    }
}
