//! One run of CloudTower's installer: how long it lives, what it writes when (site-behaviour §6).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{
    clock::Moment,
    durations::{self, Durations},
};

/// What contains the success marker (api-cloudtower §2, S).
const SUCCESS: &str = "Install Operation Center Successfully";

/// Hundreds of lines, spread evenly.
const LINES: u32 = 240;

/// The share of its time at which a run goes wrong.
const WRONG_AT: f64 = 0.6;

/// The share of its time after which nginx listens (§7.1: 40–50 %).
const WEB_OPENS: f64 = 0.45;

/// How a run ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstallerFate {
    #[default]
    Succeeds,
    /// The process ends without the success line (INST-DIE).
    Dies,
    /// The log stops growing, the process stays (INST-HANG).
    Hangs,
    /// Nothing is ever written, the process stays (INST-NOLOG).
    Silent,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    pub pid: u32,
    pub started: Moment,
    /// When the success line would be written.
    due: Moment,
    first_line: Moment,
    fate: InstallerFate,
    /// When its session took it along.
    hung_up: Option<Moment>,
}

impl Run {
    pub fn new(pid: u32, started: Moment, fate: InstallerFate, durations: &Durations) -> Self {
        let due = started.plus(durations::seconds(durations.installer));
        let first_line = started.plus(durations::seconds(durations.installer_log)).min(due);
        Self { pid, started, due, first_line, fate, hung_up: None }
    }

    /// A run that was over before anybody looked (INST-DONE).
    pub fn finished(pid: u32, at: Moment) -> Self {
        let fate = InstallerFate::Succeeds;
        Self { pid, started: at, due: at, first_line: at, fate, hung_up: None }
    }

    fn share(&self, share: f64) -> Moment {
        self.started.plus(self.due.since(self.started).mul_f64(share))
    }

    /// When the process ends, if ever.
    fn end(&self) -> Option<Moment> {
        let own = match self.fate {
            InstallerFate::Succeeds => Some(self.due),
            InstallerFate::Dies => Some(self.share(WRONG_AT)),
            InstallerFate::Hangs | InstallerFate::Silent => None,
        };
        [own, self.hung_up].into_iter().flatten().min()
    }

    pub fn is_running(&self, now: Moment) -> bool {
        self.end().is_none_or(|end| now < end)
    }

    /// When the success line was written, once it was.
    pub fn succeeded(&self, now: Moment) -> Option<Moment> {
        let whole = self.fate == InstallerFate::Succeeds && self.end() == Some(self.due);
        (whole && self.due <= now).then_some(self.due)
    }

    /// When the web ports open, or did; none when it does not get that far.
    pub fn web_opens(&self) -> Option<Moment> {
        let opens = self.share(WEB_OPENS);
        let lives = self.fate != InstallerFate::Silent && self.end().is_none_or(|end| opens <= end);
        lives.then_some(opens)
    }

    pub fn hang_up(&mut self, now: Moment) {
        if self.is_running(now) {
            self.hung_up = Some(now);
        }
    }

    /// The exit status; only after its end.
    pub fn status(&self, now: Moment) -> u32 {
        u32::from(self.succeeded(now).is_none())
    }

    /// What it has written from `from` on, up to `now`.
    pub fn written(&self, from: Moment, now: Moment) -> String {
        if self.fate == InstallerFate::Silent {
            return String::new();
        }
        let wrong = self.share(WRONG_AT);
        let until = self.hung_up.map_or(now, |end| end.min(now));
        let mut text = String::new();
        for number in 1..=LINES {
            let moment = self.moment(number);
            let late = self.fate != InstallerFate::Succeeds && wrong <= moment;
            if until < moment || late {
                break;
            }
            if from <= moment {
                text.push_str(&line(moment, &words(number)));
            }
        }
        if self.fate == InstallerFate::Dies && from <= wrong && wrong <= until {
            text.push_str(&line(wrong, "ERROR SIM_INSTALL_FAILED: the database did not come up"));
        }
        text
    }

    fn moment(&self, number: u32) -> Moment {
        let span: Duration = self.due.since(self.first_line);
        self.first_line.plus(span.mul_f64(f64::from(number - 1) / f64::from(LINES - 1)))
    }
}

fn words(number: u32) -> String {
    if number == LINES { format!("INFO {SUCCESS}") } else { format!("INFO SIM_STEP {number} of {LINES}") }
}

/// `2026-01-02 03:04:05 INFO …`
fn line(moment: Moment, words: &str) -> String {
    let stamp = moment.rfc3339();
    format!("{} {words}\n", stamp.get(..19).unwrap_or_default().replace('T', " "))
}
