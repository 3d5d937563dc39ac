//! `prepare.site`: probes every planned address and the hosts' clocks; all findings come together.
//!
//! Probes are TCP only. Silence proves an address free only where something else of its subnet answered; where
//! nothing did, it is "not provable from here" and never a pass (DESIGN §6).

use futures_util::{StreamExt, stream};

use super::{
    clock,
    report::{Probed, Standing, judge},
    targets::{Target, subnets, targets, unprobed},
};
use crate::{
    clients::dial::Endpoint,
    engine::{Facts, handle::Handle},
    failure::Result,
    stages::{
        facts::HOSTS,
        ownership::{self, Owner},
        world::WorldRead,
    },
};

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
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
        .map(|target| probe(world, target))
        .buffered(world.settings.parallel_probes.max(1))
        .collect()
        .await;
    let mut report = judge(&probed, Standing { ours, under_way }, &subnets(&world.plan));
    if let Owner::Foreign(why) = owner
        && !scanned
    {
        report.errors.push(why);
    }
    report.unprobed(&unprobed(&world.plan));
    clock::compare(world, handle, &mut report).await;
    report.finish(handle)
}

async fn probe(world: &WorldRead, target: Target) -> Probed {
    let ports = target.role.ports().iter();
    let looks = ports.map(|port| world.dialler.probe(Endpoint::new(target.address, *port)));
    let reach = futures_util::future::join_all(looks).await;
    Probed { target, reach }
}
