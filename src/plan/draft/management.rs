//! 集群管理信息 and 文档描述: components, services, test range, project; and the draft as a whole.

use std::net::Ipv4Addr;

use super::{Backup, CloudTower, Draft, Observability, hosts, networks};
use crate::plan::{
    cell::Located,
    diagnostic::Finding,
    fields::{Parsed, Reject, address, any},
    map::map,
    reading::{Reading, Slot},
};

impl Draft {
    /// Reads every field of the book.
    pub fn read(reading: &mut Reading<'_>) -> Self {
        let cluster = hosts::cluster(reading);
        let networks = networks::networks(reading);
        let switches = networks::switches(reading, &networks, &cluster.network);
        let hosts = hosts::hosts(reading);
        let (test_start, test_end) = test_range(reading);
        Self {
            customer: reading.read("project.customer_name", None, any),
            project: reading.read("project.name", None, any),
            datacenter: reading.read("project.datacenter_name", None, any),
            cluster,
            switches,
            networks,
            hosts,
            cloudtower: cloudtower(reading),
            observability: observability(reading),
            backup: backup(reading),
            er_vip: reading.read("er.vip", None, address::unicast),
            er_nodes: each(reading, "er.nodes[]", address::unicast),
            er_serial: reading.read("er.serial", None, any),
            extras: (12..=17)
                .map(|row| {
                    (
                        reading.read("extra_components[].name", Some(row), any),
                        reading.read("extra_components[].ip", Some(row), address::unicast),
                    )
                })
                .collect(),
            test_start,
            test_end,
            ntp: each(reading, "ntp.servers[]", address::ntp_server),
            dns: each(reading, "dns.servers[]", address::dns_server),
        }
    }
}

fn each<T>(reading: &mut Reading<'_>, key: &str, parse: fn(&str) -> Parsed<T>) -> Vec<Slot<T>> {
    let rows = map().field(key).map(|field| field.rows());
    rows.into_iter().flatten().map(|row| reading.read(key, Some(row), parse)).collect()
}

fn cloudtower(reading: &mut Reading<'_>) -> CloudTower {
    CloudTower {
        vm_name: reading.read("cloudtower.vm_name", None, lower),
        version: reading.read("cloudtower.version", None, any),
        ip: reading.read("cloudtower.ip", None, address::unicast),
        web_user: reading.read("cloudtower.web_user", None, any),
        web_password: reading.secret("cloudtower.web_password", None),
        ssh_user: reading.read("cloudtower.ssh_user", None, any),
        ssh_password: reading.secret("cloudtower.ssh_password", None),
        serial: reading.read("cloudtower.serial", None, any),
    }
}

fn observability(reading: &mut Reading<'_>) -> Observability {
    Observability {
        vm_name: reading.read("observability.vm_name", None, lower),
        version: reading.read("observability.version", None, any),
        ip: reading.read("observability.ip", None, address::unicast),
        ssh_user: reading.read("observability.ssh_user", None, any),
        ssh_password: reading.secret("observability.ssh_password", None),
        serial: reading.read("observability.serial", None, any),
    }
}

fn backup(reading: &mut Reading<'_>) -> Backup {
    Backup {
        vm_name: reading.read("backup.vm_name", None, lower),
        version: reading.read("backup.version", None, any),
        ip: reading.read("backup.ip", None, address::unicast),
        serial: reading.read("backup.serial", None, any),
    }
}

/// VM names are the sheet's, lower-cased (planning-sheet 3.5).
fn lower(text: &str) -> Parsed<String> {
    Ok(text.to_lowercase())
}

/// Both ends, or `a-b` in the first cell alone (planning-sheet 4.4).
fn test_range(reading: &mut Reading<'_>) -> (Slot<Ipv4Addr>, Slot<Ipv4Addr>) {
    let end = reading.read("test_range.end", None, address::unicast);
    if !end.is_blank() {
        return (reading.read("test_range.start", None, address::unicast), end);
    }
    match reading.read("test_range.start", None, one_or_two) {
        Slot::Set(Located { value: (start, Some(last)), cell, raw, origin }) => {
            reading.findings.push(Finding::new("PLAN-022.range").at(&cell).value(&raw));
            let end = Located { value: last, cell: cell.clone(), raw: raw.clone(), origin };
            (Slot::Set(Located { value: start, cell, raw, origin }), Slot::Set(end))
        }
        other => (other.map(|(start, _)| start), end),
    }
}

fn one_or_two(text: &str) -> Result<(Ipv4Addr, Option<Ipv4Addr>), Reject> {
    match address::range(text) {
        Some((start, end)) => Ok((address::unicast(start)?, Some(address::unicast(end)?))),
        None => Ok((address::unicast(text)?, None)),
    }
}
