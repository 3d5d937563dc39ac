//! What CloudTower tells of Observability (api-applications §2.2).

use serde::Deserialize;

use crate::clients::{lenient, tower::Named};

/// What CloudTower has of Observability.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observability {
    pub packages: Vec<BundlePackage>,
    pub instances: Vec<Instance>,
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BundlePackage {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// `v1.4.2-release.20250901`: without a build (api-applications §2.2).
    #[serde(default, deserialize_with = "lenient::text")]
    pub version: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub arch: String,
}

/// One Observability. Never selected: the statuses of its VMs, which hold a password (api-applications §0).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Instance {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// `INSTALLING`, `SUCCESS`, …
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub health_status: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub error_code: Option<String>,
    #[serde(default)]
    pub application: Option<Application>,
    #[serde(default)]
    pub vm_spec: Option<VmSpec>,
    #[serde(default)]
    pub bundle_application_package: Option<InstancePackage>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub connected_clusters: Vec<ConnectedCluster>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub connected_system_services: Vec<ConnectedService>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Application {
    #[serde(default, deserialize_with = "lenient::list")]
    instances: Vec<ApplicationInstance>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ApplicationInstance {
    #[serde(default)]
    vm: Option<InstanceVm>,
}

/// A VM of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InstanceVm {
    #[serde(default, deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct VmSpec {
    #[serde(default, deserialize_with = "lenient::text")]
    pub ip: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub subnet_mask: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub gateway: String,
    /// The id of the VM network, no VLAN tag.
    #[serde(default, deserialize_with = "lenient::text")]
    pub vlan_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InstancePackage {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub version: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub arch: String,
}

/// A cluster that is associated, or is being so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ConnectedCluster {
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
    #[serde(default)]
    pub cluster: Option<Named>,
    /// Absent until the association works.
    #[serde(default)]
    pub observability_connected_cluster: Option<Association>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Association {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub traffic_enabled: bool,
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ConnectedService {
    /// `CLOUDTOWER`, `BACKUP_SERVICE`, …
    #[serde(rename = "type", default, deserialize_with = "lenient::text")]
    pub kind: String,
    #[serde(default, deserialize_with = "lenient::list")]
    instances: Vec<ServiceInstance>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ServiceInstance {
    #[serde(default, deserialize_with = "lenient::text")]
    state: String,
}

impl ConnectedService {
    /// The states of its agents: `STATE_UNSPECIFIED` at first.
    pub fn states(&self) -> String {
        self.instances.iter().map(|one| one.state.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Instance {
    /// The address that it was made for.
    pub fn ip(&self) -> &str {
        self.vm_spec.as_ref().map_or("", |spec| &spec.ip)
    }

    pub fn vms(&self) -> impl Iterator<Item = &InstanceVm> {
        self.application
            .iter()
            .flat_map(|application| &application.instances)
            .filter_map(|one| one.vm.as_ref())
    }

    /// Installed, and every VM of it runs: both are needed (api-applications §7, D13).
    pub fn is_ready(&self) -> bool {
        let all = self.application.as_ref().map_or(0, |application| application.instances.len());
        let running = self.vms().filter(|vm| vm.status == "RUNNING").count();
        self.status == "SUCCESS" && all > 0 && running == all
    }

    /// A status that waiting does not cure.
    pub fn has_failed(&self) -> bool {
        is_bad(&self.status)
    }

    /// The entry of a cluster, by its id.
    pub fn connected(&self, cluster: &str) -> Option<&ConnectedCluster> {
        let is = |one: &&ConnectedCluster| one.cluster.as_ref().is_some_and(|known| known.id == cluster);
        self.connected_clusters.iter().find(is)
    }
}

impl ConnectedCluster {
    /// One of its statuses says that it did not work.
    pub fn has_failed(&self) -> bool {
        let inner = self.observability_connected_cluster.as_ref();
        is_bad(&self.status) || inner.is_some_and(|association| is_bad(&association.status))
    }
}

/// Statuses are not documented: what has one of these words in it is a failure (api-applications §2.7).
fn is_bad(status: &str) -> bool {
    let status = status.to_ascii_uppercase();
    status.contains("FAIL") || status.contains("ERROR")
}
