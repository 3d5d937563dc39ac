//! Whose cluster stands here: nobody's, ours, or somebody else's (api-fisheye §3.3).

use crate::{
    clients::fisheye::{Login, Verdict},
    engine::{Fact, Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::{DEPLOYED, HOSTS, SERIAL, reason},
        hardware::Hardware,
        world::WorldRead,
    },
    text::Text,
};

/// UUIDs of the hosts a deployment was sent for, remembered before it left.
pub const SENT: Fact<Vec<String>> = Fact::new("deployment_sent");

/// What `deploy_verify` and the journal prove together.
pub enum Owner {
    /// No cluster; why that is believed.
    Nobody(Text),
    /// The cluster of this journal, or the one whose serial the workbook holds.
    Ours(Facts),
    /// A live cluster that nothing here knows.
    Foreign(Text),
}

/// Looks; logs in only where the journal does not know the cluster.
pub async fn look(world: &WorldRead, handle: &Handle) -> Result<Owner> {
    let cluster = world.cluster(handle);
    let first = cluster.addresses().first;
    match cluster.deploy_verify().await? {
        Verdict::NotDeployed => {
            Ok(Owner::Nobody(message("stages.owner.not_deployed", &[("address", &first)])))
        }
        Verdict::NoAnswer(failure) => {
            let why = reason(&failure);
            Ok(Owner::Nobody(message("stages.owner.no_answer", &[("address", &first), ("why", &why)])))
        }
        Verdict::Deployed => match journaled(handle) {
            Some(uuids) => Ok(Owner::Ours(Facts::none().with(&DEPLOYED, &uuids))),
            None => by_serial(world, handle).await,
        },
    }
}

/// Our journal deployed, or began to deploy, exactly the hosts that were scanned.
fn journaled(handle: &Handle) -> Option<Vec<String>> {
    let uuids = handle.fact(&DEPLOYED).or_else(|| handle.remembered(&SENT))?;
    let scanned: Option<Vec<Hardware>> = handle.fact(&HOSTS);
    let known = |host: &Hardware| uuids.contains(&host.host_uuid);
    scanned.is_none_or(|hosts| hosts.iter().all(known)).then_some(uuids)
}

/// The workbook, or an earlier run, may hold the serial of this very cluster (planning-sheet §9).
async fn by_serial(world: &WorldRead, handle: &Handle) -> Result<Owner> {
    let cluster = world.cluster(handle);
    let first = cluster.addresses().first;
    let known = handle
        .fact(&SERIAL)
        .or_else(|| world.plan.cluster.serial.as_ref().map(|serial| serial.value.clone()));
    let unknown = message("stages.owner.unknown", &[("address", &first)]);
    let Some(known) = known else { return Ok(Owner::Foreign(unknown)) };
    if cluster.log_in_at(first).await? != Login::In {
        return Ok(Owner::Foreign(unknown));
    }
    let serial = cluster.licence().await?.serial;
    if !serial.eq_ignore_ascii_case(known.trim()) {
        let args: [(&str, &dyn crate::text::Say); 3] =
            [("address", &first), ("found", &serial), ("known", &known)];
        return Ok(Owner::Foreign(message("stages.owner.other_serial", &args)));
    }
    let facts = Facts::none().with(&SERIAL, &serial);
    Ok(Owner::Ours(match handle.fact(&HOSTS) {
        Some(hosts) => facts.with(&DEPLOYED, &hosts.iter().map(|host| host.host_uuid.clone()).collect()),
        None => facts,
    }))
}
