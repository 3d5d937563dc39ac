//! The CloudTower guest over SSH (api-cloudtower §2).

use crate::{
    clients::ssh::{Looker, RemoteFile, Session},
    engine::handle::Handle,
    failure::{Failure, Kind, Result},
    messages::message,
    secret::Secret,
    stages::{
        facts::reason,
        world::{World, WorldRead},
    },
    text::Text,
};

/// The account that the image's kickstart makes; the SSH columns of the plan do not apply.
const USER: &str = "cloudtower";
const PASSWORD: &str = "HC!r0cks";

/// Where the installer's output goes.
pub const LOG: RemoteFile = RemoteFile::new("/home/cloudtower/installer.out");
pub const RESOLV_CONF: RemoteFile = RemoteFile::new("/etc/resolv.conf");

/// A login to look around, or why there is none at the moment: the guest's SSH starts late, and restarts.
///
/// # Errors
/// The guest refuses the account: waiting would not help, and repeating could lock it.
pub async fn look(world: &WorldRead, handle: &Handle) -> Result<Result<Looker, Text>> {
    let address = world.plan.cloudtower.ip.value;
    match world.ssh(handle, address).look(USER, &[&Secret::from(PASSWORD)]).await {
        Ok(Some(machine)) => Ok(Ok(machine)),
        Ok(None) => Err(Failure::new(Kind::Site, message("stages.guest.doing", &[]))
            .at(address)
            .meaning(message("stages.guest.refused", &[("user", &USER)]))
            .advise(message("stages.guest.check", &[("user", &USER), ("address", &address)]))),
        Err(failure) if for_now(&failure) => Ok(Err(reason(&failure))),
        Err(failure) => Err(failure),
    }
}

/// A login to change something.
pub async fn open(world: &World, handle: &Handle) -> Result<Session> {
    let ssh = world.ssh(handle, world.plan().cloudtower.ip.value);
    Ok(ssh.open(USER, &[&Secret::from(PASSWORD)]).await?.0)
}

/// Whether a look that failed so is worth another one.
pub fn for_now(failure: &Failure) -> bool {
    matches!(failure.kind, Kind::Site | Kind::TimedOut)
}

/// How to get there by hand.
pub fn by_hand(world: &WorldRead) -> String {
    format!("ssh {USER}@{}", world.plan.cloudtower.ip.value)
}
