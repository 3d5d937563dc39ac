//! Attached clusters: connecting, and the row that fills up bit by bit (site-behaviour §7.3, §7.4).

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{clock::Moment, durations, fault::Action, site::State},
    denied::{Denied, Outcome},
    fate::{ConnectFate, TaskFate},
    knobs::{EarlyLocalId, RefusedConnect, Second},
    settings::Settings,
    tables::Table,
    tasks::{Change, NewTask, Resource},
    visit::{Visit, nested, nested_rows, with_task},
};

/// A cluster that was told to be attached.
#[derive(Debug, Serialize, Deserialize)]
pub struct Attached {
    pub id: String,
    pub ip: Ipv4Addr,
    pub datacenter_id: Option<String>,
    pub since: Moment,
    /// What keeps it from becoming CONNECTED.
    pub fate: Option<ConnectFate>,
    pub settings: Settings,
    /// Until when CloudTower cannot reach it; it comes back by itself.
    pub cut_off: Option<Moment>,
}

impl Attached {
    /// Whether what takes so many seconds to be learned is there by now.
    pub fn shows(&self, now: Moment, seconds: f64) -> bool {
        self.fate.is_none() && self.since.plus(durations::seconds(seconds)) <= now
    }

    /// The moment at which something was learned, for its identifier.
    pub fn learned_at(&self, seconds: f64) -> Moment {
        self.since.plus(durations::seconds(seconds))
    }
}

#[derive(Deserialize)]
struct NewCluster {
    ip: Ipv4Addr,
    username: String,
    password: String,
    datacenter_id: Option<String>,
}

/// `POST connect-cluster`.
pub fn connect(visit: &mut Visit<'_>) -> Outcome {
    visit.each(|visit, new: NewCluster| {
        if let Some(id) = &new.datacenter_id {
            visit.row(Table::Datacenters, id)?;
        }
        let attached = visit.state.tower.clusters.iter().any(|cluster| cluster.ip == new.ip);
        if attached && visit.state.variants.tower.second_connect == Second::Refused {
            return Err(Denied::bad(format!("cluster {} is already connected", new.ip)));
        }
        let told = visit.course.actions.iter().find_map(|action| match action {
            Action::Connect(fate) => Some(*fate),
            _ => None,
        });
        let problem = visit.state.connect_problem(visit.now, &new);
        let (fate, row_stays) = match (told, problem, visit.state.variants.tower.refused_connect) {
            (Some(fate), ..) => (Some(fate), true),
            (None, Some(fate), RefusedConnect::BadRequest) => {
                return Err(Denied::bad(fate.reason().unwrap_or_default()));
            }
            (None, fate, variant) => (fate, !matches!(variant, RefusedConnect::TaskFailed)),
        };
        Ok(attach(visit, new, fate, row_stays))
    })
}

/// The row at once, the rest as time passes.
fn attach(visit: &mut Visit<'_>, new: NewCluster, fate: Option<ConnectFate>, row_stays: bool) -> Value {
    let id = visit.state.new_cuid(visit.now);
    let NewCluster { ip, datacenter_id, .. } = new;
    visit.state.ledger.connections.entry(ip).or_default().add(visit.now);
    let settings = Settings::default();
    let since = visit.now;
    visit.state.tower.clusters.push(Attached {
        id: id.clone(),
        ip,
        datacenter_id,
        since,
        fate,
        settings,
        cut_off: None,
    });
    let task = NewTask {
        description: format!("Connect cluster {ip}"),
        resource: Resource::new("Cluster", &id, "CREATE"),
        seconds: visit.state.durations.tower.connect_task,
        fate: match fate {
            None => None,
            Some(ConnectFate::Never) => Some(TaskFate::Stuck),
            Some(_) => Some(TaskFate::Failed),
        },
        error: fate.and_then(ConnectFate::reason),
        change: Change::Nothing,
        undo: (!row_stays).then(|| id.clone()),
        steps: &[],
        delay: 0.0,
        stays_at_zero: false,
    };
    let task_id = visit.start_task(task);
    let row = visit.row(Table::Clusters, &id).unwrap_or_default();
    with_task(Some(&task_id), &row)
}

impl State {
    fn connect_problem(&self, now: Moment, new: &NewCluster) -> Option<ConnectFate> {
        if self.cluster.live_vip(now) != Some(new.ip) {
            Some(ConnectFate::NetworkError)
        } else if new.username != "root" || !self.cluster.is_root_password(&new.password) {
            Some(ConnectFate::Unauthorized)
        } else if self.seen_cluster().is_none() {
            Some(ConnectFate::Unhealthy)
        } else {
            None
        }
    }

    /// Before anything is known of it, a cluster is called by its address.
    pub(super) fn cluster_name(&self, cluster: &Attached) -> String {
        let known = self.seen_identity().filter(|_| cluster.fate.is_none());
        known.map_or_else(|| cluster.ip.to_string(), |(_, name)| name.to_owned())
    }

    /// The relation to a cluster.
    pub(super) fn nested_cluster(&self, id: &str) -> Value {
        let cluster = self.tower.clusters.iter().find(|cluster| cluster.id == id);
        cluster.map_or(Value::Null, |cluster| nested(&cluster.id, &self.cluster_name(cluster)))
    }

    pub(super) fn cluster_rows(&self, now: Moment) -> Vec<Value> {
        self.tower.clusters.iter().map(|cluster| self.cluster_row(now, cluster)).collect()
    }

