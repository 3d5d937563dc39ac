//! The backup service (api-applications §§3.5-3.7). What it may hold of secrets (`kube_config`, the environment of its
//! VM) is never asked for where one can choose, and never kept.

use std::{fmt, net::Ipv4Addr};

use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::{Named, Tower, TowerReader, graphql, rest};
use crate::{
    clients::{http::Answer, lenient},
    failure::Result,
    messages::message,
};

/// A backup service as the REST interface shows it: with its networks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BackupService {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default)]
    pub status: ServiceStatus,
    #[serde(default, deserialize_with = "lenient::list")]
    pub backup_clusters: Vec<Named>,
    /// Of each associated cluster: whether the service reaches its storage network.
    #[serde(default, deserialize_with = "lenient::list")]
    pub network_status: Vec<NetworkStatus>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub management_network_ip: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub management_network_subnet_mask: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub management_network_gateway: String,
    /// Ids of VM networks, here and below.
    #[serde(default, deserialize_with = "lenient::text")]
    pub management_network_vlan: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub storage_network_type: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub storage_network_ip: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub storage_network_subnet_mask: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub storage_network_vlan: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub backup_network_type: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub backup_network_ip: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub backup_network_subnet_mask: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub backup_network_gateway: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub backup_network_vlan: String,
}

/// How the service reaches the storage network of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NetworkStatus {
    /// The cluster's id.
    #[serde(deserialize_with = "lenient::text")]
    pub cluster: String,
    /// `CONNECTED` and the like.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
}

/// The service as the web front end asks for it: with its VM and its package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RunningService {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default)]
    pub status: ServiceStatus,
    #[serde(default, deserialize_with = "lenient::list")]
    pub backup_clusters: Vec<Named>,
    #[serde(default)]
    pub application: Option<ServiceApplication>,
}

/// The application behind the service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ServiceApplication {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default)]
    pub package: Option<ServicePackage>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ServicePackage {
    #[serde(default, deserialize_with = "lenient::text")]
    pub version: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub architecture: String,
}

/// The state of a service (api-applications §3.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ServiceStatus {
    Running,
    /// Over, and waiting does not cure it: `INSTALL_FAILED`, `ERROR` and their like.
    Bad(String),
    /// Any other: it goes on.
    Other(String),
    #[default]
    Untold,
}

impl<'de> Deserialize<'de> for ServiceStatus {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = lenient::text(from)?;
        Ok(match word.as_str() {
            "" => Self::Untold,
            "RUNNING" => Self::Running,
            "INSTALL_FAILED" | "ERROR" | "UPGRADE_FAILED" | "TERMINATE_FAILED" => Self::Bad(word),
            _ => Self::Other(word),
        })
    }
}

/// The word of the API.
impl fmt::Display for ServiceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "RUNNING",
            Self::Bad(word) | Self::Other(word) => word,
            Self::Untold => "-",
        })
    }
}

/// One leg of the service in a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    pub ip: Ipv4Addr,
    pub mask: Ipv4Addr,
    pub gateway: Ipv4Addr,
    /// The id of a VM network, not its VLAN tag.
    pub network: String,
}

/// A service to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBackupService<'a> {
    pub name: &'a str,
    /// Id of the package.
    pub package: &'a str,
    /// Id of the cluster that runs it.
    pub cluster: &'a str,
    /// What is backed up travels by this one too.
    pub management: Leg,
    /// Without a gateway: its own is not sent.
    pub storage: StorageLeg,
}

/// The leg in the cluster's storage network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageLeg {
    pub ip: Ipv4Addr,
    pub mask: Ipv4Addr,
    pub network: String,
}

/// The name of the application behind the service `name`, which the description of its task ends with (§7 D8).
pub fn application_name(name: &str) -> String {
    format!("backup-{name}")
}

impl TowerReader {
    /// The services with that name or that management address.
    pub async fn backup_services(&self, name: &str, address: Ipv4Addr) -> Result<Vec<BackupService>> {
        let doing = message("clients.tower.backup_services", &[]);
        let body = json!({"where": {"OR": [{"name": name}, {"management_network_ip": address}]}});
        self.list(rest::read("tower.get-backup-services", doing, &body)).await
    }

