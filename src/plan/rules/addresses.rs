//! Addresses against each other, against gateways and against their subnets (planning-sheet 8.3).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::plan::{
    cell::{CellRef, Located},
    diagnostic::Finding,
    draft::{Draft, Network, Purpose, Role},
    rule::Severity,
};

pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    let addresses = draft.addresses();
    duplicates(&addresses, findings);
    for (purpose, address) in &addresses {
        let homes: Vec<&Network> = homes(draft, *purpose);
        outside(*purpose, address, &homes, findings);
        // The gateways of rows 4 to 7; row 3 serves the BMC only, business rows hold no planned address.
        let gateways = draft.networks.iter().filter(|net| (4..=7).contains(&net.row));
        for gateway in gateways.filter_map(|net| net.gateway.get()) {
            if gateway.value == address.value {
                let finding = Finding::new("PLAN-108").at(&address.cell).value(&address.raw);
                findings.push(finding.related([&gateway.cell]));
            }
        }
        let nets = homes.iter().filter_map(|net| net.subnet.get());
        reserved(address, nets, findings);
    }
    for network in &draft.networks {
        if let (Some(gateway), Some(subnet)) = (network.gateway.get(), network.subnet.get()) {
            reserved(gateway, [subnet].into_iter(), findings);
        }
    }
}

/// The networks in which an address of this purpose may lie.
fn homes(draft: &Draft, purpose: Purpose) -> Vec<&Network> {
    let roles: &[Role] = match purpose {
        Purpose::Bmc => &[Role::Ipmi],
        Purpose::Mgmt | Purpose::Vip => &[Role::Mgmt],
        Purpose::Storage => &[Role::Storage],
        Purpose::Component | Purpose::Extra => &[Role::Mgmt, Role::Infra],
    };
    draft.networks.iter().filter(|net| roles.contains(&net.role)).collect()
}

fn outside(purpose: Purpose, address: &Located<Ipv4Addr>, homes: &[&Network], findings: &mut Vec<Finding>) {
    // A subnet that failed its own check proves nothing.
    let subnets: Vec<_> = homes.iter().filter_map(|net| net.subnet.get()).collect();
    if subnets.is_empty() || subnets.len() < homes.len() {
        return;
    }
    if subnets.iter().any(|net| net.contains(&address.value)) {
        return;
    }
    let names: Vec<_> = subnets.iter().map(|net| net.trunc().to_string()).collect();
    let finding = Finding::new("PLAN-106")
        .at(&address.cell)
        .value(&address.raw)
        .arg("subnet", &names.join(", "))
        .related(subnets.iter().map(|net| &net.cell));
    let mild = matches!(purpose, Purpose::Bmc | Purpose::Extra);
    findings.push(if mild { finding.severity(Severity::Warning) } else { finding });
}

/// PLAN-107: the network or the broadcast address of its subnet.
fn reserved<'a>(
    address: &Located<Ipv4Addr>,
    subnets: impl Iterator<Item = &'a Located<Ipv4Net>>,
    findings: &mut Vec<Finding>,
) {
    for subnet in subnets.filter(|net| net.contains(&address.value)) {
        if address.value == subnet.network() || address.value == subnet.broadcast() {
            let finding = Finding::new("PLAN-107").at(&address.cell).value(&address.raw);
            findings.push(finding.arg("subnet", &subnet.trunc()).related([&subnet.cell]));
            return;
        }
    }
}

/// PLAN-105: once for every later cell with all earlier ones; a conflict of the VIP is always the VIP's.
fn duplicates(addresses: &[(Purpose, &Located<Ipv4Addr>)], findings: &mut Vec<Finding>) {
    let report = |at: &Located<Ipv4Addr>, others: Vec<&CellRef>, findings: &mut Vec<Finding>| {
        if !others.is_empty() {
            findings.push(Finding::new("PLAN-105").at(&at.cell).value(&at.raw).related(others));
        }
    };
    for (index, (purpose, address)) in addresses.iter().enumerate() {
        let candidates = if *purpose == Purpose::Vip { addresses } else { &addresses[..index] };
        let others: Vec<_> = candidates
            .iter()
            .filter(|(other, same)| {
                *other != Purpose::Vip && same.value == address.value && same.cell != address.cell
            })
            .map(|(_, other)| &other.cell)
            .collect();
        report(address, others, findings);
    }
}