    fn cluster_row(&self, now: Moment, cluster: &Attached) -> Value {
        let times = &self.durations.tower;
        let connected = cluster.shows(now, times.connected);
        let failed = cluster.fate.and_then(ConnectFate::reason);
        let failed = failed.filter(|_| cluster.learned_at(times.hosts) <= now);
        let cut_off = connected && cluster.cut_off.is_some_and(|until| now < until);
        let failed = if cut_off { ConnectFate::NetworkError.reason() } else { failed };
        let state = match failed {
            Some(_) => "DISCONNECTED",
            None if connected => "CONNECTED",
            None => "INITIALIZING",
        };
        let datacenters = self.tower.datacenters.iter();
        let datacenters: Vec<Value> = datacenters
            .filter(|one| cluster.datacenter_id.as_deref() == Some(&one.id))
            .map(|one| nested(&one.id, &one.name))
            .collect();
        let mut row = json!({
            "id": cluster.id, "name": self.cluster_name(cluster), "ip": cluster.ip, "type": "SMTX_OS",
            "version": self.twin.plan.version, "hypervisor": "ELF", "connect_state": state,
            "disconnected_reason": failed, "disconnected_date": failed.map(|_| cluster.since.iso()),
            "architecture": if self.twin.plan.arch == "aarch64" { "AARCH64" } else { "X86_64" },
            "entityAsyncStatus": self.async_status(now, &cluster.id), "datacenters": datacenters,
            "hosts": nested_rows(self.hosts_of(now, cluster), "management_ip"),
            "vdses": nested_rows(self.vdses_of(now, cluster), ""),
            "vms": nested_rows(self.vms_of(now, cluster), ""),
            "settings": self.settings_id(now, cluster).map(|id| json!({"id": id})),
            "local_id": null, "license_serial": null, "host_num": self.hosts_of(now, cluster).len(),
            "vm_num": self.vms_of(now, cluster).len(), "dns": [], "ntp_mode": null, "ntp_servers": [],
            "recommended_cpu_models": [], "total_cpu_models": [], "current_cpu_model": null,
            "management_vip": cluster.ip, "iscsi_vip": null, "labels": [], "stretch": false,
            "sim_added_in_4_7": {"kept": false}, "sim_quota_4_7": null,
        });
        if self.variants.tower.early_local_id == EarlyLocalId::Set || cluster.shows(now, times.hosts) {
            self.add_licence(cluster, &mut row);
        }
        if connected {
            self.add_services(&mut row);
        }
        row
    }

    fn add_licence(&self, cluster: &Attached, row: &mut Value) {
        let Some(seen) = self.seen_cluster().filter(|_| cluster.fate.is_none()) else { return };
        const PERIOD: i64 = 2_592_000;
        let iso = |seconds: i64| Moment::at_epoch_seconds(seconds).iso();
        row["local_id"] = json!(seen.licence.serial);
        row["license_serial"] = json!(seen.licence.serial);
        row["license_type"] = json!("TRIAL");
        row["software_edition"] = json!("ENTERPRISE");
        row["max_chunk_num"] = json!(255);
        row["license_sign_date"] = json!(iso(seen.licence.sign_date));
        row["license_expire_date"] = json!(iso(seen.licence.sign_date + PERIOD));
    }

    /// What only a connected cluster tells of its services.
    fn add_services(&self, row: &mut Value) {
        let Some(seen) = self.seen_cluster() else { return };
        row["dns"] = json!(seen.dns);
        row["ntp_mode"] = json!(seen.ntp.0.to_uppercase());
        row["ntp_servers"] = json!(seen.ntp.1);
        row["recommended_cpu_models"] = json!(seen.cpu_models);
        row["total_cpu_models"] = json!(seen.cpu_models);
        row["current_cpu_model"] = json!(seen.cpu_model);
        row["vhost_enabled"] = json!(seen.vhost_enabled);
        row["rdma_enabled"] = json!(seen.rdma_enabled);
        row["mgt_netmask"] = json!(seen.mgt.map(|(mask, _)| mask));
        row["mgt_gateway"] = json!(seen.mgt.and_then(|(_, gateway)| gateway));
    }
}

#[derive(Deserialize)]
struct ClusterUpdate {
    #[serde(rename = "where")]
    filter: Value,
    data: ClusterData,
}

#[derive(Deserialize)]
struct ClusterData {
    datacenter_id: Option<String>,
}

/// `POST update-cluster`: of its data only the datacenter has an effect here.
pub fn update(visit: &mut Visit<'_>) -> Outcome {
    let update: ClusterUpdate = visit.read()?;
    let ids = visit.selected(Table::Clusters, &update.filter)?;
    let Some(datacenter) = update.data.datacenter_id else {
        return Err(Denied::bad("only the datacenter can be changed here"));
    };
    visit.row(Table::Datacenters, &datacenter)?;
    let mut answers = Vec::new();
    for id in ids {
        let task = visit.start_task(NewTask {
            change: Change::MoveCluster(id.clone(), datacenter.clone()),
            ..NewTask::ordinary(visit, "Move cluster", Resource::new("Cluster", &id, "UPDATE"))
        });
        answers.push(with_task(Some(&task), &visit.row(Table::Clusters, &id)?));
    }
    Ok(Value::Array(answers))
}
