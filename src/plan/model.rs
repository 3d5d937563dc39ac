//! The typed plan: what a valid workbook says. After it exists nobody looks at a cell again.
//!
//! Names and nesting are those of planning-sheet §3; `plan check --output json` prints the same paths.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::cell::Located;
use crate::secret::Secret;

pub type Password = Located<Secret<String>>;

#[derive(Clone, Debug)]
pub struct Plan {
    pub project: Project,
    pub cluster: Cluster,
    pub vds: VdsSet,
    pub networks: Networks,
    /// 3 to 16 hosts, in sheet order.
    pub hosts: Vec<Host>,
    pub cloudtower: CloudTower,
    pub observability: Observability,
    pub backup: Backup,
    pub er: Er,
    /// 集群管理信息 rows 12–17: addresses that only join the conflict checks.
    pub extra_components: Vec<ExtraComponent>,
    pub test_range: Option<TestRange>,
    pub ntp: Ntp,
    pub dns: Dns,
    pub alert: Alert,
}

#[derive(Clone, Debug)]
pub struct Project {
    pub customer_name: Located<String>,
    pub name: Option<Located<String>>,
    pub datacenter_name: Located<String>,
}

#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: Located<String>,
    /// `6.2.0P4`: the text after `版本` in 主机规划!C19.
    pub smtx_version: Option<Located<String>>,
    /// 主机规划!E19, written back after stage 03.
    pub serial: Option<Located<String>>,
    pub vip: Located<Ipv4Addr>,
    pub admin_user: Located<String>,
    pub admin_password: Password,
    pub features: Located<Vec<Feature>>,
    pub storage_architecture: Located<StorageArchitecture>,
    pub network_architecture: Located<NetworkArchitecture>,
    /// Derived: `features` contains Boost.
    pub vhost_enabled: Located<bool>,
    /// Derived; always false, because RDMA is refused (PLAN-304).
    pub rdma_enabled: Located<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    Boost,
    Rdma,
}

impl Feature {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boost => "Boost",
            Self::Rdma => "RDMA",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageArchitecture {
    /// 混闪-分层
    Tiered,
    /// 全闪-不分层
    Untiered,
}

impl StorageArchitecture {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tiered => "tiered",
            Self::Untiered => "untiered",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkArchitecture {
    /// 三网独立: business networks on a switch of their own.
    Separate,
    /// 存储独立: business networks on the management switch.
    StorageSeparate,
}

impl NetworkArchitecture {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Separate => "separate",
            Self::StorageSeparate => "storage-separate",
        }
    }
}

#[derive(Clone, Debug)]
pub struct VdsSet {
    pub mgmt: Vds,
    pub storage: Vds,
    /// Present when 虚拟网络 row 7 is active. Validated and kept; no call uses it.
    pub backup: Option<Vds>,
    /// Present when the architecture is separate and there is at least one business network.
    pub business: Option<Vds>,
}

