//! When CloudTower's ports open and when it answers (site-behaviour §7.1).

use super::super::{clock::Moment, durations, guest::Installer, reach::Reach, site::State};

/// The share of the installer's time after which nginx listens; §7.1 says 40–50 %.
const LISTENS_AFTER: f64 = 0.45;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No port is open.
    Absent,
    /// nginx answers 502 in the name of a service that is not there yet.
    Starting,
    Ready,
}

impl State {
    /// How far CloudTower has come up.
    pub fn tower_phase(&self, now: Moment) -> Phase {
        match self.guest.installer {
            Installer::NotStarted => Phase::Absent,
            Installer::Running { since } => {
                let listens = durations::seconds(self.durations.installer * LISTENS_AFTER);
                if now < since.plus(listens) { Phase::Absent } else { Phase::Starting }
            }
            Installer::Done { at } => {
                let ready = at.plus(durations::seconds(self.durations.tower_ready));
                if now < ready { Phase::Starting } else { Phase::Ready }
            }
            // The containers that came up before the failure stay; none of them answers.
            Installer::Failed => Phase::Starting,
        }
    }

    /// What a connect to a port of CloudTower's web service meets.
    pub fn reach_tower(&self, now: Moment, port: u16) -> Reach {
        match (self.guest.address_since.is_some_and(|since| since <= now), port) {
            (false, _) => Reach::Silent,
            (true, _) if self.tower_phase(now) == Phase::Absent => Reach::Refused,
            (true, 80) => Reach::Http,
            (true, 443) => Reach::Https,
            (true, _) => Reach::Refused,
        }
    }
}
