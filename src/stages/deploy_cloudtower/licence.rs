//! `deploy-cloudtower.licence`: the licence that CloudTower starts with, and its serial (api-cloudtower §3).

use crate::{
    clients::tower::Licence,
    engine::{Facts, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{facts::TOWER_SERIAL, world::WorldRead},
};

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    let licence = read(world, handle).await?;
    let Licence { serial, kind, edition, expires } = &licence;
    let args: [(&str, &dyn crate::text::Say); 4] =
        [("serial", serial), ("kind", kind), ("edition", edition), ("expires", expires)];
    handle.note(message("stages.tower.licence", &args));
    Ok(Facts::none().with(&TOWER_SERIAL, serial))
}

pub async fn read(world: &WorldRead, handle: &Handle) -> Result<Licence> {
    let none = || {
        Failure::new(Kind::Site, handle.manifest().title.clone())
            .at(world.plan.cloudtower.ip.value)
            .meaning(message("stages.tower.no_licence", &[]))
    };
    world.tower(handle).licence().await?.ok_or_else(none)
}
