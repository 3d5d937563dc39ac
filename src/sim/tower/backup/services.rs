//! Backup services as they are shown, and the VM of each (api-applications §§3.5, 3.6).

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        super::{clock::Moment, durations, guest::SeenVm, site::State},
        applications::{Application, SECRET_CANARY},
        tables::Table,
        visit::nested,
    },
    inputs::Networks,
};

#[derive(Debug, Serialize, Deserialize)]
pub struct Service {
    pub id: String,
    pub name: String,
    /// Id of its application, whose state is its own.
    pub application: String,
    pub since: Moment,
    /// Where its VM runs; empty for a service of the past.
    pub cluster: String,
    pub vm_uuid: String,
    /// None for a service of the past.
    pub networks: Option<Networks>,
    pub old_ip: Option<Ipv4Addr>,
    /// Associated clusters, and since when.
    pub clusters: Vec<(String, Moment)>,
}

impl Service {
    pub fn new(vm_uuid: String, id: String, name: String, application: String, since: Moment) -> Self {
        let (cluster, clusters) = (String::new(), Vec::new());
        Self { id, name, application, since, cluster, vm_uuid, networks: None, old_ip: None, clusters }
    }

    /// On the management and the storage network.
    pub fn addresses(&self) -> Vec<Ipv4Addr> {
        let networks = self.networks.iter();
        let own = networks.flat_map(|all| [all.management_network_ip, all.storage_network_ip]);
        own.chain(self.old_ip).collect()
    }

    fn management_ip(&self) -> Option<Ipv4Addr> {
        self.networks.as_ref().map(|networks| networks.management_network_ip).or(self.old_ip)
    }
}

impl State {
    fn application_of(&self, service: &Service) -> Option<&Application> {
        self.applications().find(|application| application.id == service.application)
    }

    pub(super) fn service_status(&self, now: Moment, service: &Service) -> &'static str {
        self.application_of(service).map_or("ERROR", |application| application.state(now))
    }

    /// When the VM of a service is there.
    fn vm_since(&self, service: &Service) -> Moment {
        service.since.plus(durations::seconds(self.durations.tower.backup_vm))
    }

    fn vm_runs(&self, now: Moment, service: &Service) -> bool {
        let failed = self.service_status(now, service) == "INSTALL_FAILED";
        service.networks.is_some() && self.vm_since(service) <= now && !failed
    }

    /// Whether a service answers at this address by now.
    pub fn backup_answers(&self, now: Moment, address: Ipv4Addr) -> bool {
        let mut services = self.tower.backup.services.iter();
        services.any(|service| {
            let runs = self.vm_runs(now, service) || service.old_ip.is_some();
            runs && service.management_ip() == Some(address)
        })
    }

    /// The VMs of the services on a cluster, and since when each is there.
    pub(in super::super) fn backup_vms(&self, now: Moment, cluster: &str) -> Vec<(Moment, SeenVm)> {
        let here = self.tower.backup.services.iter().filter(|one| one.cluster == cluster);
        let running = here.filter(|service| self.vm_runs(now, service));
        let vm = |service: &Service| {
            let ips = service.addresses().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let vm = SeenVm {
                uuid: service.vm_uuid.clone(),
                name: format!("backup-{}", service.name),
                vcpu: 4,
                memory: 16 << 30,
                running: true,
                ips,
            };
            (self.vm_since(service), vm)
        };
        running.map(vm).collect()
    }

    pub(in super::super) fn backup_service_rows(&self, now: Moment) -> Vec<Value> {
        self.tower.backup.services.iter().map(|service| self.service_row(now, service)).collect()
    }

    fn service_row(&self, now: Moment, service: &Service) -> Value {
        let application = self.application_of(service).map(|one| nested(&one.id, &one.name));
        let status = self.service_status(now, service);
        let runs = self.vm_runs(now, service);
        let vm =
            runs.then(|| self.learned_id(self.vm_since(service), "vm", &service.cluster, &service.vm_uuid));
        // A cluster that is not attached any more may still be associated.
        let clusters = service.clusters.iter().map(|(id, _)| match self.nested_cluster(id) {
            Value::Null => nested(id, "SIM_gone"),
            known => known,
        });
        let networks = service.clusters.iter().map(|(id, since)| {
            let connected = self.storage_is_reached(now, service, *since);
            json!({"cluster": id, "status": if connected { "CONNECTED" } else { "DISCONNECTED" }})
        });
        let mut row = json!({
            "id": service.id, "name": service.name, "status": status, "application": application,
            "entityAsyncStatus": (status == "INSTALLING").then_some("CREATING"), "description": null,
            "kube_config": SECRET_CANARY, "backup_clusters": clusters.collect::<Vec<_>>(),
            "running_vm": vm.map(|id| nested(&id, &format!("backup-{}", service.name))),
            "network_status": networks.collect::<Vec<_>>(), "backup_plans": [],
            "backup_store_repositories": [], "management_network_ip": service.management_ip(),
        });
        if let Some(Value::Object(fields)) = service.networks.as_ref().map(|networks| json!(networks)) {
            fields.into_iter().for_each(|(name, value)| row[name] = value);
        }
        row
    }

    /// The NIC must lie in the same network as the storage of the cluster: on its switch, with its tag.
    fn storage_is_reached(&self, now: Moment, service: &Service, since: Moment) -> bool {
        let due = since.plus(durations::seconds(self.durations.tower.backup_network)) <= now;
        let Some(networks) =
            service.networks.as_ref().filter(|_| due && !self.quirks.tower.backup.network_never)
        else {
            return false;
        };
        let Some(storage) = self.seen_cluster().and_then(|seen| seen.storage) else { return false };
        let vlans = self.rows(Table::Vlans, now);
        let vlan = vlans.iter().find(|row| row["id"] == networks.storage_network_vlan.as_str());
        vlan.is_some_and(|vlan| vlan["vds"]["name"] == storage.vds && vlan["vlan_id"] == storage.vlan_id)
    }

    /// What a run leaves, without times and drawn identifiers.
    pub(in super::super) fn backup_end(&self, now: Moment) -> Value {
        let vlans = self.rows(Table::Vlans, now);
        let named = |id: &Value| {
            let vlan = vlans.iter().find(|vlan| vlan["id"] == *id);
            let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let path = |vlan: &Value| format!("{}/{}", words(&vlan["vds"]["name"]), words(&vlan["name"]));
            json!(vlan.map(path))
        };
        let made = vlans.iter().filter(|vlan| {
            vlan["name"].as_str().is_some_and(|name| self.ledger.tower_networks.contains_key(name))
        });
        let networks = made.map(
            |vlan| json!({"vds": vlan["vds"]["name"], "name": vlan["name"], "vlan_id": vlan["vlan_id"]}),
        );
        let service = |service: &Service| {
            let mut fields = json!(service.networks);
            for name in ["management_network_vlan", "storage_network_vlan", "backup_network_vlan"] {
                if fields[name].is_string() {
                    fields[name] = named(&fields[name]);
                }
            }
            let clusters = self
                .tower
                .clusters
                .iter()
                .filter(|cluster| service.clusters.iter().any(|(id, _)| *id == cluster.id));
            json!({
                "name": service.name, "status": self.service_status(now, service), "networks": fields,
                "clusters": clusters.map(|cluster| self.cluster_name(cluster)).collect::<Vec<_>>(),
            })
        };
        json!({
            "packages": self.packages_end(true), "networks": networks.collect::<Vec<_>>(),
            "services": self.tower.backup.services.iter().map(service).collect::<Vec<_>>(),
        })
    }
}
