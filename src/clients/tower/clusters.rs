//! Clusters as CloudTower sees them, and connecting one (api-cloudtower §4).

use std::{fmt, net::Ipv4Addr};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::{Begun, Named, Tower, TowerReader, rest, sessions::USER};
use crate::{clients::lenient, failure::Result, messages::message, secret::Secret};

/// A cluster; fields that appear some seconds after connecting are optional.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Cluster {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    /// The serial of its licence, a UUID.
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub local_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub version: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub ip: String,
    /// `X86_64` or `AARCH64`.
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub architecture: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub management_vip: Option<String>,
    pub connect_state: ConnectState,
    /// `LOAD_CLUSTER_UNAUTHORIZED` and the like.
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub disconnected_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub host_num: Option<u32>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub hosts: Vec<Host>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub datacenters: Vec<Named>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub vdses: Vec<Named>,
    #[serde(default)]
    pub settings: Option<Named>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub dns: Vec<String>,
    /// `EXTERNAL` or `INTERNAL`.
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub ntp_mode: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub ntp_servers: Vec<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub recommended_cpu_models: Vec<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub current_cpu_model: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub license_type: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub license_serial: Option<String>,
    /// ISO text.
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub license_expire_date: Option<String>,
}

impl Cluster {
    /// Whether it is the one behind that VIP.
    pub fn is_at(&self, vip: Ipv4Addr) -> bool {
        let vip = vip.to_string();
        self.ip == vip || self.management_vip.as_ref() == Some(&vip)
    }
}

/// A host of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Host {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub management_ip: String,
    /// Bytes that VMs may still have.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub allocatable_memory_bytes: Option<u64>,
}

/// How CloudTower stands to a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ConnectState {
    Initializing,
    Connected,
    Disconnected,
    Removing,
    /// Not documented, or absent.
    Other(String),
}

impl<'de> Deserialize<'de> for ConnectState {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match lenient::text(from)?.as_str() {
            "INITIALIZING" => Self::Initializing,
            "CONNECTED" => Self::Connected,
            "DISCONNECTED" => Self::Disconnected,
            "REMOVING" => Self::Removing,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// The word of the API.
impl fmt::Display for ConnectState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initializing => "INITIALIZING",
            Self::Connected => "CONNECTED",
            Self::Disconnected => "DISCONNECTED",
            Self::Removing => "REMOVING",
            Self::Other(other) => other,
        })
    }
}

/// What a cluster is looked up by.
#[derive(Clone, Copy, Debug)]
pub enum Find<'a> {
    Name(&'a str),
    /// Its management VIP.
    Address(Ipv4Addr),
    Id(&'a str),
}

impl Find<'_> {
    fn filter(self) -> Value {
        match self {
            Self::Name(name) => json!({"name": name}),
            Self::Address(vip) => json!({"ip": vip}),
            Self::Id(id) => json!({"id": id}),
        }
    }
}

impl TowerReader {
    pub async fn clusters(&self, find: Find<'_>) -> Result<Vec<Cluster>> {
        let doing = message("clients.tower.clusters", &[]);
        self.list(rest::read("tower.get-clusters", doing, &json!({"where": find.filter()}))).await
    }

    /// The hosts of a cluster, by its id.
    pub async fn hosts(&self, cluster: &str) -> Result<Vec<Host>> {
        let doing = message("clients.tower.hosts", &[]);
        self.list(rest::read("tower.get-hosts", doing, &json!({"where": {"cluster": {"id": cluster}}}))).await
    }
}

impl Tower {
    /// Connects the cluster behind `vip` with the password of its account `root`. A second call may make a twin.
    pub async fn connect_cluster(
        &self,
        vip: Ipv4Addr,
        password: &Secret<String>,
        datacenter: &str,
    ) -> Result<Begun> {
        #[derive(Serialize)]
        struct Body<'a> {
            ip: Ipv4Addr,
            username: &'static str,
            password: &'a str,
            datacenter_id: &'a str,
        }
        let body = [Body { ip: vip, username: USER, password: password.expose(), datacenter_id: datacenter }];
        let doing = message("clients.tower.connect_cluster", &[("vip", &vip)]);
        self.mutate(rest::write("tower.connect-cluster", doing, &body)).await
    }

    /// Puts a cluster into another datacenter.
    pub async fn move_cluster(&self, cluster: &str, datacenter: &str) -> Result<Begun> {
        let doing = message("clients.tower.move_cluster", &[]);
        let body = json!({"where": {"id": cluster}, "data": {"datacenter_id": datacenter}});
        self.mutate(rest::write("tower.update-cluster", doing, &body)).await
    }
}
