//! 虚拟网络: switches and networks.

use super::{Network, Role, Switch};
use crate::plan::{
    fields::{address, any, names, switch},
    map::{self, NETWORKS},
    model::NetworkArchitecture,
    reading::{Reading, Slot},
};

/// The active rows, top down (planning-sheet 2.10).
pub fn networks(reading: &mut Reading<'_>) -> Vec<Network> {
    let fixed = [(Role::Ipmi, 3), (Role::Mgmt, 4), (Role::Infra, 5), (Role::Storage, 6), (Role::Backup, 7)];
    let business = (8..=18).map(|row| (Role::Business, row));
    let rows = fixed.into_iter().chain(business);
    let active: Vec<_> = rows.filter(|(role, row)| active(reading, *role, *row)).collect();
    active.into_iter().map(|(role, row)| network(reading, role, row)).collect()
}

/// The part of the keys that names the row.
fn key(role: Role, field: &str) -> String {
    let name = match role {
        Role::Ipmi => "ipmi",
        Role::Mgmt => "mgmt",
        Role::Infra => "infra",
        Role::Storage => "storage",
        Role::Backup => "backup",
        Role::Business => "business[]",
    };
    format!("networks.{name}.{field}")
}

fn active(reading: &Reading<'_>, role: Role, row: u32) -> bool {
    let filled =
        |field| map::map().cell(&key(role, field), Some(row)).is_some_and(|cell| reading.filled(&cell));
    match role {
        Role::Ipmi => filled("subnet"),
        Role::Mgmt | Role::Storage => true,
        Role::Infra | Role::Backup => filled("vlan_id") || filled("subnet"),
        Role::Business => filled("name") || filled("vlan_id") || filled("subnet"),
    }
}

fn network(reading: &mut Reading<'_>, role: Role, sheet_row: u32) -> Network {
    let row = Some(sheet_row);
    let name = reading.read(&key(role, "name"), row, names::network);
    let port_type = reading.read(&key(role, "vlan_type"), row, switch::port_type);
    let trunk = port_type.get().is_some_and(|kind| kind.value == switch::PortType::Trunk);
    let (vlan_key, subnet_key, gateway_key) =
        (key(role, "vlan_id"), key(role, "subnet"), key(role, "gateway"));
    // Rows 5 and 7 have a rule of their own for blanks (PLAN-220).
    let partial = matches!(role, Role::Infra | Role::Backup);
    let vlan = if trunk {
        // PLAN-216 refuses the trunk; its list of ids is no VLAN id, but must be a list.
        match reading.read_plain(&vlan_key, row, switch::trunk) {
            Slot::Set(value) => Slot::Bad(value.cell),
            other => other.map(|()| 0),
        }
    } else if partial {
        reading.read_plain(&vlan_key, row, switch::vlan_id)
    } else {
        reading.read(&vlan_key, row, switch::vlan_id)
    };
    let (subnet, gateway) = if partial {
        (
            reading.read_plain(&subnet_key, row, address::cidr),
            reading.read_plain(&gateway_key, row, address::ipv4),
        )
    } else {
        (reading.read(&subnet_key, row, address::cidr), reading.read(&gateway_key, row, address::ipv4))
    };
    Network { role, row: sheet_row, name, vlan, port_type, subnet, gateway }
}

/// The four switches; which of them are used follows from the architecture and the active rows.
pub fn switches(
    reading: &mut Reading<'_>,
    networks: &[Network],
    architecture: &Slot<NetworkArchitecture>,
) -> Vec<Switch> {
    let has = |role| networks.iter().any(|network| network.role == role);
    let separate = architecture.get().is_some_and(|a| a.value == NetworkArchitecture::Separate);
    let trusted = reading.trusts(NETWORKS);
    [
        (Role::Mgmt, "mgmt", trusted),
        (Role::Storage, "storage", trusted),
        (Role::Backup, "backup", has(Role::Backup)),
        (Role::Business, "business", separate && has(Role::Business)),
    ]
    .into_iter()
    .map(|(role, name, used)| switch(reading, role, name, used))
    .collect()
}

fn switch(reading: &mut Reading<'_>, role: Role, name: &str, used: bool) -> Switch {
    let key = |field: &str| format!("vds.{name}.{field}");
    if !used {
        return Switch {
            role,
            used,
            name: blank(&key("name")),
            nics: blank(&key("nics")),
            bond: blank(&key("bond_mode")),
            speed: blank(&key("speed")),
            port_type: blank(&key("port_type")),
            switch_port: blank(&key("switch_port")),
        };
    }
    let nics = reading.read(&key("nics"), None, switch::nics);
    // One NIC has nothing to bond: K is ignored (planning-sheet 4.2).
    let single = nics.get().is_some_and(|nics| distinct(nics).len() == 1);
    let bond_key = key("bond_mode");
    let bond = if single { blank(&bond_key) } else { reading.read_plain(&bond_key, None, switch::bond_mode) };
    Switch {
        role,
        used,
        name: reading.read(&key("name"), None, names::switch),
        nics,
        bond,
        speed: reading.read_plain(&key("speed"), None, any),
        port_type: reading.read_plain(&key("port_type"), None, any),
        switch_port: reading.read_plain(&key("switch_port"), None, any),
    }
}

/// The names of a list without their repetitions, ignoring case; the first spelling stays.
pub fn distinct(nics: &[String]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for nic in nics {
        if !seen.iter().any(|known| known.eq_ignore_ascii_case(nic)) {
            seen.push(nic.clone());
        }
    }
    seen
}

/// A cell of the map that is not looked at.
fn blank<T>(key: &str) -> Slot<T> {
    Slot::Blank(map::map().cell(key, None).unwrap_or_else(|| crate::plan::CellRef::new(NETWORKS, 1, 1)))
}
