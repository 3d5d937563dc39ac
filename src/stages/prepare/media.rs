//! `prepare.media`: the media folder and the VM tools image. A missing image is a warning: clusters work without.

use crate::{
    engine::{Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{media::Package, world::WorldRead},
    units,
};

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    let Some(folder) = &world.media else {
        handle.warn(message("stages.media.no_folder", &[]));
        return Ok(Facts::none());
    };
    match Package::vm_tools().newest(folder)? {
        Some(file) => handle
            .note(message("stages.media.tools", &[("name", &file.name), ("size", &units::bytes(file.size))])),
        None => handle.warn(message("stages.media.no_tools", &[("folder", &folder.display())])),
    }
    Ok(Facts::none())
}
