//! `init-cluster.layout`: what the hosts prove about the plan, all of it at once (PLAN-701 to PLAN-707).

use super::findings::findings;
use crate::{
    engine::{Facts, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::Severity,
    stages::{
        facts::{HOSTS, finding_text, lines},
        world::WorldRead,
    },
};

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    let hosts = handle.need(&HOSTS)?;
    let (errors, others): (Vec<_>, Vec<_>) =
        findings(&world.plan, &hosts).into_iter().partition(|finding| finding.severity == Severity::Error);
    for finding in others.iter().filter(|finding| finding.severity == Severity::Warning) {
        handle.warn(finding_text(finding));
    }
    if errors.is_empty() {
        return Ok(Facts::none());
    }
    let texts: Vec<_> = errors.iter().map(finding_text).collect();
    let mut helps: Vec<_> = errors.into_iter().map(|finding| finding.help).collect();
    helps.dedup();
    let failure = Failure::new(Kind::Plan, message("stages.layout.doing", &[("count", &texts.len())]));
    Err(helps.into_iter().fold(failure.answer(lines(&texts)), Failure::advise))
}