#[derive(Clone, Debug)]
pub struct Vds {
    pub name: Located<String>,
    /// Interface names in planned order, as written; at least one.
    pub nics: Located<Vec<String>>,
    /// `None` with a single NIC: there is nothing to bond (planning-sheet 4.2).
    pub bond_mode: Option<Located<BondMode>>,
    pub speed: Option<Located<String>>,
    pub port_type: Option<Located<String>>,
    pub switch_port: Option<Located<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BondMode {
    ActiveBackup,
    BalanceSlb,
    /// LACP.
    BalanceTcp,
}

impl BondMode {
    /// The canonical spelling, which the deploy call uses too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ActiveBackup => "active-backup",
            Self::BalanceSlb => "balance-slb",
            Self::BalanceTcp => "balance-tcp",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Networks {
    /// 虚拟网络 row 3: used for BMC address checks only.
    pub ipmi: Option<PlainNetwork>,
    pub mgmt: RoutedNetwork,
    /// Row 5, when active: a second management segment for components.
    pub infra: Option<RoutedNetwork>,
    pub storage: PlainNetwork,
    /// Row 7, when active: the backup service's link to the NAS.
    pub backup: Option<PlainNetwork>,
    /// Rows 8–18, at most 11.
    pub business: Vec<BusinessNetwork>,
}

/// A network that the plan routes: subnet and gateway are known.
#[derive(Clone, Debug)]
pub struct RoutedNetwork {
    pub name: Located<String>,
    pub vlan_id: Located<u16>,
    pub vlan_type: Located<VlanType>,
    pub subnet: Located<Ipv4Net>,
    pub gateway: Located<Ipv4Addr>,
    /// Row on 虚拟网络.
    pub row: u32,
}

/// A network whose subnet is known and whose gateway may be blank.
#[derive(Clone, Debug)]
pub struct PlainNetwork {
    pub name: Located<String>,
    pub vlan_id: Located<u16>,
    pub vlan_type: Located<VlanType>,
    pub subnet: Located<Ipv4Net>,
    pub gateway: Option<Located<Ipv4Addr>>,
    pub row: u32,
}

/// A VM network: only name and VLAN id are needed.
#[derive(Clone, Debug)]
pub struct BusinessNetwork {
    pub name: Located<String>,
    pub vlan_id: Located<u16>,
    pub vlan_type: Located<VlanType>,
    pub subnet: Option<Located<Ipv4Net>>,
    pub gateway: Option<Located<Ipv4Addr>>,
    pub row: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VlanType {
    Access,
}

impl VlanType {
    pub fn as_str(self) -> &'static str {
        "Access"
    }
}

#[derive(Clone, Debug)]
pub struct Host {
    /// Row on 主机规划.
    pub row: u32,
    /// Position from 0, gaps not counted.
    pub index: usize,
    /// Column B, 序号; blank takes the position from 1.
    pub number: Located<u32>,
    pub serial: Option<Located<String>>,
    /// Enough for the probe; the account may be incomplete, see [`Host::bmc`].
    pub bmc_ip: Option<Located<Ipv4Addr>>,
    pub bmc_user: Option<Located<String>>,
    pub bmc_password: Option<Password>,
    pub hostname: Located<String>,
    pub mgmt_ip: Located<Ipv4Addr>,
    pub ssh_user: Located<String>,
    pub ssh_password: Password,
    pub admin_user: Located<String>,
    /// Column M; blank takes the SSH password (PLAN-032).
    pub admin_password: Password,
    pub storage_ip: Located<Ipv4Addr>,
    pub description: Option<Located<String>>,
    /// Name and units may each be blank (PLAN-503), see [`Host::rack`].
    pub rack_name: Option<Located<String>>,
    pub rack_u_start: Option<Located<u8>>,
    /// Blank takes `rack_u_start` + 1: a 2U server.
    pub rack_u_end: Option<Located<u8>>,
    /// Derived: the first three hosts, or the first five of five and more (planning-sheet 6.2).
    pub is_master: Located<bool>,
}

/// A management controller with everything that IPMI needs.
#[derive(Clone, Copy, Debug)]
pub struct Bmc<'a> {
    pub ip: &'a Located<Ipv4Addr>,
    pub user: &'a Located<String>,
    pub password: &'a Password,
}

/// A place in a rack, `u_start..=u_end`, counted from the bottom.
#[derive(Clone, Copy, Debug)]
pub struct Rack<'a> {
    pub name: &'a Located<String>,
    pub u_start: &'a Located<u8>,
    pub u_end: &'a Located<u8>,
}

impl Host {
    /// `None` unless address, user and password are all there (PLAN-112).
    pub fn bmc(&self) -> Option<Bmc<'_>> {
        Some(Bmc {
            ip: self.bmc_ip.as_ref()?,
            user: self.bmc_user.as_ref()?,
            password: self.bmc_password.as_ref()?,
        })
    }

    /// `None` unless rack and unit are both there (PLAN-503).
    pub fn rack(&self) -> Option<Rack<'_>> {
        Some(Rack {
            name: self.rack_name.as_ref()?,
            u_start: self.rack_u_start.as_ref()?,
            u_end: self.rack_u_end.as_ref()?,
        })
    }
}

#[derive(Clone, Debug)]
pub struct CloudTower {
    /// Lower-cased.
    pub vm_name: Located<String>,
    pub version: Option<Located<String>>,
    pub ip: Located<Ipv4Addr>,
    pub web_user: Located<String>,
    pub web_password: Password,
    pub ssh_user: Option<Located<String>>,
    pub ssh_password: Option<Password>,
    /// 集群管理信息!M3, written back after stage 04.
    pub serial: Option<Located<String>>,
}

#[derive(Clone, Debug)]
pub struct Observability {
    pub vm_name: Located<String>,
    pub version: Option<Located<String>>,
    /// Blank: the component is not planned (PLAN-401).
    pub ip: Option<Located<Ipv4Addr>>,
    pub ssh_user: Located<String>,
    pub ssh_password: Option<Password>,
    pub serial: Option<Located<String>>,
}

#[derive(Clone, Debug)]
pub struct Backup {
    pub vm_name: Located<String>,
    pub version: Option<Located<String>>,
    pub ip: Option<Located<Ipv4Addr>>,
    pub serial: Option<Located<String>>,
}

#[derive(Clone, Debug)]
pub struct Er {
    pub vip: Option<Located<Ipv4Addr>>,
    pub nodes: Vec<Located<Ipv4Addr>>,
    pub serial: Option<Located<String>>,
}

#[derive(Clone, Debug)]
pub struct ExtraComponent {
    pub name: Option<Located<String>>,
    pub ip: Located<Ipv4Addr>,
}

/// Inclusive.
#[derive(Clone, Debug)]
pub struct TestRange {
    pub start: Located<Ipv4Addr>,
    pub end: Located<Ipv4Addr>,
}

#[derive(Clone, Debug)]
pub struct Ntp {
    /// Addresses or names, 0 to 3.
    pub servers: Vec<Located<String>>,
}

#[derive(Clone, Debug)]
pub struct Dns {
    /// 0 to 2.
    pub servers: Vec<Located<Ipv4Addr>>,
}

#[derive(Clone, Debug)]
pub struct Alert {
    /// Derived: floor((95·n − 100) / n) for n hosts (planning-sheet 6.2).
    pub notice_percent: Located<u8>,
}
