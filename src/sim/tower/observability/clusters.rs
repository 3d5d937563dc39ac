//! Clusters associated with an instance, their traffic, and the time servers (api-applications §2.9).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        super::{clock::Moment, durations, site::State},
        tables::Table,
        visit::{Visit, nested},
    },
    ObservabilityFate,
    instances::Instance,
};

/// One association.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Connected {
    id: String,
    cluster: String,
    /// Of a cluster that is no longer, or was never, one of this CloudTower's rows.
    name: Option<String>,
    since: Moment,
    /// The identifier of another kind that comes with the end of the association.
    other_id: String,
    pub traffic: bool,
    fate: Option<ObservabilityFate>,
    old: bool,
}

impl State {
    pub(super) fn old_connection(&mut self, now: Moment, name: String) -> Connected {
        Connected {
            id: self.new_cuid(now),
            cluster: self.new_cuid(now),
            name: Some(name),
            since: now,
            other_id: self.new_ksuid(),
            traffic: false,
            fate: None,
            old: true,
        }
    }

    fn is_associated(&self, now: Moment, connected: &Connected) -> bool {
        let time = if connected.old { 0.0 } else { self.durations.tower.observability_association };
        connected.fate.is_none() && connected.since.plus(durations::seconds(time)) <= now
    }

    pub(super) fn connected_name(&self, connected: &Connected) -> String {
        let known = self.tower.clusters.iter().find(|cluster| cluster.id == connected.cluster);
        let known = known.map(|cluster| self.cluster_name(cluster));
        known.or_else(|| connected.name.clone()).unwrap_or_default()
    }

    pub(super) fn connected_rows(&self, now: Moment, instance: &Instance) -> Vec<Value> {
        let row = |connected: &Connected| {
            let done = self.is_associated(now, connected);
            let failed = connected.fate == Some(ObservabilityFate::AssociationFailed);
            let other = json!({
                "id": connected.other_id, "traffic_enabled": connected.traffic, "status": "SIM_CONNECTED",
            });
            let name = self.connected_name(connected);
            json!({
                "id": connected.id, "name": name,
                "status": match (done, failed) {
                    (true, _) => "SIM_CONNECTED",
                    (false, true) => "SIM_CONNECT_FAILED",
                    (false, false) => "SIM_CONNECTING",
                },
                "cluster": nested(&connected.cluster, &name),
                "observability_connected_cluster": done.then_some(other),
            })
        };
        instance.clusters.iter().map(row).collect()
    }

    /// Names of the associated clusters, and of those whose traffic is shown.
    pub(super) fn connected_end(&self, now: Moment, instance: &Instance) -> (Vec<String>, Vec<String>) {
        let done = |connected: &&Connected| self.is_associated(now, connected);
        let names = |traffic: bool| {
            let all = instance.clusters.iter().filter(done).filter(|one| !traffic || one.traffic);
            let mut names: Vec<String> = all.map(|one| self.connected_name(one)).collect();
            names.sort();
            names
        };
        (names(false), names(true))
    }
}

/// `updateBundleApplicationInstanceConnectClusters`: the list replaces the one before. Errors: the message of `errors`.
pub fn connect(visit: &mut Visit<'_>, filter: &Value, data: &Value) -> Result<Value, String> {
    let index = visit.running_instance(&filter["id"])?;
    let wanted = data["connected_clusters"]["id_in"].as_array().cloned().unwrap_or_default();
    let wanted: Vec<String> = wanted.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    let rows = visit.state.rows(Table::Clusters, visit.now);
    let fate = visit.observability_fate();
    let before = visit.state.tower.observability.instances[index].clusters.clone();
    let mut after: Vec<Connected> = Vec::new();
    for cluster in wanted {
        if after.iter().any(|connected| connected.cluster == cluster) {
            return Err(visit.against_contract(format!("cluster {cluster} is named twice")));
        }
        let known = before.iter().find(|connected| connected.cluster == cluster);
        // One that had failed is tried anew.
        if let Some(known) = known.filter(|known| known.fate.is_none()) {
            after.push(known.clone());
            continue;
        }
        let attached = rows.iter().any(|row| row["id"] == *cluster && row["connect_state"] == "CONNECTED");
        if !attached {
            return Err(format!("cluster {cluster} is not found or not connected"));
        }
        after.push(Connected {
            id: visit.state.new_cuid(visit.now),
            cluster,
            name: None,
            since: visit.now,
            other_id: visit.state.new_ksuid(),
            traffic: false,
            fate,
            old: false,
        });
    }
    visit.state.tower.observability.instances[index].clusters = after;
    visit.state.ledger.observability_clusters.add(visit.now);
    let instance = &visit.state.tower.observability.instances[index];
    Ok(visit.state.instance_row(visit.now, instance))
}

/// `updateObservabilityConnectedClusterTrafficEnabled`. Errors: the message of `errors`.
pub fn set_traffic(visit: &mut Visit<'_>, filter: &Value, data: &Value) -> Result<Value, String> {
    let id = filter["id"].as_str().unwrap_or_default().to_owned();
    let all = visit.state.tower.observability.instances.iter().flat_map(|instance| &instance.clusters);
    let all: Vec<&Connected> = all.collect();
    if all.iter().any(|connected| [&connected.id, &connected.cluster].contains(&&id)) {
        return Err(visit.against_contract(format!("{id} is an identifier of another kind")));
    }
    let known = all.iter().any(|one| one.other_id == id && visit.state.is_associated(visit.now, one));
    if !known {
        return Err(format!("no connected cluster with the id {id}"));
    }
    let instances = &mut visit.state.tower.observability.instances;
    let connected = instances.iter_mut().flat_map(|instance| &mut instance.clusters);
    let traffic = data["traffic_enabled"] == true;
    connected.filter(|one| one.other_id == id).for_each(|one| one.traffic = traffic);
    visit.state.ledger.traffic_writes.add(visit.now);
    Ok(json!({"id": id, "traffic_enabled": traffic, "status": "SIM_CONNECTED"}))
}

/// `updateObservabilityNtpUrl`: sent with commas, answered with semicolons (S). Errors: the message of `errors`.
pub fn set_ntp(visit: &mut Visit<'_>, filter: &Value, data: &Value) -> Result<Value, String> {
    let index = visit.running_instance(&filter["id"])?;
    let servers: Vec<&str> = data["ntp_service_url"].as_str().unwrap_or_default().split(',').collect();
    if servers.iter().any(|server| server.is_empty() || server.contains([' ', '\t', '\n', ';'])) {
        return Err(visit.against_contract("ntp_service_url: servers separated by commas"));
    }
    let joined = servers.join(";");
    visit.state.tower.observability.instances[index].ntp.clone_from(&joined);
    visit.state.ledger.observability_ntp_writes.add(visit.now);
    Ok(json!({"ntp_service_url": joined}))
}
