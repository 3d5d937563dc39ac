//! Switches: NICs, bonds, names, physical ports (planning-sheet 8.4). Only used switches are looked at.

use crate::plan::{
    cell::{CellRef, Located},
    diagnostic::Finding,
    draft::{Draft, Role, Switch, distinct},
    fields::switch,
    map::{self, NETWORKS},
    model::NetworkArchitecture,
    normalise,
    reading::Reading,
};

/// Mbit/s below which a storage link is slow (PLAN-224).
const STORAGE_SPEED: u64 = 10_000;

pub fn check(draft: &Draft, reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    for switch in draft.used_switches() {
        nics(switch, findings);
    }
    shared_nics(draft, findings);
    names(draft, findings);
    ports(draft, findings);
    ignored(draft, reading, findings);
    let speed = draft.switch(Role::Storage).and_then(|switch| switch.speed.get());
    if let Some(speed) = speed.filter(|text| switch::speed(text).is_some_and(|speed| speed < STORAGE_SPEED)) {
        findings.push(Finding::new("PLAN-224").at(&speed.cell).value(&speed.raw));
    }
}

fn nics(switch: &Switch, findings: &mut Vec<Finding>) {
    let Some(nics) = switch.nics.get() else { return };
    let distinct = distinct(nics);
    if distinct.len() < nics.len() {
        findings.push(Finding::new("PLAN-208").at(&nics.cell).value(&nics.raw));
    }
    if distinct.len() == 1 {
        findings.push(Finding::new("PLAN-209").at(&nics.cell).value(&nics.raw));
    } else if switch.bond.is_blank() {
        findings.push(Finding::new("PLAN-211").at(switch.bond.cell()));
    }
}

/// PLAN-207: a port belongs to one switch.
fn shared_nics(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut earlier: Vec<&Located<Vec<String>>> = Vec::new();
    for nics in draft.used_switches().filter_map(|switch| switch.nics.get()) {
        let has = |list: &[String], nic: &String| list.iter().any(|other| other.eq_ignore_ascii_case(nic));
        let taken: Vec<_> =
            distinct(nics).into_iter().filter(|nic| earlier.iter().any(|other| has(other, nic))).collect();
        if !taken.is_empty() {
            let others = earlier.iter().filter(|other| taken.iter().any(|nic| has(other, nic)));
            let finding = Finding::new("PLAN-207").at(&nics.cell).value(&nics.raw);
            findings.push(finding.arg("nics", &taken.join(", ")).related(others.map(|other| &other.cell)));
        }
        earlier.push(nics);
    }
}

fn names(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut earlier: Vec<(String, &CellRef)> = Vec::new();
    for name in draft.used_switches().filter_map(|switch| switch.name.get()) {
        let folded = normalise::fold(name);
        let same: Vec<_> =
            earlier.iter().filter(|(other, _)| *other == folded).map(|(_, cell)| *cell).collect();
        if !same.is_empty() {
            findings.push(Finding::new("PLAN-212").at(&name.cell).value(&name.raw).related(same));
        }
        earlier.push((folded, &name.cell));
    }
}

/// PLAN-217: a tagged network behind a physical access port.
fn ports(draft: &Draft, findings: &mut Vec<Finding>) {
    for switch in draft.used_switches() {
        let access = switch.switch_port.get().filter(|port| port.eq_ignore_ascii_case("access"));
        let Some(port) = access else { continue };
        let vlan = if switch.role == Role::Business {
            // More than one VLAN does not fit through an access port: the second is one too many.
            draft.networks_of(Role::Business).nth(1).and_then(|network| network.vlan.get())
        } else {
            let network = draft.network(switch.role);
            network.and_then(|network| network.vlan.get()).filter(|vlan| vlan.value != 0)
        };
        if let Some(vlan) = vlan {
            let finding = Finding::new("PLAN-217").at(&vlan.cell).value(&vlan.raw);
            findings.push(finding.related([&port.cell]));
        }
    }
}

/// PLAN-223: NICs for a switch that this architecture does not build.
fn ignored(draft: &Draft, reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let architecture = draft.cluster.network.get();
    let Some(architecture) = architecture.filter(|a| a.value == NetworkArchitecture::StorageSeparate) else {
        return;
    };
    if let Some(cell) = map::map().cell("vds.business.nics", None)
        && reading.trusts(NETWORKS)
        && reading.filled(&cell)
    {
        findings.push(Finding::new("PLAN-223").at(&cell).related([&architecture.cell]));
    }
}
