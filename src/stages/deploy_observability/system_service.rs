//! `deploy-observability.system-service`: CloudTower itself is watched, with its alert rules. The list is replaced as a
//! whole, so nothing is sent where others are on it (api-applications §2.9).

use super::{
    alert_rules,
    found::{Found, find, need, planned},
};
use crate::{
    clients::tower::{Instance, SystemServiceInstance},
    engine::{ChangeProbe, Facts, WaitProbe, World as _, handle::Handle},
    failure::{Kind, Result},
    messages::message,
    stages::{
        facts::reason,
        world::{World, WorldRead},
    },
};

pub const KIND: &str = "CLOUDTOWER";

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if let Err(why) = planned(&world.plan) {
        return Ok(ChangeProbe::NotNeeded(why));
    }
    let instance = match find(&world.plan, handle, &world.tower(handle).observability().await?) {
        Found::Ours(instance) => instance,
        Found::Nothing => return Ok(ChangeProbe::Absent),
        Found::Other(conflict) => return Ok(ChangeProbe::Conflict(conflict)),
    };
    if is_associated(&instance) {
        return Ok(ChangeProbe::Done(Facts::none()));
    }
    let others: Vec<&str> = instance.connected_system_services.iter().map(|one| one.kind.as_str()).collect();
    Ok(match others.is_empty() {
        true => ChangeProbe::Absent,
        false => ChangeProbe::NotNeeded(message(
            "stages.observability.other_services",
            &[("others", &others.join(", "))],
        )),
    })
}

pub fn is_associated(instance: &Instance) -> bool {
    instance.connected_system_services.iter().any(|service| service.kind == KIND)
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let instance = need(world.read(), handle).await?;
    let agent = SystemServiceInstance::of_cloudtower(world.plan().cloudtower.ip.value);
    world.tower(handle).associate_cloudtower(&instance.name, &alert_rules::rules()?, &agent).await
}

/// Waits until it is on the list; its state is told and not judged.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    let look = async || match need(world, handle).await {
        Ok(instance) => {
            let entry = instance.connected_system_services.iter().find(|service| service.kind == KIND);
            let Some(entry) = entry else {
                return Ok(WaitProbe::NotYet(message("stages.observability.no_service_yet", &[])));
            };
            handle.note(message("stages.observability.service_state", &[("state", &entry.states())]));
            Ok(WaitProbe::Ready(Facts::none()))
        }
        Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
            Ok(WaitProbe::NotYet(reason(&failure)))
        }
        Err(failure) => Err(failure),
    };
    handle.poll(look).await.map(drop)
}
