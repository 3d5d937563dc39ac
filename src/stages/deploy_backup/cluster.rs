//! `deploy-backup.cluster`: the cluster is one that the service backs up (api-applications §3.7).

use std::time::Duration;

use super::{SERVICE, not_planned, service::find};
use crate::{
    clients::tower::RunningService,
    engine::{ChangeProbe, Facts, WaitProbe, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::{CLUSTER, reason},
        world::{World, WorldRead},
    },
};

/// How long the service may take to reach the cluster's storage network (§5).
const CONNECTED_WITHIN: Duration = Duration::from_secs(300);

/// What the storage network of an associated cluster is to be.
pub const CONNECTED: &str = "CONNECTED";

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if world.plan.backup.ip.is_none() {
        return Ok(ChangeProbe::NotNeeded(not_planned()));
    }
    let (id, cluster) = (handle.need(&SERVICE)?, handle.need(&CLUSTER)?);
    Ok(match world.tower(handle).backup_service(&id).await? {
        Some(service) if has(&service, &cluster) => ChangeProbe::Done(Facts::none()),
        Some(_) => ChangeProbe::Absent,
        None => ChangeProbe::Unknown(message(
            "stages.backup.unlisted",
            &[("name", &world.services.backup.service_name)],
        )),
    })
}

fn has(service: &RunningService, cluster: &str) -> bool {
    service.backup_clusters.iter().any(|one| one.id == cluster)
}

/// The write replaces the whole list: what is associated already stays in it.
pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let (id, cluster) = (handle.need(&SERVICE)?, handle.need(&CLUSTER)?);
    let tower = world.tower(handle);
    // Without the service's own list the write would take every other cluster off it.
    let Some(service) = tower.backup_service(&id).await? else {
        let name = &world.read().services.backup.service_name;
        return Err(Failure::new(Kind::Site, handle.manifest().title.clone())
            .meaning(message("stages.backup.unlisted", &[("name", name)])));
    };
    let mut clusters: Vec<String> = service.backup_clusters.into_iter().map(|one| one.id).collect();
    if !clusters.contains(&cluster) {
        clusters.push(cluster);
    }
    tower.set_backup_clusters(&id, &clusters).await
}

/// Waits for the service to reach the storage network. One that does not is worth a warning: everything else is there.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    let cluster = handle.need(&CLUSTER)?;
    let tower = world.tower(handle);
    let look = async || {
        let service = match find(world, &tower).await {
            Ok(service) => service,
            Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
                return Ok(WaitProbe::NotYet(reason(&failure)));
            }
            Err(failure) => return Err(failure),
        };
        let legs = service.map(|service| service.network_status).unwrap_or_default();
        let status = legs.into_iter().find(|one| one.cluster == cluster).map(|one| one.status);
        Ok(match status.as_deref() {
            Some(CONNECTED) => WaitProbe::Ready(Facts::none()),
            status => {
                let status = status.unwrap_or("-");
                WaitProbe::NotYet(message("stages.backup.not_connected", &[("status", &status)]))
            }
        })
    };
    match handle.poll_for(CONNECTED_WITHIN, look).await {
        Err(failure) if failure.kind == Kind::TimedOut => {
            handle.warn(message("stages.backup.never_connected", &[]));
            Ok(())
        }
        waited => waited.map(drop),
    }
}
