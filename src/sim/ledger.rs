//! The ledger: every effect the site has had, counted per object (site-behaviour §9).

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::clock::Moment;

/// How often something happened, and when first and last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    pub count: u64,
    pub first: Option<Moment>,
    pub last: Option<Moment>,
}

impl Tally {
    pub fn add(&mut self, now: Moment) {
        self.count += 1;
        self.first.get_or_insert(now);
        self.last = Some(now);
    }
}

/// All counts; maps are sorted, so two equal histories print equally (times aside).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    pub deployments: Tally,
    pub setup_root: Tally,
    /// Sessions opened, by the address asked.
    pub logins: BTreeMap<Ipv4Addr, Tally>,
    /// Logins refused for the name or password, by the address asked: accounts may lock.
    pub refused_logins: BTreeMap<Ipv4Addr, Tally>,
    pub vip_writes: Tally,
    pub dns_writes: Tally,
    pub ntp_writes: Tally,
    /// By node UUID.
    pub ipmi_upserts: BTreeMap<String, Tally>,
    /// Switches created, by name; those of the deployment do not count here.
    pub vds: BTreeMap<String, Tally>,
    /// VM networks created, by `<vds name>/<network name>`.
    pub networks: BTreeMap<String, Tally>,
    pub cpu_writes: Tally,
    /// By `<host address> <account>`.
    pub password_changes: BTreeMap<String, Tally>,
    /// By volume id, in order of that id.
    pub volumes: BTreeMap<String, VolumeEntry>,
    /// VMs that came into being, by name, and those deleted.
    pub vms: BTreeMap<String, Tally>,
    pub vms_deleted: BTreeMap<String, Tally>,
    /// Guest networks and power states set, by name of the VM.
    pub vm_writes: BTreeMap<String, Tally>,
    /// Of the CloudTower guest.
    pub resolv_conf_writes: Tally,
    pub preinstalls: Tally,
    pub installer_starts: Tally,
    pub ssh_connections: BTreeMap<Ipv4Addr, Tally>,
    /// Root users made in CloudTower, and changes of their password afterwards.
    pub root_users: Tally,
    pub tower_passwords: Tally,
    pub tower_ntp_writes: Tally,
    /// By name.
    pub organizations: BTreeMap<String, Tally>,
    pub datacenters: BTreeMap<String, Tally>,
    /// Clusters told to be attached, by address.
    pub connections: BTreeMap<Ipv4Addr, Tally>,
    /// Default storage policy and HA of attached clusters.
    pub settings_writes: Tally,
    /// Thresholds written: `global`, or the name of the cluster.
    pub alert_writes: BTreeMap<String, Tally>,
    /// By name; graphs by `<view>/<metric>`.
    pub views: BTreeMap<String, Tally>,
    pub graphs: BTreeMap<String, Tally>,
    pub racks: BTreeMap<String, Tally>,
    pub chassis: BTreeMap<String, Tally>,
    /// Nodes and chassis moved, by name.
    pub moves: BTreeMap<String, Tally>,
    /// Inspections and reports asked for, downloads begun, and those of them that went on with a rest.
    pub inspection_jobs: Tally,
    pub inspection_exports: Tally,
    pub inspection_downloads: Tally,
    pub inspection_resumes: Tally,
    /// Packages uploaded chunk by chunk to CloudTower, by upload id.
    pub packages: BTreeMap<String, PackageUpload>,
    /// VM networks made through CloudTower, by name.
    pub tower_networks: BTreeMap<String, Tally>,
    /// Backup services made, and clusters associated with one, by name of the service.
    pub backup_services: BTreeMap<String, Tally>,
    pub backup_clusters: BTreeMap<String, Tally>,
    /// Applications deployed from a package by their own call, by name.
    pub applications: BTreeMap<String, Tally>,
    /// Fields with secrets in them that a GraphQL request has selected, by name.
    pub secret_selections: BTreeMap<String, Tally>,
    /// Instances of Observability made, by name, and what they were told.
    pub observability_instances: BTreeMap<String, Tally>,
    pub observability_ntp_writes: Tally,
    pub observability_clusters: Tally,
    pub system_services: Tally,
    pub traffic_writes: Tally,
    pub observability_resolv_conf_writes: Tally,
    /// Restarts of containers, launchers among them.
    pub launcher_restarts: Tally,
    /// Requests that changed something, by operation.
    pub changes: BTreeMap<String, Tally>,
    /// The highest number of requests in flight at once, by operation.
    pub parallel: BTreeMap<String, u32>,
    /// The highest number of changing requests in flight at once, chunks apart, by service: `fisheye`, `tower`, `ovm`.
    pub mutations: BTreeMap<String, u32>,
    /// Requests outside the contract.
    pub breaches: Vec<Breach>,
    /// Requests to addresses outside the plan, as `address:port`.
    pub outside_plan: BTreeMap<String, Tally>,
    /// Operations whose URL carried a secret.
    pub secrets_in_urls: BTreeMap<String, Tally>,
}

/// One upload object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VolumeEntry {
    /// `svt` or `image`.
    pub kind: String,
    pub name: String,
    pub size: u64,
    pub open: bool,
    pub deleted: u64,
    pub chunks_new: u64,
    pub chunks_repeated: u64,
    pub chunks_refused: u64,
    /// Bytes stored.
    pub bytes: u64,
    /// Bytes of every chunk that arrived, repeated and refused ones included.
    pub received: u64,
    /// Digests of the reassembled bytes, once complete.
    pub md5: Option<String>,
    pub sha256: Option<String>,
}

/// One package on its way to CloudTower.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PackageUpload {
    /// `graphql`, `rest`, `ovm`.
    pub protocol: String,
    /// Of the file, and how long it says it is.
    pub name: String,
    pub size: u64,
    /// Bytes stored, and the chunks that brought them.
    pub bytes: u64,
    pub chunks_stored: u64,
    /// Chunks that came again, refused or not.
    pub chunks_repeated: u64,
    /// Chunks that were not stored.
    pub chunks_refused: u64,
    /// The last chunk was taken.
    pub complete: bool,
    pub cancelled: bool,
    /// Of the bytes as stored, once complete.
    pub sha256: Option<String>,
}

/// A request that a strict server refuses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Breach {
    pub at: Moment,
    pub address: String,
    pub request: String,
    pub what: String,
}

impl Ledger {
    /// How many requests changed something, logins aside.
    pub fn change_count(&self) -> u64 {
        self.changes.values().map(|tally| tally.count).sum()
    }
}
