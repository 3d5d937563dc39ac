//! The Observability guest over SSH, on a port of its own (api-applications §2.8).

use std::net::Ipv4Addr;

use super::instance::SSH;
use crate::{
    clients::{
        dial::Endpoint,
        ssh::{Looker, Session},
    },
    engine::handle::Handle,
    failure::{Failure, Kind, Result},
    messages::message,
    secret::Secret,
    stages::{
        deploy_cloudtower::guest::for_now,
        facts::reason,
        world::{World, WorldRead},
    },
    text::Text,
};

/// The factory password of the account (api-applications §2.8).
const PASSWORD: &str = "HC!r0cks";

fn password(world: &WorldRead) -> Secret<String> {
    let planned = world.plan.observability.ssh_password.as_ref();
    planned.map_or_else(|| Secret::from(PASSWORD), |password| password.value.clone())
}

/// A login to look around, or why there is none at the moment: the guest's SSH starts late.
///
/// # Errors
/// The guest refuses the account: waiting would not help, and repeating could lock it.
pub async fn look(world: &WorldRead, handle: &Handle, address: Ipv4Addr) -> Result<Result<Looker, Text>> {
    let user = &world.plan.observability.ssh_user;
    let ssh = world.ssh_at(handle, Endpoint::new(address, SSH));
    match ssh.look(&user.value, &[&password(world)]).await {
        Ok(Some(machine)) => Ok(Ok(machine)),
        Ok(None) => Err(Failure::new(Kind::Site, message("stages.observability.guest", &[]))
            .at(Endpoint::new(address, SSH))
            .meaning(message("stages.guest.refused", &[("user", &user.value)]))
            .advise(message("stages.observability.check_account", &[("cell", &user.cell)]))),
        Err(failure) if for_now(&failure) => Ok(Err(reason(&failure))),
        Err(failure) => Err(failure),
    }
}

/// A login to change something.
pub async fn open(world: &World, handle: &Handle, address: Ipv4Addr) -> Result<Session> {
    let user = &world.plan().observability.ssh_user.value;
    let ssh = world.ssh_at(handle, Endpoint::new(address, SSH));
    Ok(ssh.open(user, &[&password(crate::engine::World::read(world))]).await?.0)
}
