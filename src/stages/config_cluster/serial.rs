//! `config-cluster.serial`: the cluster's serial, read from its licence (api-fisheye §6.4).

use crate::{
    engine::{Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{facts::SERIAL, world::WorldRead},
};

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    let serial = world.cluster(handle).licence().await?.serial;
    handle.note(message("stages.serial.read", &[("serial", &serial)]));
    Ok(Facts::none().with(&SERIAL, &serial))
}
