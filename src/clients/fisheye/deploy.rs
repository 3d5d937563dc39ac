//! The body of the deployment request (api-fisheye §3.4). Field order is that of captured payloads.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::Serialize;

use super::{Disk, bond::BondMode};

/// The value that sets both accounts to `P@ssw0rd!123` (api-fisheye §3.4). Its encoding is not
/// documented: never invent another one; the planned passwords come over SSH (§6.8).
const FIRST_PASSWORD: &str = "c+G6KvJYsKyQyY4U";

/// What every host is deployed with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deploy {
    pub platform: &'static str,
    pub cluster_name: String,
    /// Real DNS servers come later (§6.2).
    pub dns_server: [&'static str; 1],
    /// Management first, then storage; never business.
    pub vdses: Vec<DeployVds>,
    pub networks: Vec<DeployNetwork>,
    pub hosts: Vec<DeployHost>,
    pub ntp: Ntp,
    pub vhost_enabled: bool,
    /// Never: a plan that asks for RDMA is refused before.
    pub rdma_enabled: bool,
}

impl Deploy {
    /// `now` is the time the cluster starts from.
    pub fn new(
        cluster_name: impl Into<String>,
        vdses: Vec<DeployVds>,
        networks: Vec<DeployNetwork>,
        hosts: Vec<DeployHost>,
        vhost_enabled: bool,
        now: Timestamp,
    ) -> Self {
        Self {
            platform: "kvm",
            cluster_name: cluster_name.into(),
            dns_server: ["127.0.0.1"],
            vdses,
            networks,
            hosts,
            // External NTP at this point made deployments fail.
            ntp: Ntp { mode: "internal", ntp_server: None, current_time: format!("{now:.3}") },
            vhost_enabled,
            rdma_enabled: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeployVds {
    pub name: String,
    /// Left out when the VDS has one NIC per host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bond_mode: Option<&'static str>,
    pub hosts_associated: Vec<Associated>,
}

impl DeployVds {
    /// `bond_mode` is sent only when some host has more than one NIC on this VDS.
    pub fn new(name: impl Into<String>, bond_mode: BondMode, hosts_associated: Vec<Associated>) -> Self {
        let bonded = hosts_associated.iter().any(|host| host.nics_associated.len() > 1);
        Self { name: name.into(), bond_mode: bonded.then(|| bond_mode.on_deploy()), hosts_associated }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Associated {
    pub host_uuid: String,
    pub nics_associated: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeployNetwork {
    pub name: &'static str,
    pub attached_vds: String,
    pub network_type: &'static str,
    pub network_config: NetworkConfig,
    pub mode: Mode,
}

impl DeployNetwork {
    /// `addresses`: host UUID and management address of every host. `vlan` 0 is untagged.
    pub fn management(
        vds: impl Into<String>,
        addresses: &[(String, Ipv4Addr)],
        netmask: Ipv4Addr,
        gateway: Ipv4Addr,
        vlan: u16,
    ) -> Self {
        Self {
            name: "mgt-network",
            attached_vds: vds.into(),
            network_type: "mgt",
            network_config: NetworkConfig {
                service: service("port-mgt", addresses, netmask),
                route: Some(vec![Route { gateway }]),
            },
            mode: Mode::access(vlan),
        }
    }

    /// The storage network has no route.
    pub fn storage(
        vds: impl Into<String>,
        addresses: &[(String, Ipv4Addr)],
        netmask: Ipv4Addr,
        vlan: u16,
    ) -> Self {
        Self {
            name: "storage-network",
            attached_vds: vds.into(),
            network_type: "storage",
            network_config: NetworkConfig {
                service: service("port-storage", addresses, netmask),
                route: None,
            },
            mode: Mode::access(vlan),
        }
    }
}

fn service(interface: &'static str, addresses: &[(String, Ipv4Addr)], netmask: Ipv4Addr) -> Vec<Service> {
    addresses
        .iter()
        .map(|(host_uuid, address)| Service {
            host_uuid: host_uuid.clone(),
            service_interface_name: interface,
            service_interface_ip: *address,
            netmask,
        })
        .collect()
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkConfig {
    pub service: Vec<Service>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Vec<Route>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Service {
    pub host_uuid: String,
    pub service_interface_name: &'static str,
    pub service_interface_ip: Ipv4Addr,
    pub netmask: Ipv4Addr,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Route {
    pub gateway: Ipv4Addr,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mode {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub network_identities: [u16; 1],
}

impl Mode {
    fn access(vlan: u16) -> Self {
        Self { kind: "vlan_access", network_identities: [vlan] }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeployHost {
    /// Link-local of this host with a zone of the node that receives the request, or its IPv4.
    pub host_ip: String,
    pub host_uuid: String,
    pub hostname: String,
    pub disk_data_with_cache: bool,
    pub host_passwords: [HostPassword; 2],
    pub tags: [&'static str; 0],
    pub ifaces: [Iface; 2],
    /// Without the boot disk.
    pub disks: Vec<DeployDisk>,
    pub is_master: bool,
    pub with_faster_ssd_as_cache: bool,
}

/// The two flags that state how disks are used (§3.4, disk roles).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskFlags {
    pub disk_data_with_cache: bool,
    pub with_faster_ssd_as_cache: bool,
}

impl DeployHost {
    /// `disks` with their roles, the boot disk left out by the caller.
    #[expect(
        clippy::too_many_arguments,
        reason = "one per planned value; a builder would hide a missing one"
    )]
    pub fn new(
        host_ip: impl Into<String>,
        host_uuid: impl Into<String>,
        hostname: impl Into<String>,
        management: Ipv4Addr,
        storage: Ipv4Addr,
        disks: Vec<DeployDisk>,
        flags: DiskFlags,
        is_master: bool,
    ) -> Self {
        let password = |user| HostPassword { user, password: FIRST_PASSWORD };
        Self {
            host_ip: host_ip.into(),
            host_uuid: host_uuid.into(),
            hostname: hostname.into(),
            disk_data_with_cache: flags.disk_data_with_cache,
            host_passwords: [password("root"), password("smartx")],
            tags: [],
            ifaces: [Iface { ip: management, function: "mgt" }, Iface { ip: storage, function: "storage" }],
            disks,
            is_master,
            with_faster_ssd_as_cache: flags.with_faster_ssd_as_cache,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostPassword {
    pub user: &'static str,
    pub password: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Iface {
    pub ip: Ipv4Addr,
    pub function: &'static str,
}

/// A disk as scanned, with its role assigned anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeployDisk {
    pub drive: String,
    pub function: &'static str,
    pub model: String,
    pub serial: String,
    /// Bytes.
    pub size: u64,
    #[serde(rename = "type")]
    pub kind: String,
}

impl DeployDisk {
    pub fn cache(disk: &Disk) -> Self {
        Self::with(disk, "cache")
    }

    pub fn data(disk: &Disk) -> Self {
        Self::with(disk, "data")
    }

    fn with(disk: &Disk, function: &'static str) -> Self {
        let Disk { drive, model, serial, size, kind, .. } = disk.clone();
        Self { drive, function, model, serial, size, kind }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ntp {
    pub mode: &'static str,
    pub ntp_server: Option<String>,
    /// UTC, RFC 3339 with milliseconds.
    pub current_time: String,
}

#[cfg(test)]
mod tests;
