//! `prepare.media`: the media folder, the VM tools image, the CloudTower image and the packages. What is missing is a
//! warning: it may be brought later; what is cut off is found out now.

use std::path::Path;

use crate::{
    engine::{Facts, handle::Handle},
    failure::{Kind, Result},
    messages::message,
    stages::{
        deploy_backup, deploy_cloudtower, deploy_observability,
        facts::{TOWER_VM, reason},
        media::Package,
        world::WorldRead,
    },
    units,
};

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    let Some(folder) = &world.media else {
        handle.warn(message("stages.media.no_folder", &[]));
        return Ok(Facts::none());
    };
    tools(folder, handle)?;
    if handle.fact(&TOWER_VM).is_none() && deploy_cloudtower::media::iso(world, handle)?.is_none() {
        handle.warn(message("stages.iso.later", &[("pattern", &Package::cloudtower().shown())]));
    }
    if world.plan.observability.ip.is_some() {
        observability(world, handle)?;
    }
    deploy_backup::media::tell(world, handle)?;
    Ok(Facts::none())
}

/// A package that cannot be used stops its own stage only.
fn observability(world: &WorldRead, handle: &Handle) -> Result<()> {
    use deploy_observability::media;
    match media::file(world, &media::arch_of_hosts(handle)) {
        Ok(Some(file)) => handle.note(message(
            "stages.observability.package",
            &[("name", &file.name), ("size", &units::bytes(file.size))],
        )),
        Ok(None) => {
            handle.warn(message(
                "stages.observability.later",
                &[("pattern", &Package::observability().shown())],
            ));
        }
        Err(failure) if failure.kind == Kind::Media => {
            handle.warn(message("stages.observability.unusable", &[("why", &reason(&failure))]));
        }
        Err(failure) => return Err(failure),
    }
    Ok(())
}

fn tools(folder: &Path, handle: &Handle) -> Result<()> {
    match Package::vm_tools().newest(folder)? {
        Some(file) => handle
            .note(message("stages.media.tools", &[("name", &file.name), ("size", &units::bytes(file.size))])),
        None => handle.warn(message("stages.media.no_tools", &[("folder", &folder.display())])),
    }
    Ok(())
}
