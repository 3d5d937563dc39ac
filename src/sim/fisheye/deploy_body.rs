//! The body of the deployment call, as the contract has it (api-fisheye §3.4).

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::super::twin::Disk;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployBody {
    pub platform: String,
    pub cluster_name: String,
    pub dns_server: Vec<String>,
    pub vdses: Vec<DeployVds>,
    pub networks: Vec<DeployNetwork>,
    pub hosts: Vec<DeployHost>,
    pub ntp: DeployNtp,
    pub vhost_enabled: bool,
    pub rdma_enabled: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployVds {
    pub name: String,
    /// Left out when the switch has one NIC per host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bond_mode: Option<String>,
    pub hosts_associated: Vec<DeployNics>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployNics {
    pub host_uuid: String,
    pub nics_associated: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployNetwork {
    pub name: String,
    pub attached_vds: String,
    pub network_type: String,
    pub network_config: NetworkConfig,
    pub mode: NetworkMode,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NetworkConfig {
    pub service: Vec<Service>,
    /// On the management network only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Vec<Route>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Service {
    pub host_uuid: String,
    pub service_interface_name: String,
    pub service_interface_ip: Ipv4Addr,
    pub netmask: Ipv4Addr,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Route {
    pub gateway: Ipv4Addr,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NetworkMode {
    #[serde(rename = "type")]
    pub kind: String,
    pub network_identities: Vec<u16>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployHost {
    pub host_ip: String,
    pub host_uuid: String,
    pub hostname: String,
    pub disk_data_with_cache: bool,
    pub with_faster_ssd_as_cache: bool,
    pub host_passwords: Vec<HostPassword>,
    pub tags: Vec<String>,
    pub ifaces: Vec<HostIface>,
    pub disks: Vec<Disk>,
    pub is_master: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostPassword {
    pub user: String,
    pub password: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostIface {
    pub ip: Ipv4Addr,
    pub function: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployNtp {
    pub mode: String,
    /// Null.
    pub ntp_server: (),
    pub current_time: String,
}
