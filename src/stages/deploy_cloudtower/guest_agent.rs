//! `deploy-cloudtower.guest-agent`: the image installs itself and its guest agent reports (api-fisheye §8.3).

use crate::{
    engine::{Facts, WaitProbe, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{facts::TOWER_VM, world::WorldRead},
};

/// The state of a VM that is switched on; others are not documented.
const RUNNING: &str = "running";

pub async fn wait(world: &WorldRead, handle: &Handle) -> Result<WaitProbe> {
    let uuid = handle.need(&TOWER_VM)?;
    let Some(vm) = world.cluster(handle).vm(&uuid).await? else {
        return Err(gone(&uuid));
    };
    if let Some(guest) = vm.guest_info.as_ref().filter(|guest| guest.is_running()) {
        handle.note(message("stages.agent.running", &[("os", &guest.os_version)]));
        return Ok(WaitProbe::Ready(Facts::none()));
    }
    if !vm.status.eq_ignore_ascii_case(RUNNING) {
        return Ok(WaitProbe::NotYet(message("stages.agent.not_on", &[("status", &vm.status)])));
    }
    Ok(WaitProbe::NotYet(message("stages.agent.installing", &[])))
}

/// The cluster does not know the VM that the journal knows.
pub fn gone(uuid: &str) -> Box<Failure> {
    Failure::new(Kind::Site, message("stages.agent.doing", &[]))
        .meaning(message("stages.tower_vm.gone", &[("uuid", &uuid)]))
        .advise(message("stages.tower_vm.make_anew", &[]))
}
