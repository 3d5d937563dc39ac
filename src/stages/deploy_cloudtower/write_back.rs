//! `deploy-cloudtower.write-back`: CloudTower's serial into 集群管理信息!M3 (planning-sheet §9).

use crate::{
    engine::{ChangeProbe, World as _, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        deploy_cloudtower::licence,
        facts::TOWER_SERIAL,
        serials::Serial,
        world::{World, WorldRead},
    },
};

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    Ok(serial(world, handle).await?.probe(world, handle))
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    serial(world.read(), handle).await?.write(world, handle)
}

/// As the step before read it, or read now for a step that is looked at alone.
async fn serial(world: &WorldRead, handle: &Handle) -> Result<Serial> {
    let value = match handle.fact(&TOWER_SERIAL) {
        Some(serial) => serial,
        None => licence::read(world, handle).await?.serial,
    };
    Ok(Serial {
        field: "cloudtower.serial",
        what: message("stages.tower.serial_what", &[]),
        value,
        planned: world.plan.cloudtower.serial.as_ref().map(|serial| serial.value.clone()),
    })
}
