//! `deploy-cloudtower.tower-ntp`: the planned NTP servers for CloudTower itself (api-cloudtower §3).

use std::collections::BTreeSet;

use crate::{
    engine::{ChangeProbe, Difference, Facts, handle::Handle},
    failure::Result,
    messages::message,
    plan::Plan,
    stages::world::{World, WorldRead},
};

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let planned = planned(&world.plan);
    if planned.is_empty() {
        return Ok(ChangeProbe::NotNeeded(message("stages.ntp.none", &[])));
    }
    let found = world.tower(handle).ntp_servers().await?;
    // CloudTower keeps no order.
    let set = |servers: &[String]| servers.iter().map(|one| one.to_lowercase()).collect::<BTreeSet<_>>();
    Ok(if set(&found) == set(&planned) {
        ChangeProbe::Done(Facts::none())
    } else if found.is_empty() {
        ChangeProbe::Absent
    } else {
        let cell = world.plan.ntp.servers.first().map(|server| server.cell.to_string());
        ChangeProbe::Differs(vec![Difference {
            what: message("stages.tower.ntp_what", &[]),
            found: found.join(", "),
            planned: planned.join(", "),
            cell,
        }])
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    world.tower(handle).set_ntp_servers(&planned(world.plan())).await
}

fn planned(plan: &Plan) -> Vec<String> {
    plan.ntp.servers.iter().map(|server| server.value.clone()).collect()
}
