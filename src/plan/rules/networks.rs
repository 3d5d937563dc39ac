//! Subnets, gateways, VLANs and network names (planning-sheet 8.4).

use crate::plan::{
    cell::CellRef,
    diagnostic::Finding,
    draft::{Draft, Network, Role},
    fields::{names, switch::PortType},
    model::NetworkArchitecture,
    normalise,
    rule::Severity,
};

/// Names that the product gives its own networks.
const SYSTEM_NAMES: [&str; 3] = ["default", "mgt-network", "storage-network"];

pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    for network in &draft.networks {
        subnet(network, findings);
        kind(network, findings);
        partial(network, findings);
    }
    overlaps(draft, findings);
    vlans(draft, findings);
    names(draft, findings);
}

fn subnet(network: &Network, findings: &mut Vec<Finding>) {
    let Some(subnet) = network.subnet.get() else {
        if network.role == Role::Business && network.subnet.is_blank() {
            findings.push(Finding::new("PLAN-219").at(network.subnet.cell()));
        }
        return;
    };
    if subnet.addr() != subnet.network() {
        let finding = Finding::new("PLAN-202").at(&subnet.cell).value(&subnet.raw);
        findings.push(finding.arg("subnet", &subnet.trunc()));
    }
    if let Some(gateway) = network.gateway.get().filter(|gateway| !subnet.contains(&gateway.value)) {
        let finding = Finding::new("PLAN-204").at(&gateway.cell).value(&gateway.raw);
        let finding = finding.arg("subnet", &subnet.trunc()).related([&subnet.cell]);
        let routed = matches!(network.role, Role::Mgmt | Role::Infra);
        findings.push(if routed { finding } else { finding.severity(Severity::Warning) });
    }
}

/// PLAN-216 for a trunk where only access works; another text was refused by its parser.
fn kind(network: &Network, findings: &mut Vec<Finding>) {
    let refused = matches!(network.role, Role::Mgmt | Role::Infra | Role::Storage | Role::Business);
    if let Some(kind) = network.port_type.get().filter(|kind| refused && kind.value == PortType::Trunk) {
        findings.push(Finding::new("PLAN-216.trunk").at(&kind.cell).value(&kind.raw));
    }
}

/// PLAN-220: an optional row is filled or left alone.
fn partial(network: &Network, findings: &mut Vec<Finding>) {
    let mut report = |blank: bool, cell: &CellRef| {
        if blank {
            findings.push(Finding::new("PLAN-220").at(cell).arg("row", &network.row));
        }
    };
    if matches!(network.role, Role::Infra | Role::Backup) {
        report(network.vlan.is_blank(), network.vlan.cell());
        report(network.subnet.is_blank(), network.subnet.cell());
    }
    if network.role == Role::Infra {
        report(network.gateway.is_blank(), network.gateway.cell());
    }
}

/// PLAN-203; row 3 never counts.
fn overlaps(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut earlier: Vec<(&Network, _)> = Vec::new();
    for network in draft.networks.iter().filter(|network| network.role != Role::Ipmi) {
        let Some(subnet) = network.subnet.get() else { continue };
        let hit: Vec<_> = earlier
            .iter()
            .filter(|(_, other): &&(_, &crate::plan::Located<ipnet::Ipv4Net>)| {
                other.contains(&subnet.network()) || subnet.contains(&other.network())
            })
            .collect();
        if !hit.is_empty() {
            let storage =
                network.role == Role::Storage || hit.iter().any(|(net, _)| net.role == Role::Storage);
            let finding = Finding::new("PLAN-203").at(&subnet.cell).value(&subnet.raw);
            let finding = finding.related(hit.iter().map(|(_, other)| &other.cell));
            findings.push(if storage { finding } else { finding.severity(Severity::Warning) });
        }
        earlier.push((network, subnet));
    }
}

/// PLAN-214 and 218.
fn vlans(draft: &Draft, findings: &mut Vec<Finding>) {
    let converged = draft
        .cluster
        .network
        .get()
        .is_some_and(|architecture| architecture.value == NetworkArchitecture::StorageSeparate);
    // The switch that carries a network; row 3 has none of ours.
    let home = |role| match role {
        Role::Ipmi => None,
        Role::Mgmt | Role::Infra => Some(Role::Mgmt),
        Role::Business if converged => Some(Role::Mgmt),
        other => Some(other),
    };
    let mut earlier: Vec<(Role, u16, &CellRef)> = Vec::new();
    for network in &draft.networks {
        let (Some(vlan), Some(home)) = (network.vlan.get(), home(network.role)) else { continue };
        let same: Vec<_> = earlier
            .iter()
            .filter(|(other, id, _)| *other == home && *id == vlan.value)
            .map(|(.., cell)| *cell)
            .collect();
        if !same.is_empty() {
            findings.push(Finding::new("PLAN-214").at(&vlan.cell).value(&vlan.raw).related(same));
        }
        earlier.push((home, vlan.value, &vlan.cell));
        let named = network.name.get().and_then(|name| Some((name, names::vlan_in_name(name)?)));
        if let Some((name, id)) = named.filter(|(_, id)| *id != vlan.value) {
            let finding = Finding::new("PLAN-218").at(&name.cell).value(&name.raw);
            findings.push(finding.arg("named", &id).arg("vlan", &vlan.value).related([&vlan.cell]));
        }
    }
}

/// PLAN-215 and 225.
fn names(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut earlier: Vec<(String, &CellRef)> = Vec::new();
    for network in &draft.networks {
        let Some(name) = network.name.get().filter(|_| network.role != Role::Ipmi) else { continue };
        let folded = normalise::fold(name);
        let same: Vec<_> =
            earlier.iter().filter(|(other, _)| *other == folded).map(|(_, cell)| *cell).collect();
        let ours = matches!(network.role, Role::Mgmt | Role::Storage);
        if !same.is_empty() {
            findings.push(Finding::new("PLAN-215").at(&name.cell).value(&name.raw).related(same));
        } else if !ours && SYSTEM_NAMES.contains(&folded.as_str()) {
            findings.push(Finding::new("PLAN-215.system").at(&name.cell).value(&name.raw));
        }
        if network.role == Role::Mgmt && name.value != "default" {
            findings.push(Finding::new("PLAN-225").at(&name.cell).value(&name.raw));
        }
        earlier.push((folded, &name.cell));
    }
}
