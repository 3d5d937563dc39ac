//! `deploy-observability.ntp`: sent as a whole; nothing reads it back (api-applications §2.9).

use std::collections::BTreeSet;

use super::found::{need, planned};
use crate::{
    engine::{Facts, Sent, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::world::World,
    text::Text,
};

pub async fn act(world: &World, handle: &Handle) -> Result<Sent> {
    if let Err(why) = planned(world.plan()) {
        return Ok(Sent::NotNeeded(why));
    }
    let servers: Vec<String> = world.plan().ntp.servers.iter().map(|server| server.value.clone()).collect();
    if servers.is_empty() {
        return Ok(Sent::NotNeeded(message("stages.ntp.none", &[])));
    }
    let instance = need(world.read(), handle).await?;
    let echoed = world.tower(handle).set_observability_ntp(&instance.id, &servers).await?;
    // No order is kept.
    let set = |servers: &[String]| servers.iter().map(|one| one.to_lowercase()).collect::<BTreeSet<_>>();
    if set(&echoed) == set(&servers) {
        return Ok(Sent::Sent(Facts::none()));
    }
    Err(Failure::new(Kind::Site, handle.manifest().title.clone())
        .answer(Text::same(echoed.join(", ")))
        .meaning(message("stages.observability.ntp_echo", &[("sent", &servers.join(", "))])))
}
