//! `prepare.site`: probes every planned address and the hosts' clocks; all findings come together.
//!
//! Probes are TCP only. Silence proves an address free only where something else of its subnet answered; where
//! nothing did, it is "not provable from here" and never a pass (DESIGN §6).

use std::net::Ipv4Addr;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    clock,
    report::{Probed, Standing, judge},
    targets::{Role, Target, subnets, targets, unprobed},
};
use crate::{
    clients::{dial::Endpoint, fisheye::Login},
    engine::{Facts, handle::Handle},
    failure::Result,
    stages::{
        config_cluster, deploy_backup,
        deploy_cloudtower::cloudtower_answers,
        deploy_observability,
        facts::{HOSTS, TOWER_VM},
        ownership::{self, Owner},
        world::WorldRead,
    },
};

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    world.dialler.meet_proxy(handle.manifest().title.clone()).await?;
    let owner = ownership::look(world, handle).await?;
    // An earlier run's deployment may be under way: hosts restart, and their addresses are taken by it.
    let under_way = handle.under_way();
    // Scanned by this journal: whether it also deployed them is for the deployment's own probe to judge.
    let scanned = handle.fact(&HOSTS).is_some();
    let ours = match &owner {
        Owner::Ours(_) => true,
        Owner::Foreign(_) => scanned,
        Owner::Nobody(_) => under_way,
    };
    let probed: Vec<Probed> = stream::iter(targets(&world.plan))
        .map(|target| probe(world, handle, target))
        .buffered(world.settings.parallel_probes.max(1))
        .try_collect()
        .await?;
    let standing = Standing {
        ours,
        vip: ours && vip_is_ours(world, handle, &probed).await,
        tower: handle.fact(&TOWER_VM).is_some(),
        services: services(world, handle),
        under_way,
    };
    let mut report = judge(&probed, &standing, &subnets(&world.plan));
    if let Owner::Foreign(why) = owner
        && !scanned
    {
        report.errors.push(why);
    }
    report.unprobed(&unprobed(&world.plan));
    clock::compare(world, handle, &mut report).await;
    report.finish(handle)
}

/// Whether the cluster was given its VIP: the journal says so, or, where the journal was lost, a login through it.
async fn vip_is_ours(world: &WorldRead, handle: &Handle, probed: &[Probed]) -> bool {
    if handle.may_stand(config_cluster::VIP) {
        return true;
    }
    let held = probed.iter().any(|probed| probed.target.role == Role::Vip && probed.occupied());
    let vip = world.plan.cluster.vip.value;
    held && matches!(world.cluster(handle).log_in_at(vip).await, Ok(Login::In))
}

/// Where this journal has put Observability and the backup service.
fn services(world: &WorldRead, handle: &Handle) -> Vec<Ipv4Addr> {
    let made = [
        (handle.fact(&deploy_observability::INSTANCE).is_some(), &world.plan.observability.ip),
        (handle.fact(&deploy_backup::SERVICE).is_some(), &world.plan.backup.ip),
    ];
    made.into_iter().filter(|(made, _)| *made).filter_map(|(_, ip)| ip.as_ref()).map(|ip| ip.value).collect()
}

async fn probe(world: &WorldRead, handle: &Handle, target: Target) -> Result<Probed> {
    let ports = target.role.ports().iter();
    let looks = ports.map(|port| world.dialler.probe(Endpoint::new(target.address, *port)));
    let reach = futures_util::future::join_all(looks).await;
    let is_cloudtower = target.role == Role::Tower && cloudtower_answers(world, handle, &reach[0]).await?;
    Ok(Probed { target, reach, is_cloudtower })
}
