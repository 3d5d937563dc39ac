//! `deploy-observability.cluster`: the cluster is associated beside those that are already (api-applications §2.9).

use super::found::{Found, find, need, planned};
use crate::{
    clients::tower::{ConnectedCluster, Instance},
    engine::{ChangeProbe, Difference, Facts, WaitProbe, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::{CLUSTER, reason},
        world::{World, WorldRead},
    },
    text::Text,
};

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if let Err(why) = planned(&world.plan) {
        return Ok(ChangeProbe::NotNeeded(why));
    }
    let id = handle.need(&CLUSTER)?;
    let instance = match find(&world.plan, handle, &world.tower(handle).observability().await?) {
        Found::Ours(instance) => instance,
        Found::Nothing => return Ok(ChangeProbe::Absent),
        Found::Other(conflict) => return Ok(ChangeProbe::Conflict(conflict)),
    };
    Ok(match instance.connected(&id) {
        None => ChangeProbe::Absent,
        Some(entry) if entry.has_failed() => ChangeProbe::Differs(vec![Difference {
            what: message("stages.observability.association", &[]),
            found: state(entry),
            planned: world.plan.cluster.name.value.clone(),
            cell: Some(world.plan.cluster.name.cell.to_string()),
        }]),
        Some(entry) if entry.observability_connected_cluster.is_some() => ChangeProbe::Done(Facts::none()),
        Some(entry) => {
            ChangeProbe::Unknown(message("stages.observability.associating", &[("state", &state(entry))]))
        }
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let id = handle.need(&CLUSTER)?;
    let instance = need(world.read(), handle).await?;
    // The list counts as the whole of it: what is associated already stays.
    let known = instance.connected_clusters.iter().filter_map(|one| one.cluster.as_ref());
    let mut all: Vec<&str> = known.map(|cluster| cluster.id.as_str()).collect();
    if !all.contains(&id.as_str()) {
        all.push(&id);
    }
    world.tower(handle).associate_clusters(&instance.id, &all).await
}

/// Waits until the association works.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    let id = handle.need(&CLUSTER)?;
    let look = async || match need(world, handle).await {
        Ok(instance) => look(handle, &instance, &id),
        Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
            Ok(WaitProbe::NotYet(reason(&failure)))
        }
        Err(failure) => Err(failure),
    };
    handle.poll(look).await.map(drop)
}

fn look(handle: &Handle, instance: &Instance, id: &str) -> Result<WaitProbe> {
    let Some(entry) = instance.connected(id) else {
        return Ok(WaitProbe::NotYet(message("stages.observability.associating", &[("state", &"-")])));
    };
    if entry.has_failed() {
        return Err(Failure::new(Kind::Site, handle.manifest().title.clone())
            .at(&instance.name)
            .answer(Text::same(state(entry)))
            .meaning(message("stages.observability.association_failed", &[]))
            .advise(message("stages.observability.association_advice", &[])));
    }
    Ok(match entry.observability_connected_cluster {
        Some(_) => WaitProbe::Ready(Facts::none()),
        None => WaitProbe::NotYet(message("stages.observability.associating", &[("state", &state(entry))])),
    })
}

/// Both statuses, as far as there are any.
fn state(entry: &ConnectedCluster) -> String {
    let inner = entry.observability_connected_cluster.as_ref().map(|association| &association.status);
    let states = [Some(&entry.status), inner].into_iter().flatten().filter(|status| !status.is_empty());
    let states = states.map(String::as_str).collect::<Vec<_>>().join(" / ");
    if states.is_empty() { "-".to_owned() } else { states }
}
