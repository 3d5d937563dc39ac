//! The draft: the plan while its cells may still be blank or wrong. The rules look at it; without errors it becomes
//! the plan.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{
    cell::Located,
    fields::switch::PortType,
    model::{BondMode, Feature, NetworkArchitecture, StorageArchitecture},
    reading::Slot,
};
use crate::secret::Secret;

mod hosts;
mod management;
mod networks;

pub use hosts::host_rows;
pub use networks::distinct;

pub type SecretSlot = Slot<Secret<String>>;

pub struct Draft {
    pub customer: Slot<String>,
    pub project: Slot<String>,
    pub datacenter: Slot<String>,
    pub cluster: Cluster,
    /// Management, storage, backup, business; unused ones have blank slots.
    pub switches: Vec<Switch>,
    /// Rows 3 to 18 that are active, in order.
    pub networks: Vec<Network>,
    pub hosts: Vec<Host>,
    pub cloudtower: CloudTower,
    pub observability: Observability,
    pub backup: Backup,
    pub er_vip: Slot<Ipv4Addr>,
    pub er_nodes: Vec<Slot<Ipv4Addr>>,
    pub er_serial: Slot<String>,
    pub extras: Vec<(Slot<String>, Slot<Ipv4Addr>)>,
    pub test_start: Slot<Ipv4Addr>,
    pub test_end: Slot<Ipv4Addr>,
    pub ntp: Vec<Slot<String>>,
    pub dns: Vec<Slot<Ipv4Addr>>,
}

pub struct Cluster {
    pub name: Slot<String>,
    /// 主机规划!C3 and 集群管理信息!N3, formulas on the name.
    pub copies: Vec<Slot<String>>,
    pub version: Slot<String>,
    pub serial: Slot<String>,
    pub vip: Slot<Ipv4Addr>,
    pub admin_user: Slot<String>,
    pub admin_password: SecretSlot,
    pub features: Slot<Vec<Feature>>,
    pub storage: Slot<StorageArchitecture>,
    pub network: Slot<NetworkArchitecture>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Ipmi,
    Mgmt,
    /// Row 5: components on a segment of their own, on the management switch.
    Infra,
    Storage,
    Backup,
    Business,
}

pub struct Switch {
    pub role: Role,
    /// The plan needs it (planning-sheet 8.4).
    pub used: bool,
    pub name: Slot<String>,
    pub nics: Slot<Vec<String>>,
    /// Blank with a single NIC, which has nothing to bond.
    pub bond: Slot<BondMode>,
    pub speed: Slot<String>,
    pub port_type: Slot<String>,
    pub switch_port: Slot<String>,
}

pub struct Network {
    pub role: Role,
    pub row: u32,
    pub name: Slot<String>,
    pub vlan: Slot<u16>,
    pub port_type: Slot<PortType>,
    /// As written, host bits included.
    pub subnet: Slot<Ipv4Net>,
    pub gateway: Slot<Ipv4Addr>,
}

pub struct Host {
    pub row: u32,
    pub number: Slot<u32>,
    pub serial: Slot<String>,
    pub bmc_ip: Slot<Ipv4Addr>,
    pub bmc_user: Slot<String>,
    pub bmc_password: SecretSlot,
    pub hostname: Slot<String>,
    pub mgmt_ip: Slot<Ipv4Addr>,
    pub ssh_user: Slot<String>,
    pub ssh_password: SecretSlot,
    pub admin_user: Slot<String>,
    pub admin_password: SecretSlot,
    pub storage_ip: Slot<Ipv4Addr>,
    pub description: Slot<String>,
    pub rack: Slot<String>,
    pub u_start: Slot<u8>,
    pub u_end: Slot<u8>,
}

pub struct CloudTower {
    pub vm_name: Slot<String>,
    pub version: Slot<String>,
    pub ip: Slot<Ipv4Addr>,
    pub web_user: Slot<String>,
    pub web_password: SecretSlot,
    pub ssh_user: Slot<String>,
    pub ssh_password: SecretSlot,
    pub serial: Slot<String>,
}

pub struct Observability {
    pub vm_name: Slot<String>,
    pub version: Slot<String>,
    pub ip: Slot<Ipv4Addr>,
    pub ssh_user: Slot<String>,
    pub ssh_password: SecretSlot,
    pub serial: Slot<String>,
}

pub struct Backup {
    pub vm_name: Slot<String>,
    pub version: Slot<String>,
    pub ip: Slot<Ipv4Addr>,
    pub serial: Slot<String>,
}

/// What an address is for (planning-sheet 8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Bmc,
    Mgmt,
    Storage,
    Vip,
    Component,
    Extra,
}

impl Draft {
    pub fn switch(&self, role: Role) -> Option<&Switch> {
        self.switches.iter().find(|switch| switch.role == role)
    }

    pub fn network(&self, role: Role) -> Option<&Network> {
        self.networks.iter().find(|network| network.role == role)
    }

    pub fn networks_of(&self, role: Role) -> impl Iterator<Item = &Network> {
        self.networks.iter().filter(move |network| network.role == role)
    }

    pub fn used_switches(&self) -> impl Iterator<Item = &Switch> {
        self.switches.iter().filter(|switch| switch.used)
    }

    /// Every address with a role, in reading order.
    pub fn addresses(&self) -> Vec<(Purpose, &Located<Ipv4Addr>)> {
        let hosts = self.hosts.iter().flat_map(|host| {
            [
                (Purpose::Bmc, &host.bmc_ip),
                (Purpose::Mgmt, &host.mgmt_ip),
                (Purpose::Storage, &host.storage_ip),
            ]
        });
        let components = [&self.cloudtower.ip, &self.observability.ip, &self.backup.ip, &self.er_vip]
            .into_iter()
            .chain(&self.er_nodes)
            .map(|slot| (Purpose::Component, slot));
        let extras = self.extras.iter().map(|(_, ip)| (Purpose::Extra, ip));
        hosts
            .chain([(Purpose::Vip, &self.cluster.vip)])
            .chain(components)
            .chain(extras)
            .filter_map(|(purpose, slot)| slot.get().map(|located| (purpose, located)))
            .collect()
    }
}
