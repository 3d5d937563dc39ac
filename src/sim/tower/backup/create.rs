//! `createBackupService`: every field held against what is there (api-applications §3.5).

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::{
    super::{
        super::{clock::Moment, durations, site::State},
        applications::{Application, BACKUP_PACKAGE},
        fate::ApplicationFate,
        tables::Table,
        tasks::{NewTask, Resource},
        visit::Visit,
    },
    inputs::{Effect, Networks, NewService},
    services::Service,
};

const STEPS: &[&str] = &["HANDLE_SCOS_VM", "DEPLOY_PACKAGE"];

/// Makes a service, its application and the task that installs it. Errors: what does not fit.
pub fn create(visit: &mut Visit<'_>, arguments: &Map<String, Value>) -> Result<Value, String> {
    let argument = |name: &str| arguments.get(name).cloned().unwrap_or_default();
    let new: NewService =
        serde_json::from_value(argument("data")).map_err(|error| format!("data: {error}"))?;
    let effect: Effect =
        serde_json::from_value(argument("effect")).map_err(|error| format!("effect: {error}"))?;
    check_constants(&new)?;
    if visit.state.tower.backup.services.iter().any(|service| service.name == new.name) {
        return Err(format!("backup service {} already exists", new.name));
    }
    let cluster = visit.state.rows(Table::Clusters, visit.now).into_iter();
    let cluster = cluster.into_iter().find(|row| row["id"] == effect.running_cluster.as_str());
    let cluster = cluster.filter(|row| row["connect_state"] == "CONNECTED");
    let cluster = cluster.ok_or("running_cluster is not an attached cluster")?;
    if effect.running_host != "AUTO_SCHEDULE"
        && !visit
            .state
            .rows(Table::Hosts, visit.now)
            .iter()
            .any(|row| row["id"] == effect.running_host.as_str())
    {
        return Err("running_host is neither a host nor AUTO_SCHEDULE".to_owned());
    }
    check_package(visit, &new.application.create.target_package, &cluster["architecture"])?;
    check_networks(visit, &new.networks, &effect.running_cluster)?;
    Ok(json!({"id": begin(visit, new, effect.running_cluster)}))
}

/// The values that every capture has (S).
fn check_constants(new: &NewService) -> Result<(), String> {
    let application = &new.application.create;
    let wrong = [
        ("name", new.name.is_empty()),
        ("entityAsyncStatus", new.async_status != "CREATING"),
        ("status", new.status != "INSTALLING"),
        ("kube_config", !new.kube_config.is_empty()),
        ("storage_network_type", new.networks.storage_network_type != "NEW_NIC"),
        ("backup_network_type", new.networks.backup_network_type != "MANAGEMENT"),
        ("backup_network", !new.networks.backup_is_management()),
        ("application.create.instances", application.instances != json!({"create": []})),
        ("application.create.state", application.state != "INSTALLING"),
        ("application.create.instanceStatuses", application.instance_statuses != json!([])),
        ("application.create.name", application.name != format!("backup-{}", new.name)),
        ("application.create.resourceVersion", application.resource_version != 0),
        ("application.create.vmSpec", application.vm_spec != json!({})),
    ];
    let first = wrong.iter().find(|(_, wrong)| *wrong);
    first.map_or(Ok(()), |(field, _)| Err(format!("data.{field} is not what a new service has")))
}

fn check_package(visit: &Visit<'_>, id: &str, architecture: &Value) -> Result<(), String> {
    let package = visit.state.listed_packages(visit.now).find(|package| package.id == id);
    let package = package.ok_or_else(|| format!("there is no package {id}"))?;
    if package.name != BACKUP_PACKAGE {
        return Err(format!("{} is not the backup package", package.name));
    }
    if *architecture != package.architecture.as_str() {
        return Err(format!("the cluster is not {}", package.architecture));
    }
    Ok(())
}

