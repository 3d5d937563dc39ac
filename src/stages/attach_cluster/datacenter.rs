//! `attach-cluster.datacenter`: found by name in the organization, or made (api-cloudtower §4).

use crate::{
    engine::{ChangeProbe, Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::{DATACENTER, ORGANIZATION},
        tasks,
        world::{World, WorldRead},
    },
};

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let organization = handle.need(&ORGANIZATION)?;
    let name = &world.plan.project.datacenter_name.value;
    let mut found = world.tower(handle).datacenters(name).await?;
    found.retain(|one| one.organization.as_ref().is_none_or(|owner| owner.id == organization));
    found.sort_by(|a, b| a.id.cmp(&b.id));
    if found.len() > 1 {
        handle.warn(message("stages.attach.twins", &[("name", name), ("count", &found.len())]));
    }
    Ok(match found.first() {
        Some(first) => ChangeProbe::Done(Facts::none().with(&DATACENTER, &first.id)),
        None => ChangeProbe::Absent,
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let organization = handle.need(&ORGANIZATION)?;
    let name = &world.plan().project.datacenter_name.value;
    let begun = world.tower(handle).create_datacenter(&organization, name).await?;
    tasks::remember(handle, &begun)
}
