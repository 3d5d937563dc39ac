//! `deploy-backup.storage-network`: the VM network by which the service reaches the cluster's storage network
//! (api-applications §3.4).

use super::{
    network::{NETWORK, storage_switch},
    not_planned,
};
use crate::{
    engine::{ChangeProbe, Fact, Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::CLUSTER,
        tasks,
        world::{World, WorldRead},
    },
    text::Say,
};

/// Id of the network.
pub const STORAGE_NETWORK: Fact<String> = Fact::new("backup_storage_network");

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if world.plan.backup.ip.is_none() {
        return Ok(ChangeProbe::NotNeeded(not_planned()));
    }
    let tower = world.tower(handle);
    let vdses = tower.vdses(&handle.need(&CLUSTER)?).await?;
    let vds = storage_switch(&world.plan, &vdses)?;
    let mut found = tower.vlans_on(&vds.id, NETWORK).await?;
    found.sort_by(|a, b| a.id.cmp(&b.id));
    let Some(network) = found.first() else { return Ok(ChangeProbe::Absent) };
    let planned = &world.plan.networks.storage.vlan_id;
    if network.vlan_id != planned.value {
        let args: [(&str, &dyn Say); 4] = [
            ("name", &network.name),
            ("found", &network.vlan_id),
            ("planned", &planned.value),
            ("cell", &planned.cell),
        ];
        return Ok(ChangeProbe::Conflict(message("stages.vlans.other_id", &args)));
    }
    Ok(match &network.busy {
        Some(state) => {
            ChangeProbe::Unknown(message("stages.backup.busy", &[("name", &NETWORK), ("state", state)]))
        }
        None => ChangeProbe::Done(Facts::none().with(&STORAGE_NETWORK, &network.id)),
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let tower = world.tower(handle);
    let vdses = tower.vdses(&handle.need(&CLUSTER)?).await?;
    let vds = storage_switch(world.plan(), &vdses)?;
    let vlan_id = world.plan().networks.storage.vlan_id.value;
    let begun = tower.create_vm_vlan(&vds.id, NETWORK, vlan_id).await?;
    tasks::remember(handle, &begun)
}
