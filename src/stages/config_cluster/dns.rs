//! `config-cluster.dns`: the planned DNS servers (api-fisheye §6.2). Nothing reads them back before CloudTower.

use crate::{
    engine::{Sent, handle::Handle},
    failure::Result,
    messages::message,
    stages::{jobs, world::World},
};

pub async fn act(world: &World, handle: &Handle) -> Result<Sent> {
    let servers: Vec<_> = world.plan().dns.servers.iter().map(|server| server.value).collect();
    if servers.is_empty() {
        let none = message("stages.dns.none", &[]);
        handle.warn(none.clone());
        return Ok(Sent::NotNeeded(none));
    }
    let fisheye = world.fisheye(handle);
    jobs::send(world, handle, async || fisheye.set_dns(&servers).await).await
}
