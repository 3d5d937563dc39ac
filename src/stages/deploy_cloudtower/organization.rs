//! `deploy-cloudtower.organization`: the customer's organization (api-cloudtower §3).

use crate::{
    engine::{ChangeProbe, Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::ORGANIZATION,
        world::{World, WorldRead},
    },
};

/// One with another name is kept: a CloudTower has one organization, and a new one would hide what is in the old.
pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let mut listed = world.tower(handle).organizations().await?;
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    let planned = &world.plan.project.customer_name;
    if let Some(found) = listed.iter().find(|one| one.name == planned.value) {
        return Ok(ChangeProbe::Done(Facts::none().with(&ORGANIZATION, &found.id)));
    }
    let Some(other) = listed.first() else { return Ok(ChangeProbe::Absent) };
    handle.warn(message(
        "stages.tower.other_organization",
        &[("found", &other.name), ("planned", &planned.value), ("cell", &planned.cell)],
    ));
    Ok(ChangeProbe::Done(Facts::none().with(&ORGANIZATION, &other.id)))
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    world.tower(handle).create_organization(&world.plan().project.customer_name.value).await
}
