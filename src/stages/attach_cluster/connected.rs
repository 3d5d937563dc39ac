//! `attach-cluster.connected`: CONNECTED alone is not enough, hosts and settings come later (api-cloudtower §4).

use crate::{
    clients::tower::{Cluster, ConnectState, Find},
    engine::{Facts, WaitProbe, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        attach_cluster::cluster::failed,
        facts::{CLUSTER, CLUSTER_SETTINGS, SERIAL, reason},
        world::WorldRead,
    },
    text::Text,
};

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<WaitProbe> {
    let id = handle.need(&CLUSTER)?;
    let found = match world.tower(handle).clusters(Find::Id(&id)).await {
        Ok(found) => found,
        Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
            return Ok(WaitProbe::NotYet(reason(&failure)));
        }
        Err(failure) => return Err(failure),
    };
    let Some(cluster) = found.into_iter().next() else {
        return Ok(WaitProbe::NotYet(message("stages.attach.not_listed", &[])));
    };
    if is_final(&cluster) {
        return Err(failed(handle, &cluster));
    }
    if cluster.connect_state != ConnectState::Connected {
        return Ok(WaitProbe::NotYet(state_of(&cluster)));
    }
    let (hosts, planned) = (cluster.host_num.unwrap_or(0), world.plan.hosts.len());
    if usize::try_from(hosts) != Ok(planned) {
        return Ok(WaitProbe::NotYet(message(
            "stages.attach.hosts",
            &[("found", &hosts), ("planned", &planned)],
        )));
    }
    let (Some(settings), Some(serial)) = (&cluster.settings, &cluster.local_id) else {
        return Ok(WaitProbe::NotYet(message("stages.attach.no_settings", &[])));
    };
    if let Some(known) = handle.fact(&SERIAL)
        && !known.eq_ignore_ascii_case(serial)
    {
        let args: [(&str, &dyn crate::text::Say); 2] = [("found", serial), ("known", &known)];
        return Err(Failure::new(Kind::Site, handle.manifest().title.clone())
            .at(&cluster.ip)
            .meaning(message("stages.attach.other_serial", &args)));
    }
    Ok(WaitProbe::Ready(Facts::none().with(&CLUSTER_SETTINGS, &settings.id)))
}

/// What waiting does not cure: a password or address that is wrong, and a connection that never came about. One
/// that is cut later comes back by itself (site-behaviour §7.3).
pub fn is_final(cluster: &Cluster) -> bool {
    let Some(reason) = &cluster.disconnected_reason else { return false };
    let wrong = matches!(reason.as_str(), "LOAD_CLUSTER_UNAUTHORIZED" | "LOAD_CLUSTER_NOT_FOUND");
    let never = cluster.settings.is_none() && cluster.hosts.is_empty();
    cluster.connect_state == ConnectState::Disconnected && (wrong || never)
}

/// `CONNECTED`, or `DISCONNECTED (LOAD_CLUSTER_UNHEALTHY)`.
pub fn state_of(cluster: &Cluster) -> Text {
    match &cluster.disconnected_reason {
        Some(reason) => Text::same(format!("{} ({reason})", cluster.connect_state)),
        None => Text::same(cluster.connect_state.to_string()),
    }
}
