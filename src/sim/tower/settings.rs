//! Settings of an attached cluster: default storage policy and HA (api-cloudtower §5).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    super::{clock::Moment, site::State},
    clusters::Attached,
    denied::Outcome,
    tables::Table,
    tasks::{Change, NewTask, Resource},
    visit::{Visit, with_task},
};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    pub policy: Option<String>,
    replica_num: Option<i64>,
    thin: Option<bool>,
    pub ha: Option<bool>,
}

impl State {
    /// The id appears late (site-behaviour §7.3).
    pub(super) fn settings_id(&self, now: Moment, cluster: &Attached) -> Option<String> {
        let seconds = self.durations.tower.settings;
        let at = cluster.learned_at(seconds);
        cluster.shows(now, seconds).then(|| self.learned_id(at, "settings", &cluster.id, ""))
    }

    pub(super) fn settings_rows(&self, now: Moment) -> Vec<Value> {
        let row = |cluster: &Attached| {
            Some(json!({
                "id": self.settings_id(now, cluster)?, "cluster": self.nested_cluster(&cluster.id),
                "default_ha": cluster.settings.ha, "default_storage_policy": cluster.settings.policy,
                "enabled_iscsi": null, "vm_recycle_bin": null,
            }))
        };
        self.tower.clusters.iter().filter_map(row).collect()
    }
}

/// `updateClusterSettings`: the five fields must agree with each other (graphql-operations §3.2).
pub fn update(visit: &mut Visit<'_>, arguments: &Map<String, Value>) -> Result<Value, String> {
    let none = Value::Null;
    let argument = |name: &str| arguments.get(name).unwrap_or(&none);
    let (wanted, data) = (argument("where")["id"].as_str().unwrap_or_default(), argument("data"));
    let found = visit
        .state
        .tower
        .clusters
        .iter()
        .position(|cluster| visit.state.settings_id(visit.now, cluster).as_deref() == Some(wanted));
    let index = found.ok_or_else(|| format!("no settings with the id {wanted}"))?;
    let policy = data["default_storage_policy"].as_str().ok_or("default_storage_policy is missing")?;
    let replica_num = data["default_storage_policy_replica_num"].as_i64();
    let thin = data["default_storage_policy_thin_provision"].as_bool();
    let expected = parts(policy).ok_or_else(|| format!("{policy} cannot be the default policy here"))?;
    if (replica_num, thin) != (Some(expected.0), Some(expected.1)) {
        return Err(format!("replica number and thin provisioning do not fit {policy}"));
    }
    if !data["default_storage_policy_ec_k"].is_null() || !data["default_storage_policy_ec_m"].is_null() {
        return Err("ec_k and ec_m belong to erasure coding".to_owned());
    }
    let settings = &mut visit.state.tower.clusters[index].settings;
    *settings = Settings { policy: Some(policy.to_owned()), replica_num, thin, ha: settings.ha };
    let shown = json!({
        "id": wanted, "default_storage_policy": policy, "default_storage_policy_replica_num": replica_num,
        "default_storage_policy_thin_provision": thin, "default_storage_policy_ec_k": null,
        "default_storage_policy_ec_m": null, "default_ha": settings.ha,
        "default_ha_priority": "LEVEL_2_MEDIUM", "enabled_iscsi": null, "default_storage_encryption": null,
    });
    visit.state.ledger.settings_writes.add(visit.now);
    Ok(shown)
}

/// Replica number and thin provisioning of a replica policy.
fn parts(policy: &str) -> Option<(i64, bool)> {
    let rest = policy.strip_prefix("REPLICA_")?;
    let (number, kind) = rest.split_once('_')?;
    Some((number.parse().ok()?, kind == "THIN_PROVISION"))
}

#[derive(Deserialize)]
struct HaUpdate {
    #[serde(rename = "where")]
    filter: Value,
    ha: bool,
}

/// `POST update-cluster-ha-setting`.
pub fn set_ha(visit: &mut Visit<'_>) -> Outcome {
    let update: HaUpdate = visit.read()?;
    let ids = visit.selected(Table::Clusters, &update.filter)?;
    let mut answers = Vec::new();
    for id in ids {
        let mut rows = visit.state.settings_rows(visit.now).into_iter();
        let row = rows.find(|row| row["cluster"]["id"] == id.as_str());
        let task = visit.start_task(NewTask {
            change: Change::SetHa(id.clone(), update.ha),
            ..NewTask::ordinary(visit, "Set HA", Resource::new("Cluster", &id, "UPDATE"))
        });
        visit.state.ledger.settings_writes.add(visit.now);
        answers.push(with_task(Some(&task), &row.unwrap_or_default()));
    }
    Ok(Value::Array(answers))
}
