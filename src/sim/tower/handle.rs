//! The way of one request to CloudTower: phase, log, faults, checks, effect, answer.

use super::{
    super::{
        exchange::{Answer, Call},
        hold::Cut,
        site::Site,
    },
    phase::Phase,
};

/// Answers a request to CloudTower's address.
pub async fn handle(site: &Site, call: Call) -> Result<Answer, Cut> {
    let entry = site.with(|state, _| state.arrived("tower.unknown", false, &call));
    let answer = site.with(|state, now| match state.tower_phase(now) {
        Phase::Absent | Phase::Starting => Answer::html(502, "Bad Gateway"),
        Phase::Ready => Answer::html(404, "Not Found"),
    });
    site.with(|state, _| state.departed(entry, "tower.unknown", Some(&answer)));
    Ok(answer)
}
