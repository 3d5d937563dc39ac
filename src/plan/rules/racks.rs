//! Places in racks (planning-sheet 8.7).

use crate::plan::{
    diagnostic::Finding,
    draft::{Draft, Host},
    normalise,
    rule::Severity,
};

/// Units of an ordinary rack; above, up to 60, it is unusual (PLAN-501).
const ORDINARY: u8 = 42;

pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    let any_racked = draft.hosts.iter().any(|host| host.rack.get().is_some());
    let mut earlier: Vec<&Host> = Vec::new();
    for host in &draft.hosts {
        units(host, findings);
        incomplete(host, any_racked, findings);
        let taken: Vec<_> =
            earlier.iter().filter(|other| overlap(host, other)).map(|other| other.u_start.cell()).collect();
        if let (false, Some(start)) = (taken.is_empty(), host.u_start.get()) {
            findings.push(Finding::new("PLAN-502").at(&start.cell).value(&start.raw).related(taken));
        }
        earlier.push(host);
    }
}

fn units(host: &Host, findings: &mut Vec<Finding>) {
    let ends = [host.u_start.get(), host.u_end.get()];
    for unit in ends.into_iter().flatten().filter(|unit| unit.value > ORDINARY) {
        // A defaulted end above the rack is the start's fault.
        let cell = if unit.raw.is_empty() { host.u_start.cell() } else { &unit.cell };
        if unit.value > 60 {
            findings.push(Finding::new("PLAN-501").at(cell).value(unit.value.to_string()));
        } else if !unit.raw.is_empty() {
            let finding = Finding::new("PLAN-501.high").at(cell).value(&unit.raw);
            findings.push(finding.severity(Severity::Warning));
        }
    }
    if let [Some(start), Some(end)] = ends
        && end.value < start.value
    {
        let finding = Finding::new("PLAN-501.order").at(&end.cell).value(&end.raw);
        findings.push(finding.related([&start.cell]));
    }
}

/// PLAN-503: half a place, or only some hosts placed.
fn incomplete(host: &Host, any_racked: bool, findings: &mut Vec<Finding>) {
    if host.rack.is_blank() && (!host.u_start.is_blank() || any_racked) {
        findings.push(Finding::new("PLAN-503").at(host.rack.cell()));
    }
    if host.u_start.is_blank() && !host.rack.is_blank() {
        findings.push(Finding::new("PLAN-503").at(host.u_start.cell()));
    }
}

fn overlap(a: &Host, b: &Host) -> bool {
    let place = |host: &Host| {
        Some((normalise::fold(host.rack.get()?), host.u_start.get()?.value, host.u_end.get()?.value))
    };
    match (place(a), place(b)) {
        (Some((rack, start, end)), Some((other, first, last))) => {
            rack == other && start <= last && first <= end
        }
        _ => false,
    }
}