    /// One service, by its id.
    pub async fn backup_service(&self, id: &str) -> Result<Option<RunningService>> {
        let doing = message("clients.tower.backup_services", &[]);
        let variables = json!({"where": {"id": id}});
        let read = |answer: &Answer| graphql::root(answer, "backupServices");
        let call = graphql::query("tower.getBackupServices", doing, &variables);
        let listed: Vec<RunningService> = self.web(call, read).await?;
        Ok(listed.into_iter().find(|service| service.id == id))
    }
}

impl Tower {
    /// Makes the service; its id. A second call makes a second one.
    pub async fn create_backup_service(&self, new: &NewBackupService<'_>) -> Result<String> {
        let NewBackupService { name, package, cluster, management, storage } = new;
        let data = json!({
            "name": name,
            "entityAsyncStatus": "CREATING",
            "status": "INSTALLING",
            "application": {"create": {
                "instances": {"create": []},
                "state": "INSTALLING",
                "instanceStatuses": [],
                "name": application_name(name),
                "resourceVersion": 0,
                "vmSpec": {},
                "targetPackage": package,
            }},
            "kube_config": "",
            "storage_network_type": "NEW_NIC",
            "backup_network_type": "MANAGEMENT",
            "management_network_gateway": management.gateway,
            "management_network_ip": management.ip,
            "management_network_subnet_mask": management.mask,
            "management_network_vlan": management.network,
            "storage_network_ip": storage.ip,
            "storage_network_subnet_mask": storage.mask,
            "storage_network_vlan": storage.network,
            "backup_network_gateway": management.gateway,
            "backup_network_ip": management.ip,
            "backup_network_subnet_mask": management.mask,
            "backup_network_vlan": management.network,
        });
        let effect = json!({"running_cluster": cluster, "running_host": "AUTO_SCHEDULE"});
        let doing = message("clients.tower.create_backup", &[("name", name)]);
        let call =
            graphql::mutation("tower.createBackupService", doing, &json!({"data": data, "effect": effect}));
        #[derive(Deserialize)]
        struct Made {
            #[serde(deserialize_with = "lenient::text")]
            id: String,
        }
        let read = |answer: &Answer| graphql::root::<Made>(answer, "createBackupService");
        Ok(self.web_mutation(call, read).await?.id)
    }

    /// Gives the service these clusters in place of those it has.
    pub async fn set_backup_clusters(&self, service: &str, clusters: &[String]) -> Result<()> {
        let set: Vec<_> = clusters.iter().map(|id| json!({"id": id})).collect();
        let variables = json!({"where": {"id": service}, "data": {"backup_clusters": {"set": set}}});
        let doing = message("clients.tower.set_backup_clusters", &[]);
        let read =
            |answer: &Answer| graphql::root::<serde_json::Value>(answer, "updateBackupService").map(drop);
        self.web_mutation(graphql::mutation("tower.updateBackupService", doing, &variables), read).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waiting_does_not_cure_is_told_from_what_goes_on() {
        let status = |word: &str| serde_json::from_value::<ServiceStatus>(word.into()).unwrap();
        for word in ["INSTALL_FAILED", "ERROR", "UPGRADE_FAILED", "TERMINATE_FAILED"] {
            assert_eq!(status(word), ServiceStatus::Bad(word.to_owned()));
        }
        for word in ["INITIALIZING", "INSTALLING", "SOMETHING"] {
            assert_eq!(status(word), ServiceStatus::Other(word.to_owned()));
        }
        assert_eq!(status("RUNNING").to_string(), "RUNNING");
    }

    #[test]
    fn nothing_secret_of_a_service_is_kept() {
        let service: BackupService =
            serde_json::from_value(json!({"id": "s", "kube_config": "SECRET", "name": "bak"})).unwrap();
        assert!(!format!("{service:?}").contains("SECRET"));
    }
}
