//! `config-cluster.write-back`: the cluster's serial into 主机规划!E19 (planning-sheet §9).

use crate::{
    engine::{ChangeProbe, World as _, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::SERIAL,
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
    let value = match handle.fact(&SERIAL) {
        Some(serial) => serial,
        None => world.cluster(handle).licence().await?.serial,
    };
    Ok(Serial {
        field: "cluster.serial",
        what: message("stages.serial.what", &[]),
        value,
        planned: world.plan.cluster.serial.as_ref().map(|serial| serial.value.clone()),
    })
}
