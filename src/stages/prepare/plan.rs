//! `prepare.plan`: what was understood, and every warning of the plan check once more in the run's record.

use crate::{
    engine::{Facts, handle::Handle},
    failure::Result,
    messages::message,
    plan::Severity,
    stages::{facts::finding_text, world::WorldRead},
};

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    let plan = &world.plan;
    let (name, vip, hosts) = (&plan.cluster.name.value, &plan.cluster.vip.value, plan.hosts.len());
    let networks = plan.networks.business.len() + usize::from(plan.networks.infra.is_some());
    handle.note(message(
        "stages.plan.summary",
        &[("cluster", name), ("vip", vip), ("hosts", &hosts), ("networks", &networks)],
    ));
    for finding in world.findings.iter().filter(|finding| finding.severity == Severity::Warning) {
        handle.warn(finding_text(finding));
    }
    Ok(Facts::none())
}