fn check_networks(visit: &Visit<'_>, networks: &Networks, cluster: &str) -> Result<(), String> {
    let state = &*visit.state;
    let tables = visit.tables();
    for id in [&networks.management_network_vlan, &networks.storage_network_vlan] {
        let row = tables.rows(Table::Vlans).iter().find(|row| row["id"] == id.as_str());
        let row = row.ok_or_else(|| format!("there is no VM network {id}"))?;
        let vds = row["vds"]["id"].as_str().and_then(|id| tables.find(id));
        if vds.is_none_or(|vds| vds["cluster"]["id"] != cluster) {
            return Err(format!("VM network {id} is not one of the cluster"));
        }
        if !row["entityAsyncStatus"].is_null() {
            return Err(format!("VM network {id} is still being made"));
        }
    }
    let (management, storage) = (networks.management(), networks.storage());
    if !management.is_host() || !management.has(networks.management_network_gateway) {
        return Err("management address, mask and gateway do not fit".to_owned());
    }
    let deployed = state.seen_cluster().and_then(|seen| seen.storage);
    if deployed.is_none_or(|deployed| deployed.mask != storage.mask) {
        return Err("storage_network_subnet_mask is not that of the storage network".to_owned());
    }
    let inside = state.twin.hosts.iter().all(|host| storage.has(host.storage_ip));
    if !storage.is_host() || !inside {
        return Err("storage_network_ip is not an address of the storage network".to_owned());
    }
    for ip in [management.ip, storage.ip] {
        if ip == networks.management_network_gateway || state.holds(ip) {
            return Err(format!("address {ip} is taken"));
        }
    }
    Ok(())
}

impl State {
    /// Whether somebody has this address already.
    fn holds(&self, ip: Ipv4Addr) -> bool {
        let plan = &self.twin.plan;
        self.twin.hosts.iter().any(|host| host.mgmt_ip == ip || host.storage_ip == ip)
            || [plan.vip, plan.cloudtower].contains(&Some(ip))
            || [&plan.gateways, &plan.dns, &plan.ntp, &self.quirks.occupied]
                .iter()
                .any(|all| all.contains(&ip))
            || self.tower.backup.services.iter().any(|service| service.addresses().contains(&ip))
    }
}

fn begin(visit: &mut Visit<'_>, new: NewService, cluster: String) -> String {
    let (now, fate) = (visit.now, visit.application_fate());
    let times = &visit.state.durations.tower;
    let (running, task_seconds) = (times.backup_running, times.backup_task);
    let application = new.application.create;
    let [id, application_id] = [(); 2].map(|()| visit.state.new_cuid(now));
    visit.state.tower.applications.deployed.push(Application {
        id: application_id.clone(),
        name: application.name.clone(),
        package: application.target_package,
        until: now.plus(durations::seconds(running)),
        fate,
        inner: true,
        spec: json!({}),
    });
    let service =
        Service::new(visit.state.new_uuid(), id.clone(), new.name.clone(), application_id.clone(), now);
    visit.state.tower.backup.services.push(Service { networks: Some(new.networks), cluster, ..service });
    let description = format!("Install Application {}", application.name);
    let resource = Resource::new("CloudTowerApplication", &application_id, "CREATE");
    let task = NewTask {
        seconds: task_seconds,
        fate: fate.map(ApplicationFate::of_task),
        error: fate.map(|_| "the VM of the service did not come up"),
        steps: STEPS,
        ..NewTask::ordinary(visit, &description, resource)
    };
    visit.start_task(task);
    visit.state.ledger.backup_services.entry(new.name).or_default().add(now);
    id
}

impl State {
    /// Services that are there before anybody makes one.
    pub(in super::super) fn add_old_services(&mut self, now: Moment) {
        for old in self.quirks.tower.backup.services.clone() {
            let [id, application] = [(); 2].map(|()| self.new_cuid(now));
            self.tower.applications.deployed.push(Application {
                id: application.clone(),
                name: format!("backup-{}", old.name),
                package: String::new(),
                until: now,
                fate: old.fate,
                inner: true,
                spec: json!({}),
            });
            let service = Service::new(self.new_uuid(), id, old.name, application, now);
            self.tower.backup.services.push(Service { old_ip: Some(old.ip), ..service });
        }
    }
}
