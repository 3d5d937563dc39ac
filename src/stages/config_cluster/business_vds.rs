//! `config-cluster.business-vds`: the switch of the business networks, where the architecture wants one
//! (api-fisheye §6.5).

use crate::{
    clients::fisheye::{self, BondMode, BusinessHost, NewVds},
    engine::{ChangeProbe, Facts, handle::Handle},
    failure::Result,
    messages::message,
    plan::model::Vds,
    stages::{
        bond::on_the_wire,
        facts::HOSTS,
        jobs::JOB,
        world::{World, WorldRead},
    },
};

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let Some(planned) = &world.plan.vds.business else {
        return Ok(ChangeProbe::NotNeeded(message("stages.vds.not_planned", &[])));
    };
    let listed = world.vdses(handle).await?;
    Ok(match listed.iter().find(|vds| vds.name.eq_ignore_ascii_case(&planned.name.value)) {
        None => ChangeProbe::Absent,
        Some(found) => judge(planned, found),
    })
}

/// No call changes a bond mode: another one is somebody else's decision. Host bindings cannot be read back.
fn judge(planned: &Vds, found: &fisheye::Vds) -> ChangeProbe {
    if let Some(mode) = &planned.bond_mode
        && let Some(site) = &found.bond_mode
        && BondMode::of_site(site) != Some(on_the_wire(mode.value))
    {
        return ChangeProbe::Conflict(message(
            "stages.vds.other_bond_mode",
            &[
                ("name", &found.name),
                ("found", site),
                ("planned", &mode.value.as_str()),
                ("cell", &mode.cell),
            ],
        ));
    }
    ChangeProbe::Done(Facts::none())
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let Some(planned) = &world.plan().vds.business else { return Ok(()) };
    let scanned = handle.need(&HOSTS)?;
    let hosts = world.plan().hosts.iter().zip(&scanned).map(|(host, hardware)| BusinessHost {
        host_uuid: hardware.host_uuid.clone(),
        nics: hardware.nic_names(&planned.nics.value),
        storage: host.storage_ip.value,
    });
    let vds = NewVds {
        name: planned.name.value.clone(),
        // Left out of the request when there is one NIC.
        bond_mode: planned.bond_mode.as_ref().map_or(BondMode::ActiveBackup, |mode| on_the_wire(mode.value)),
        hosts: hosts.collect(),
    };
    match world.fisheye(handle).create_vds(&vds).await?.job_id {
        Some(job) => handle.remember(&JOB, &job),
        None => Ok(()),
    }
}
