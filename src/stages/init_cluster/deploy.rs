//! `init-cluster.deploy`: the one request that turns hosts into a cluster. Sent once, never again by itself.

use super::{payload::payload, question::confirm};
use crate::{
    clients::{dial::Endpoint, fisheye::DeployStatus, trust::Protocol},
    engine::{Fact, Facts, OnceProbe, World as _, handle::Handle},
    failure::{Effect, Result},
    messages::message,
    stages::{
        facts::{DEPLOYED, HOSTS},
        hardware::Hardware,
        init_cluster::host_ip::NEIGHBOURS,
        ownership::{self, Owner, SENT},
        world::{World, WorldRead},
    },
    text::Text,
};

/// The node has accepted the request: from here on only the verdict or the limit ends the wait.
pub const ACCEPTED: Fact<String> = Fact::new("deployment_accepted");

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<OnceProbe> {
    Ok(match ownership::look(world, handle).await? {
        Owner::Ours(facts) => OnceProbe::Done(with_hosts(handle, facts)),
        Owner::Foreign(why) => OnceProbe::Conflict(why),
        Owner::Nobody(why) => unproved(world, handle, why).await?,
    })
}

/// No cluster yet. A deployment that runs without this journal having sent it is somebody else's.
async fn unproved(world: &WorldRead, handle: &Handle, why: Text) -> Result<OnceProbe> {
    if handle.remembered(&SENT).is_none()
        && let DeployStatus::Running { stage, .. } = world.cluster(handle).deploy_status().await?
    {
        return Ok(OnceProbe::Conflict(message("stages.deploy.foreign", &[("stage", &stage)])));
    }
    Ok(OnceProbe::Unproved(why))
}

/// A cluster known by its serial alone was deployed from the hosts just scanned.
fn with_hosts(handle: &Handle, facts: Facts) -> Facts {
    match handle.fact(&HOSTS) {
        Some(hosts) => facts.with(&DEPLOYED, &uuids(&hosts)),
        None => facts,
    }
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let hosts = handle.need(&HOSTS)?;
    let neighbours = handle.fact(&NEIGHBOURS).unwrap_or_default();
    confirm(world.plan(), &hosts, handle).await?;
    let request = payload(world.plan(), &hosts, &neighbours, handle.clock().now())?;
    world.keep_payload("payload-deploy.json", &request)?;
    expect_new_identities(world.read());
    handle.remember(&SENT, &uuids(&hosts))?;
    let deployed = match world.fisheye(handle).deploy(&request).await {
        Err(refused) if refused.effect == Effect::None => {
            handle.forget_remembered()?;
            return Err(refused);
        }
        answer => answer?,
    };
    handle.remember(&ACCEPTED, &deployed.message)?;
    if !deployed.is_usual() {
        handle.warn(message("stages.deploy.odd_message", &[("message", &deployed.message)]));
    }
    Ok(())
}

/// A deployment makes new certificates and host keys on every host.
pub fn expect_new_identities(world: &WorldRead) {
    for host in &world.plan.hosts {
        world.trust.expect_change(Protocol::Tls, Endpoint::new(host.mgmt_ip.value, 443));
        world.trust.expect_change(Protocol::Ssh, Endpoint::new(host.mgmt_ip.value, 22));
    }
}

fn uuids(hosts: &[Hardware]) -> Vec<String> {
    hosts.iter().map(|host| host.host_uuid.clone()).collect()
}
