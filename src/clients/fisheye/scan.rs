//! What a host says about itself (api-fisheye §3.1).

use serde::Deserialize;

use crate::clients::lenient;

/// One host of a scan, as far as voyager uses it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Host {
    /// The key used everywhere else.
    #[serde(deserialize_with = "lenient::text")]
    pub host_uuid: String,
    /// The IPv4 that was asked, or in a cluster scan a link-local address with its zone.
    #[serde(default, deserialize_with = "lenient::text")]
    pub host_ip: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub hostname: String,
    /// Does not tell whether a host is deployed.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub arch: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub distribution: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub product: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub version: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub patch_version: String,
    /// Serial of the chassis.
    #[serde(default, deserialize_with = "lenient::text")]
    pub sn: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub ipmi_ip: Option<String>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_all_flash: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_os_in_raid1: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_os_in_single_disk: bool,
    #[serde(default)]
    pub cpu: Option<Cpu>,
    #[serde(default)]
    cgroup_profile_env: Option<Environment>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub disks: Vec<Disk>,
    #[serde(default, rename = "ifaces", deserialize_with = "lenient::list")]
    pub nics: Vec<Nic>,
}

impl Host {
    /// Memory in bytes, where the host says so.
    pub fn memory(&self) -> Option<u64> {
        self.cgroup_profile_env.as_ref()?.memory_total
    }

    /// The interface that carries `ipv4`.
    pub fn nic_with(&self, ipv4: std::net::Ipv4Addr) -> Option<&Nic> {
        self.nics.iter().find(|nic| nic.ipv4.as_deref().and_then(|text| text.parse().ok()) == Some(ipv4))
    }

    /// The interface of that name, upper and lower case alike (api-fisheye §3.1).
    pub fn nic(&self, name: &str) -> Option<&Nic> {
        self.nics.iter().find(|nic| nic.name.eq_ignore_ascii_case(name))
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Cpu {
    #[serde(default, deserialize_with = "lenient::text")]
    pub brand: String,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub sockets: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub physical_cores: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub logical_cores: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Environment {
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    memory_total: Option<u64>,
}

/// One disk. Two NVMe disks of a host may share a serial: `drive` identifies it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Disk {
    #[serde(deserialize_with = "lenient::text")]
    pub drive: String,
    /// `boot`, `cache`, `data`, also `system` and `smtx_system`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub function: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub model: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub serial: String,
    /// Bytes.
    #[serde(deserialize_with = "lenient::number")]
    pub size: u64,
    /// `SSD` or `HDD`; NVMe counts as `SSD`.
    #[serde(default, rename = "type", deserialize_with = "lenient::text")]
    pub kind: String,
}

/// What a disk is made of; decides its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    Nvme,
    Ssd,
    Hdd,
}

impl Disk {
    /// `None` for a type that is neither SSD nor HDD.
    pub fn medium(&self) -> Option<Medium> {
        match self.kind.to_ascii_uppercase().as_str() {
            "SSD" if self.drive.to_ascii_lowercase().starts_with("nvme") => Some(Medium::Nvme),
            "SSD" => Some(Medium::Ssd),
            "HDD" => Some(Medium::Hdd),
            _ => None,
        }
    }

    /// Whether the operating system lies on it, so that it is not given to the cluster.
    pub fn is_boot(&self) -> bool {
        self.function == "boot"
    }
}

/// One interface, physical or virtual.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Nic {
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub hwaddr: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub ipv4: Option<String>,
    /// Link-local, without a zone.
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub ipv6: Option<String>,
    /// Bits per second.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub speed: Option<u64>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub mtu: Option<u32>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub up: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub physical_link_up: bool,
    /// Absent for virtual ports.
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub pci_slot_name: Option<String>,
}
