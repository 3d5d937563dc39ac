//! `deploy-cloudtower.guest-network`: the planned address inside the guest, set by its agent (api-fisheye §8.4).

use super::{guest_agent::gone, network};
use crate::{
    clients::{dial::Endpoint, fisheye::GuestNetwork, probe::Reach},
    engine::{ChangeProbe, Facts, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::TOWER_VM,
        jobs,
        world::{World, WorldRead},
    },
};

/// Done when the agent says so, or when the address answers: before the VM was made nobody had it, and the agent's
/// word may be late.
pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let Some(uuid) = handle.fact(&TOWER_VM) else { return Ok(ChangeProbe::Absent) };
    let address = world.plan.cloudtower.ip.value;
    let Some(vm) = world.cluster(handle).vm(&uuid).await? else { return Err(gone(&uuid)) };
    let guest = vm.guest_info.unwrap_or_default();
    let sure = guest.is_running() && !handle.begun();
    if guest.has(address) || !sure && world.dialler.probe(Endpoint::new(address, 22)).await == Reach::Open {
        return Ok(ChangeProbe::Done(Facts::none()));
    }
    Ok(match guest.is_running() {
        true => ChangeProbe::Absent,
        // A guest that restarts: the agent is needed for the act.
        false => ChangeProbe::Unknown(message("stages.agent.silent", &[])),
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let uuid = handle.need(&TOWER_VM)?;
    let plan = world.plan();
    let fisheye = world.fisheye(handle);
    let Some(vm) = fisheye.vm(&uuid).await? else { return Err(gone(&uuid)) };
    let mac = vm.nics.first().map(|nic| nic.mac_address.clone()).filter(|mac| !mac.is_empty());
    let Some(mac_address) = mac else {
        let doing = message("stages.guest_net.doing", &[]);
        return Err(Failure::new(Kind::Site, doing).meaning(message("stages.guest_net.no_nic", &[])));
    };
    let row = network::row(plan);
    let guest = GuestNetwork {
        network: network::find(plan, &fisheye).await?,
        mac_address,
        address: plan.cloudtower.ip.value,
        netmask: row.subnet.value.netmask(),
        gateway: row.gateway.value,
    };
    let started = fisheye.set_guest_network(&uuid, &guest).await?;
    jobs::remember(handle, &started)
}
