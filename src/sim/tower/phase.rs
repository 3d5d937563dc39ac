//! When CloudTower's ports open and when it answers (site-behaviour §7.1).

use super::super::{clock::Moment, durations, reach::Reach, site::State};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No port is open.
    Absent,
    /// nginx answers 502 in the name of a service that is not there yet.
    Starting,
    Ready,
}

impl State {
    /// How far CloudTower has come up. What came up before an installer failed stays, but never answers.
    pub fn tower_phase(&self, now: Moment) -> Phase {
        if self.quirks.tower.installed {
            return Phase::Ready;
        }
        let delay = durations::seconds(self.durations.tower_ready);
        let ready = self.guest.installed(now).is_some_and(|done| done.plus(delay) <= now);
        match self.guest.web_opens().filter(|opens| *opens <= now) {
            _ if ready => Phase::Ready,
            Some(_) => Phase::Starting,
            None => Phase::Absent,
        }
    }

    /// What a connect to a port of CloudTower's web service meets, once the machine is on the network.
    pub fn reach_tower(&self, now: Moment, port: u16) -> Reach {
        match (self.tower_phase(now), port) {
            (Phase::Absent, _) => Reach::Refused,
            (_, 80) => Reach::Http,
            (_, 443) => Reach::Https,
            _ => Reach::Refused,
        }
    }
}
