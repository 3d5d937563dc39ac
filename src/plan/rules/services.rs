//! NTP, DNS and the range for test VMs (planning-sheet 8.6).

use std::net::Ipv4Addr;

use crate::plan::{
    cell::{CellRef, Located},
    diagnostic::Finding,
    draft::{Draft, Network, Role},
    map::MANAGEMENT,
    reading::{Reading, Slot},
};

pub fn check(draft: &Draft, reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    if !reading.trusts(MANAGEMENT) {
        return;
    }
    ntp(draft, findings);
    dns(draft, findings);
    range(draft, findings);
}

fn ntp(draft: &Draft, findings: &mut Vec<Finding>) {
    let servers: Vec<_> = draft.ntp.iter().filter_map(|slot| slot.get()).collect();
    let filled = draft.ntp.iter().filter(|slot| !slot.is_blank()).count();
    if let (0, Some(first)) = (filled, draft.ntp.first()) {
        findings.push(Finding::new("PLAN-411").at(first.cell()));
    }
    if let (2, Some(last)) = (filled, draft.ntp.last()) {
        let two = draft.ntp.iter().filter(|slot| !slot.is_blank()).map(|slot| slot.cell());
        findings.push(Finding::new("PLAN-412").at(last.cell()).related(two));
    }
    let no_dns = draft.dns.iter().all(|slot| slot.is_blank());
    for server in &servers {
        match server.parse::<Ipv4Addr>() {
            Ok(address) => self_reference(draft, "PLAN-414", address, server, findings),
            Err(_) if no_dns => {
                let dns = draft.dns.iter().map(|slot| slot.cell());
                findings.push(Finding::new("PLAN-415").at(&server.cell).value(&server.raw).related(dns));
            }
            Err(_) => {}
        }
    }
    repeated(&servers, |server| server.to_ascii_lowercase(), findings);
}

fn dns(draft: &Draft, findings: &mut Vec<Finding>) {
    if let (true, Some(first)) = (draft.dns.iter().all(|slot| slot.is_blank()), draft.dns.first()) {
        findings.push(Finding::new("PLAN-421").at(first.cell()));
    }
    let servers: Vec<_> = draft.dns.iter().filter_map(|slot| slot.get()).collect();
    for server in &servers {
        self_reference(draft, "PLAN-423", server.value, server, findings);
    }
    repeated(&servers, ToString::to_string, findings);
}

fn self_reference<T>(
    draft: &Draft,
    rule: &'static str,
    address: Ipv4Addr,
    server: &Located<T>,
    findings: &mut Vec<Finding>,
) {
    let all = draft.addresses();
    let same: Vec<_> =
        all.iter().filter(|(_, other)| other.value == address).map(|(_, other)| &other.cell).collect();
    if !same.is_empty() {
        findings.push(Finding::new(rule).at(&server.cell).value(&server.raw).related(same));
    }
}

/// PLAN-416.
fn repeated<T>(servers: &[&Located<T>], form: impl Fn(&T) -> String, findings: &mut Vec<Finding>) {
    for (index, server) in servers.iter().enumerate() {
        let earlier = servers[..index].iter().filter(|other| form(&other.value) == form(&server.value));
        let same: Vec<_> = earlier.map(|other| &other.cell).collect();
        if !same.is_empty() {
            findings.push(Finding::new("PLAN-416").at(&server.cell).value(&server.raw).related(same));
        }
    }
}

fn range(draft: &Draft, findings: &mut Vec<Finding>) {
    let (start, end) = match (&draft.test_start, &draft.test_end) {
        (Slot::Set(start), Slot::Set(end)) => (start, end),
        (Slot::Blank(blank), Slot::Set(other)) | (Slot::Set(other), Slot::Blank(blank)) => {
            return findings.push(Finding::new("PLAN-431.end").at(blank).related([&other.cell]));
        }
        _ => return,
    };
    if start.value > end.value {
        let finding = Finding::new("PLAN-431").at(&end.cell).value(&end.raw);
        return findings.push(finding.related([&start.cell]));
    }
    // Where a range lies cannot be judged by half of the subnets.
    let known = |role| draft.network(role).is_some_and(|net| net.subnet.get().is_some());
    if !known(Role::Mgmt) || !known(Role::Storage) || draft.networks.iter().any(|net| net.subnet.is_bad()) {
        return collisions(draft, start, end, findings);
    }
    // Row 3 is for management controllers only.
    let planned = draft.networks.iter().filter(|net| net.role != Role::Ipmi);
    let planned: Vec<&Network> = planned.filter(|net| net.subnet.get().is_some()).collect();
    let holds = |net: &Network, address| net.subnet.get().is_some_and(|subnet| subnet.contains(address));
    let both = planned.iter().any(|net| holds(net, &start.value) && holds(net, &end.value));
    let either = planned.iter().any(|net| holds(net, &start.value) || holds(net, &end.value));
    if !both && either {
        let finding = Finding::new("PLAN-431.subnets").at(&end.cell).value(&end.raw);
        findings.push(finding.related([&start.cell]));
    } else if !either {
        let value = format!("{} - {}", start.value, end.value);
        findings.push(Finding::new("PLAN-433").at(&start.cell).value(value));
    }
    collisions(draft, start, end, findings);
}

/// PLAN-432: all hits in one finding.
fn collisions(
    draft: &Draft,
    start: &Located<Ipv4Addr>,
    end: &Located<Ipv4Addr>,
    findings: &mut Vec<Finding>,
) {
    let inside = |address: &Ipv4Addr| (start.value..=end.value).contains(address);
    let mut hits: Vec<&CellRef> = Vec::new();
    let gateways = draft.networks.iter().filter_map(|net| net.gateway.get());
    let addresses = draft.addresses();
    let servers = draft.dns.iter().filter_map(|slot| slot.get());
    hits.extend(gateways.filter(|gateway| inside(gateway)).map(|gateway| &gateway.cell));
    hits.extend(addresses.iter().filter(|(_, address)| inside(address)).map(|(_, address)| &address.cell));
    let ntp = draft.ntp.iter().filter_map(|slot| slot.get());
    hits.extend(ntp.filter(|text| text.parse().is_ok_and(|ip| inside(&ip))).map(|server| &server.cell));
    hits.extend(servers.filter(|server| inside(server)).map(|server| &server.cell));
    if !hits.is_empty() {
        let value = format!("{} - {}", start.value, end.value);
        findings.push(Finding::new("PLAN-432").at(&start.cell).value(value).related(hits));
    }
}
