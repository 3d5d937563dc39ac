//! Where the service belongs: its leg in the management network, and the one in the cluster's storage network, for
//! whose address the plan has no cell (api-applications §3.3).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::{
    clients::tower::{StorageLeg, Vds},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{Located, Plan, model::RoutedNetwork},
    stages::vm_networks,
    text::{Say, Text},
};

/// The name of the VM network for the storage leg: fixed (§7 D9).
pub const NETWORK: &str = "backup-storage-network";

/// What the name of a storage switch contains where it is not the planned one (§3.4).
const STORAGE_SWITCH: &str = "vDS-Storage";

/// The management leg as planned.
pub struct Management<'p> {
    pub ip: &'p Located<Ipv4Addr>,
    pub row: &'p RoutedNetwork,
}

impl<'p> Management<'p> {
    /// `None`: no service is planned.
    pub fn of(plan: &'p Plan) -> Result<Option<Self>> {
        let Some(ip) = &plan.backup.ip else { return Ok(None) };
        Ok(Some(Self { ip, row: vm_networks::need_row(plan, ip)? }))
    }
}

/// The address of the storage leg, and whether the operator gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageIp {
    Given(Ipv4Addr),
    /// Network part of the storage network, host part of the planned address.
    Derived(Ipv4Addr),
}

impl StorageIp {
    pub fn address(self) -> Ipv4Addr {
        match self {
            Self::Given(address) | Self::Derived(address) => address,
        }
    }

    /// The one to use, if it can be.
    ///
    /// # Errors
    /// It is outside the storage network, reserved in it, or another one's.
    pub fn of(plan: &Plan, ip: Ipv4Addr, given: Option<Ipv4Addr>) -> Result<Self> {
        let storage = plan.networks.storage.subnet.value;
        let chosen = given.map_or_else(|| Self::Derived(derived(storage, ip)), Self::Given);
        let address = chosen.address();
        let Some(why) = unusable(plan, address) else { return Ok(chosen) };
        let kind = if given.is_some() { Kind::Usage } else { Kind::Plan };
        let args: [(&str, &dyn Say); 2] = [("address", &address), ("why", &why)];
        Err(Failure::new(kind, message("stages.backup.doing_network", &[]))
            .at("backup.storage_ip")
            .meaning(message("stages.backup.storage_ip", &args))
            .advise(message("stages.backup.storage_ip_advice", &[("network", &storage.trunc())])))
    }
}

fn derived(storage: Ipv4Net, ip: Ipv4Addr) -> Ipv4Addr {
    let network = u32::from(storage.network());
    let hosts = u32::from(storage.hostmask());
    Ipv4Addr::from(network | (u32::from(ip) & hosts))
}

/// Why a service may not have that address in the storage network.
fn unusable(plan: &Plan, address: Ipv4Addr) -> Option<Text> {
    let storage = &plan.networks.storage;
    let subnet = storage.subnet.value;
    if !subnet.contains(&address) {
        return Some(message("stages.backup.outside", &[("network", &subnet.trunc())]));
    }
    if address == subnet.network() || address == subnet.broadcast() {
        return Some(message("stages.backup.reserved", &[("network", &subnet.trunc())]));
    }
    if let Some(gateway) = storage.gateway.as_ref().filter(|gateway| gateway.value == address) {
        return Some(message("stages.backup.taken", &[("cell", &gateway.cell)]));
    }
    let host = plan.hosts.iter().find(|host| host.storage_ip.value == address)?;
    Some(message("stages.backup.taken", &[("cell", &host.storage_ip.cell)]))
}

/// The storage leg on that VM network.
pub fn storage_leg(plan: &Plan, ip: StorageIp, network: String) -> StorageLeg {
    StorageLeg { ip: ip.address(), mask: plan.networks.storage.subnet.value.netmask(), network }
}

/// The switch that carries the cluster's storage network: the planned one, else the only one that is called like one.
pub fn storage_switch<'v>(plan: &Plan, vdses: &'v [Vds]) -> Result<&'v Vds> {
    let planned = &plan.vds.storage.name;
    let own: Vec<&Vds> = vdses.iter().filter(|vds| !vds.internal).collect();
    let named: Vec<&Vds> =
        own.iter().copied().filter(|vds| vds.name.eq_ignore_ascii_case(&planned.value)).collect();
    let alike: Vec<&Vds> = own.iter().copied().filter(|vds| vds.name.contains(STORAGE_SWITCH)).collect();
    match (named.as_slice(), alike.as_slice()) {
        ([one], _) | ([], [one]) => Ok(one),
        (several, alike) => {
            let names: Vec<&str> = own.iter().map(|vds| vds.name.as_str()).collect();
            let fits = if several.is_empty() { alike.len() } else { several.len() };
            let args: [(&str, &dyn Say); 3] =
                [("name", &planned.value), ("cell", &planned.cell), ("count", &fits)];
            Err(Failure::new(Kind::Site, message("stages.backup.doing_network", &[]))
                .answer(Text::same(names.join(", ")))
                .meaning(message("stages.backup.no_switch", &args)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    fn example() -> Plan {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plan.xlsx");
        let bytes = std::fs::read(path).unwrap();
        plan::check_bytes(&bytes, "plan.xlsx", &plan::CheckOptions::default()).plan.unwrap()
    }

    fn vds(name: &str, internal: bool) -> Vds {
        let (id, local_id, bond_mode) = (name.to_owned(), String::new(), String::new());
        Vds { id, local_id, name: name.to_owned(), bond_mode, internal }
    }

    #[test]
    fn the_derived_address_has_the_host_part_of_the_planned_one() {
        let storage = "10.0.21.0/24".parse().unwrap();
        assert_eq!(derived(storage, Ipv4Addr::new(10, 0, 20, 4)), Ipv4Addr::new(10, 0, 21, 4));
        let wide = "172.16.0.0/20".parse().unwrap();
        assert_eq!(derived(wide, Ipv4Addr::new(10, 1, 5, 9)), Ipv4Addr::new(172, 16, 5, 9));
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_with_what_is_wrong_with_it() {
        let plan = example();
        let subnet = plan.networks.storage.subnet.value;
        let host = plan.hosts[0].storage_ip.value;
        let mgmt = plan.hosts[0].mgmt_ip.value;
        for (given, kind) in [
            (Some(mgmt), Kind::Usage),
            (Some(subnet.network()), Kind::Usage),
            (Some(subnet.broadcast()), Kind::Usage),
            (Some(host), Kind::Usage),
            (None, Kind::Plan),
        ] {
            // The host part of a host's address is that host's in the storage network as well.
            let failure = StorageIp::of(&plan, host, given).unwrap_err();
            assert_eq!(failure.kind, kind, "{given:?}");
            assert!(failure.meaning.is_some());
        }
    }

    #[test]
    fn the_planned_switch_comes_first_and_several_alike_stop() {
        let plan = example();
        let planned = plan.vds.storage.name.value.clone();
        let found = |vdses: &[Vds]| storage_switch(&plan, vdses).map(|vds| vds.id.clone()).ok();
        assert_eq!(found(&[vds("a-vDS-Storage", false), vds(&planned, false)]), Some(planned.clone()));
        assert_eq!(found(&[vds("a-vDS-Storage", false), vds("b", false)]), Some("a-vDS-Storage".into()));
        assert_eq!(found(&[vds("a-vDS-Storage", false), vds("b-vDS-Storage", false)]), None);
        assert_eq!(found(&[vds(&planned, true), vds("b", false)]), None, "the system's own is never it");
    }
}
