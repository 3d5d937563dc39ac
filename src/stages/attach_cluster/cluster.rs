//! `attach-cluster.cluster`: connected exactly once (api-cloudtower §4). A second connect is an error or a twin, so
//! the cluster is always looked for by name and by address first.

use crate::{
    clients::tower::{Cluster, ConnectState, Find, TowerReader},
    engine::{ChangeProbe, Difference, Facts, WaitProbe, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::Plan,
    stages::{
        attach_cluster::connected,
        facts::{CLUSTER, DATACENTER, SERIAL},
        tasks,
        world::{World, WorldRead},
    },
    text::Text,
};

/// What CloudTower knows of the planned cluster.
enum Found {
    Nothing,
    Ours(Box<Cluster>),
    /// Name or address are taken by another one.
    Other(Text),
}

async fn find(plan: &Plan, tower: &TowerReader) -> Result<Found> {
    let (name, vip) = (&plan.cluster.name, &plan.cluster.vip);
    let named = tower.clusters(Find::Name(&name.value)).await?;
    if let Some(ours) = named.iter().find(|cluster| cluster.is_at(vip.value)) {
        return Ok(Found::Ours(Box::new(ours.clone())));
    }
    if let Some(other) = named.first() {
        let args: [(&str, &dyn crate::text::Say); 4] =
            [("name", &other.name), ("found", &other.ip), ("planned", &vip.value), ("cell", &vip.cell)];
        return Ok(Found::Other(message("stages.attach.other_address", &args)));
    }
    let Some(there) = tower.clusters(Find::Address(vip.value)).await?.into_iter().next() else {
        return Ok(Found::Nothing);
    };
    // Before CloudTower has read its name, a cluster may be called by its address.
    if there.name.is_empty() || there.name == vip.value.to_string() {
        return Ok(Found::Ours(Box::new(there)));
    }
    let args: [(&str, &dyn crate::text::Say); 4] =
        [("vip", &vip.value), ("found", &there.name), ("planned", &name.value), ("cell", &name.cell)];
    Ok(Found::Other(message("stages.attach.other_name", &args)))
}

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let cluster = match find(&world.plan, &world.tower(handle)).await? {
        Found::Nothing => return Ok(ChangeProbe::Absent),
        Found::Other(conflict) => return Ok(ChangeProbe::Conflict(conflict)),
        Found::Ours(cluster) => cluster,
    };
    if let (Some(known), Some(found)) = (handle.fact(&SERIAL), &cluster.local_id)
        && !known.eq_ignore_ascii_case(found)
    {
        let args: [(&str, &dyn crate::text::Say); 2] = [("found", found), ("known", &known)];
        return Ok(ChangeProbe::Conflict(message("stages.attach.other_serial", &args)));
    }
    if let (Some(planned), Some(found)) = (handle.fact(&DATACENTER), cluster.datacenters.first())
        && cluster.datacenters.iter().all(|datacenter| datacenter.id != planned)
    {
        let name = &world.plan.project.datacenter_name;
        return Ok(ChangeProbe::Differs(vec![Difference {
            what: message("stages.attach.datacenter_what", &[]),
            found: found.name.clone(),
            planned: name.value.clone(),
            cell: Some(name.cell.to_string()),
        }]));
    }
    Ok(ChangeProbe::Done(Facts::none().with(&CLUSTER, &cluster.id)))
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let tower = world.tower(handle);
    let datacenter = handle.need(&DATACENTER)?;
    let plan = world.plan();
    let begun = match find(plan, &tower).await? {
        // The probe has told.
        Found::Other(_) => return Ok(()),
        Found::Ours(cluster) => tower.move_cluster(&cluster.id, &datacenter).await?,
        Found::Nothing => {
            let password = &plan.cluster.admin_password.value;
            tower.connect_cluster(plan.cluster.vip.value, password, &datacenter).await?
        }
    };
    tasks::remember(handle, &begun)
}

/// Ends with the task, or with the connection: a task may go on for half a minute after it.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    let tower = world.tower(handle);
    let connection = async || {
        handle
            .poll(async || match find(&world.plan, &tower).await {
                Ok(Found::Ours(cluster)) => look(handle, &cluster),
                Ok(Found::Nothing | Found::Other(_)) => {
                    Ok(WaitProbe::NotYet(message("stages.attach.not_listed", &[])))
                }
                Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
                    Ok(WaitProbe::NotYet(crate::stages::facts::reason(&failure)))
                }
                Err(failure) => Err(failure),
            })
            .await
            .map(drop)
    };
    tokio::select! {
        end = tasks::follow(world, handle) => end,
        end = connection() => end,
    }
}

fn look(handle: &Handle, cluster: &Cluster) -> Result<WaitProbe> {
    if connected::is_final(cluster) {
        return Err(failed(handle, cluster));
    }
    Ok(match cluster.connect_state {
        ConnectState::Connected => WaitProbe::Ready(Facts::none()),
        _ => WaitProbe::NotYet(connected::state_of(cluster)),
    })
}

/// Why CloudTower cannot connect, and what helps.
pub fn failed(handle: &Handle, cluster: &Cluster) -> Box<Failure> {
    Failure::new(Kind::Site, handle.manifest().title.clone())
        .at(&cluster.ip)
        .answer(connected::state_of(cluster))
        .meaning(message("stages.attach.failed", &[]))
        .advise(message("stages.attach.failed_advice", &[]))
}
