//! What the host scan told: the fact that the deployment, the VDS and the IPMI accounts are built from.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// One scanned host, in plan order. Journaled, so that a resumed run knows the hosts of its own cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hardware {
    pub host_uuid: String,
    /// Chassis serial.
    pub serial: String,
    /// `6.2.0P4`: version and patch, joined.
    pub version: String,
    /// `x86_64`; empty in journals of the time before it was kept.
    #[serde(default)]
    pub arch: String,
    pub nics: Vec<Nic>,
    pub disks: Vec<Disk>,
}

/// A network interface, virtual ones included (api-fisheye §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    pub name: String,
    pub ipv4: Option<String>,
    /// Link-local, without zone.
    pub ipv6: Option<String>,
    pub link_up: bool,
    /// Bits per second; unknown without a link.
    pub speed: Option<u64>,
}

/// A disk as the scan lists it (api-fisheye §3.1). The drive name identifies it: serials may repeat on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    pub drive: String,
    /// `boot`, `cache`, `data`, `system` or `smtx_system`.
    pub function: String,
    pub model: String,
    pub serial: String,
    /// Bytes.
    pub size: u64,
    /// `SSD` or `HDD`; NVMe counts as `SSD` here.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Hardware {
    /// The interface of that name, compared as the plan rules do: without regard to case.
    pub fn nic(&self, name: &str) -> Option<&Nic> {
        self.nics.iter().find(|nic| nic.name.eq_ignore_ascii_case(name))
    }

    /// The planned NICs by the names this host gives them; one it does not have stays as planned.
    pub fn nic_names(&self, planned: &[String]) -> Vec<String> {
        planned.iter().map(|name| self.nic(name).map_or(name, |nic| &nic.name).clone()).collect()
    }

    /// The interface that carries this IPv4 address.
    pub fn carrier(&self, address: Ipv4Addr) -> Option<&Nic> {
        let address = address.to_string();
        self.nics.iter().find(|nic| nic.ipv4.as_deref() == Some(address.as_str()))
    }
}
