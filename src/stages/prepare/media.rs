//! `prepare.media`: the media folder, the VM tools image and the CloudTower image. What is missing is a warning: it
//! may be brought later; what is cut off is found out now.

use std::path::Path;

use crate::{
    engine::{Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{deploy_cloudtower, facts::TOWER_VM, media::Package, world::WorldRead},
    units,
};

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    match &world.media {
        Some(folder) => tools(folder, handle)?,
        None => handle.warn(message("stages.media.no_folder", &[])),
    }
    if handle.fact(&TOWER_VM).is_none() && deploy_cloudtower::media::iso(world, handle)?.is_none() {
        handle.warn(message("stages.iso.later", &[("pattern", &Package::cloudtower().shown())]));
    }
    Ok(Facts::none())
}

fn tools(folder: &Path, handle: &Handle) -> Result<()> {
    match Package::vm_tools().newest(folder)? {
        Some(file) => handle
            .note(message("stages.media.tools", &[("name", &file.name), ("size", &units::bytes(file.size))])),
        None => handle.warn(message("stages.media.no_tools", &[("folder", &folder.display())])),
    }
    Ok(())
}
