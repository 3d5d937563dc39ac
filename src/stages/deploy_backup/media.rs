//! The package file of the backup service on this machine, told of before it is needed.

use super::package;
use crate::{
    engine::handle::Handle,
    failure::{Kind, Result},
    messages::message,
    stages::{
        facts::{HOSTS, reason},
        media::{MediaFile, Package},
        world::WorldRead,
    },
    text::Say,
    units,
};

/// The package file to use, if there is one.
pub fn file(world: &WorldRead, arch: &str) -> Result<Option<MediaFile>> {
    package::search(world, Some(arch)).map(|search| search.newest)
}

/// Tells what the media folder has. What is missing may be brought later, or be in CloudTower already; what cannot be
/// used stops the stage of the backup service only.
pub fn tell(world: &WorldRead, handle: &Handle) -> Result<()> {
    if world.plan.backup.ip.is_none() {
        return Ok(());
    }
    let hosts = handle.fact(&HOSTS).unwrap_or_default();
    let arch = hosts.first().map(|host| host.arch.as_str());
    match package::search(world, arch).map(|search| search.newest) {
        Ok(Some(file)) => {
            let args: [(&str, &dyn Say); 2] = [("name", &file.name), ("size", &units::bytes(file.size))];
            handle.note(message("stages.backup.file", &args));
        }
        Ok(None) => {
            let pattern = Package::backup().shown();
            handle.warn(message("stages.backup.later", &[("pattern", &pattern)]));
        }
        Err(failure) if failure.kind == Kind::Media => {
            handle.warn(message("stages.backup.unusable", &[("why", &reason(&failure))]));
        }
        Err(failure) => return Err(failure),
    }
    Ok(())
}
