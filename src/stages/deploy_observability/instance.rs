//! `deploy-observability.instance`: made once. A list of them exists, so what is there is found again by id, address
//! or name; an address that answers is somebody else's (api-applications §2.6).

use futures_util::future::join_all;

use super::{
    found::{Found, INSTANCE, MADE, find, planned},
    package::PACKAGE,
};
use crate::{
    clients::{
        dial::Endpoint,
        probe::Reach,
        tower::{NewInstance, TowerReader},
        trust::Protocol,
    },
    engine::{ChangeProbe, Facts, World as _, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::CLUSTER,
        vm_networks,
        world::{World, WorldRead},
    },
    text::Text,
    units,
};

/// The port of the guest's SSH (api-applications §2.8).
pub const SSH: u16 = 10022;

/// What the VM needs on one host, in bytes (api-applications §2.6).
const MEMORY: u64 = 32 << 30;

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if let Err(why) = planned(&world.plan) {
        return Ok(ChangeProbe::NotNeeded(why));
    }
    let all = world.tower(handle).observability().await?;
    match find(&world.plan, handle, &all) {
        Found::Ours(instance) => Ok(ChangeProbe::Done(Facts::none().with(&INSTANCE, &instance.id))),
        Found::Other(conflict) => Ok(ChangeProbe::Conflict(conflict)),
        Found::Nothing if handle.begun() => Ok(ChangeProbe::Absent),
        Found::Nothing => Ok(match stranger(world).await {
            Some(stranger) => ChangeProbe::Conflict(stranger),
            None => ChangeProbe::Absent,
        }),
    }
}

/// Nothing of ours stands there yet, so nobody may answer at the planned address.
async fn stranger(world: &WorldRead) -> Option<Text> {
    let ip = world.plan.observability.ip.as_ref()?;
    let ports = [22, 443, SSH].map(|port| world.dialler.probe(Endpoint::new(ip.value, port)));
    let args: [(&str, &dyn crate::text::Say); 2] = [("address", &ip.value), ("cell", &ip.cell)];
    join_all(ports)
        .await
        .iter()
        .any(Reach::occupied)
        .then(|| message("stages.observability.address_taken", &args))
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let plan = world.plan();
    let Some(ip) = &plan.observability.ip else { return Ok(()) };
    let (package, cluster) = (handle.need(&PACKAGE)?, handle.need(&CLUSTER)?);
    let tower = world.tower(handle);
    let row = vm_networks::need_row(plan, ip)?;
    let network = vm_networks::find(plan, &tower, &cluster, row).await?;
    memory(&tower, &cluster, handle).await?;
    // A new guest makes its own host key.
    world.read().trust.expect_change(Protocol::Ssh, Endpoint::new(ip.value, SSH));
    let new = NewInstance {
        name: &plan.observability.vm_name.value,
        package: &package.id,
        cluster: &cluster,
        ip: ip.value,
        mask: row.subnet.value.netmask(),
        gateway: row.gateway.value,
        network: &network.id,
    };
    let id = tower.create_observability(&new).await?;
    handle.remember(&MADE, &id)
}

/// A host without room for the VM makes CloudTower fail later; whether one has it, is not always told.
async fn memory(tower: &TowerReader, cluster: &str, handle: &Handle) -> Result<()> {
    let hosts = tower.hosts(cluster).await?;
    let free: Option<Vec<u64>> = hosts.iter().map(|host| host.allocatable_memory_bytes).collect();
    if let Some(most) = free.and_then(|free| free.into_iter().max())
        && most < MEMORY
    {
        let args: [(&str, &dyn crate::text::Say); 2] =
            [("needed", &units::bytes(MEMORY)), ("most", &units::bytes(most))];
        handle.warn(message("stages.observability.memory", &args));
    }
    Ok(())
}
