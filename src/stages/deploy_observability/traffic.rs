//! `deploy-observability.traffic`: traffic of the cluster is shown (api-applications §2.9, D7).

use super::found::{Found, find, need, planned};
use crate::{
    engine::{ChangeProbe, Difference, Facts, World as _, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::CLUSTER,
        world::{World, WorldRead},
    },
};

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if let Err(why) = planned(&world.plan) {
        return Ok(ChangeProbe::NotNeeded(why));
    }
    if !world.services.obs.traffic_visualization {
        return Ok(ChangeProbe::NotNeeded(message("stages.observability.traffic_off", &[])));
    }
    let id = handle.need(&CLUSTER)?;
    let instance = match find(&world.plan, handle, &world.tower(handle).observability().await?) {
        Found::Ours(instance) => instance,
        Found::Nothing => return Ok(ChangeProbe::Absent),
        Found::Other(conflict) => return Ok(ChangeProbe::Conflict(conflict)),
    };
    let association =
        instance.connected(&id).and_then(|entry| entry.observability_connected_cluster.as_ref());
    Ok(match association {
        None => ChangeProbe::Unknown(message("stages.observability.associating", &[("state", &"-")])),
        Some(association) if association.traffic_enabled => ChangeProbe::Done(Facts::none()),
        Some(_) => ChangeProbe::Differs(vec![Difference {
            what: message("stages.observability.traffic_what", &[]),
            found: "false".to_owned(),
            planned: "true".to_owned(),
            cell: None,
        }]),
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let id = handle.need(&CLUSTER)?;
    let instance = need(world.read(), handle).await?;
    let association =
        instance.connected(&id).and_then(|entry| entry.observability_connected_cluster.as_ref());
    match association {
        Some(association) => world.tower(handle).enable_traffic(&association.id).await,
        // The probe has told.
        None => Ok(()),
    }
}
