//! What the site checks before it accepts a deployment (site-behaviour §3.1).

use std::{collections::BTreeSet, net::Ipv4Addr};

use super::{
    super::{
        exchange::Refused,
        twin::{Disk, Host, Twin},
    },
    deploy_body::{DeployBody, DeployHost, DeployNetwork, DeployVds},
};

type Check = Result<(), Refused>;

fn ensure(good: bool, field: &str, reason: &str) -> Check {
    if good { Ok(()) } else { Err(Refused::form(field, reason)) }
}

fn distinct<T: Ord>(items: impl IntoIterator<Item = T>, field: &str) -> Check {
    let mut seen = BTreeSet::new();
    let all_new = items.into_iter().all(|item| seen.insert(item));
    ensure(all_new, field, "named twice")
}

/// All checks; `receiver` is the host that was asked.
pub fn check(twin: &Twin, receiver: &Host, body: &DeployBody) -> Check {
    ensure(body.platform == "kvm", "platform", "must be kvm")?;
    ensure(!body.cluster_name.is_empty(), "cluster_name", "must not be empty")?;
    ensure(body.dns_server == ["127.0.0.1"], "dns_server", "must be 127.0.0.1")?;
    ensure(body.ntp.mode == "internal", "ntp", "mode must be internal")?;
    let time = &body.ntp.current_time;
    let utc = time.ends_with('Z') && time.contains('.') && time.parse::<jiff::Timestamp>().is_ok();
    ensure(utc, "ntp", "current_time must be UTC in RFC 3339 with milliseconds")?;
    ensure(!body.rdma_enabled, "rdma_enabled", "no NIC is able to do it")?;
    check_hosts(twin, receiver, body)?;
    distinct(body.vdses.iter().map(|vds| &vds.name), "vdses")?;
    for vds in &body.vdses {
        check_vds(twin, body, vds)?;
    }
    check_nics_apart(body)?;
    let [mgmt, storage] = body.networks.as_slice() else {
        return Err(Refused::form("networks", "must be the management and the storage network"));
    };
    check_network(body, mgmt, "mgt", "mgt-network", "port-mgt", |host| Some(host.mgmt_ip), twin)?;
    check_network(body, storage, "storage", "storage-network", "port-storage", |_| None, twin)?;
    ensure(
        mgmt.network_config.route.as_ref().is_some_and(|routes| routes.len() == 1),
        "networks",
        "the management network needs a route",
    )?;
    ensure(storage.network_config.route.is_none(), "networks", "the storage network takes no route")
}

fn check_hosts(twin: &Twin, receiver: &Host, body: &DeployBody) -> Check {
    ensure(
        body.hosts.iter().any(|host| host.host_uuid == receiver.uuid),
        "hosts",
        "the asked node is missing",
    )?;
    distinct(body.hosts.iter().map(|host| &host.host_uuid), "host_uuid")?;
    distinct(body.hosts.iter().map(|host| host.hostname.to_lowercase()), "hostname")?;
    distinct(body.hosts.iter().flat_map(|host| host.ifaces.iter().map(|iface| iface.ip)), "ifaces")?;
    let masters = body.hosts.iter().filter(|host| host.is_master).count();
    ensure(masters >= 3 && masters % 2 == 1, "is_master", "at least three masters, and an odd number")?;
    for planned in &body.hosts {
        let host = twin.host(&planned.host_uuid);
        let host = host.ok_or_else(|| Refused::form("host_uuid", "unknown host"))?;
        check_host(body, receiver, host, planned)?;
    }
    Ok(())
}

fn check_host(body: &DeployBody, receiver: &Host, host: &Host, planned: &DeployHost) -> Check {
    ensure(!planned.hostname.is_empty(), "hostname", "must not be empty")?;
    ensure(reaches(&planned.host_ip, receiver, host), "host_ip", "does not lead from this node to the host")?;
    let mut users: Vec<&str> = planned.host_passwords.iter().map(|entry| entry.user.as_str()).collect();
    users.sort_unstable();
    ensure(users == ["root", "smartx"], "host_passwords", "must name root and smartx")?;
    ensure(planned.tags.is_empty(), "tags", "must be empty")?;
    let address = |function: &str| {
        planned
            .ifaces
            .iter()
            .filter(|iface| iface.function == function)
            .map(|iface| iface.ip)
            .collect::<Vec<_>>()
    };
    let served = |kind: &str| {
        let networks = body.networks.iter().filter(|network| network.network_type == kind);
        let services = networks.flat_map(|network| &network.network_config.service);
        services
            .filter(|service| service.host_uuid == host.uuid)
            .map(|service| service.service_interface_ip)
            .collect::<Vec<_>>()
    };
    let agree = planned.ifaces.len() == 2
        && ["mgt", "storage"].iter().all(|kind| address(kind).len() == 1 && address(kind) == served(kind));
    ensure(agree, "ifaces", "must name the mgt and storage address of the network services")?;
    check_disks(host, planned)
}

/// A link-local of the host with a zone of the receiving node, or the host's management address.
fn reaches(host_ip: &str, receiver: &Host, host: &Host) -> bool {
    match host_ip.split_once('%') {
        Some((address, zone)) => {
            let own = host.ifaces.iter().any(|iface| iface.ipv6.as_deref() == Some(address));
            own && receiver.ifaces.iter().any(|iface| iface.name == zone)
        }
        None => host_ip.parse::<Ipv4Addr>() == Ok(host.mgmt_ip),
    }
}

/// Every disk but the boot disk, as scanned, with a role that fits the flags (api-fisheye §3.4, disk roles).
fn check_disks(host: &Host, planned: &DeployHost) -> Check {
    distinct(planned.disks.iter().map(|disk| &disk.drive), "disks")?;
    for disk in &planned.disks {
        let scanned = host.disks.iter().find(|scanned| scanned.drive == disk.drive);
        let scanned =
            scanned.ok_or_else(|| Refused::form("disks", format!("{} is not there", disk.drive)))?;
        ensure(scanned.function != "boot", "disks", "the boot disk is listed")?;
        let same = Disk { function: scanned.function.clone(), ..disk.clone() } == *scanned;
        ensure(same, "disks", "differs from the scan")?;
        ensure(
            ["cache", "data"].contains(&disk.function.as_str()),
            "disks",
            "function must be cache or data",
        )?;
    }
    let usable = host.disks.iter().filter(|disk| disk.function != "boot").count();
    ensure(planned.disks.len() == usable, "disks", "a disk is missing")?;
    let caches = planned.disks.iter().filter(|disk| disk.function == "cache").count();
    let flags = (planned.disk_data_with_cache, planned.with_faster_ssd_as_cache);
    let fits = match flags {
        (true, true) => caches == 0,
        (false, true) => caches > 0 && caches < planned.disks.len(),
        _ => false,
    };
    ensure(fits, "disk_data_with_cache", "does not fit the disk functions")
}

fn check_vds(twin: &Twin, body: &DeployBody, vds: &DeployVds) -> Check {
    ensure(!vds.name.is_empty(), "vdses", "name must not be empty")?;
    distinct(vds.hosts_associated.iter().map(|host| &host.host_uuid), "hosts_associated")?;
    ensure(vds.hosts_associated.len() == body.hosts.len(), "hosts_associated", "must cover every host")?;
    let widest = vds.hosts_associated.iter().map(|host| host.nics_associated.len()).max().unwrap_or(0);
    let modes = ["active-backup", "balance-slb", "balance-tcp"];
    let fits = match &vds.bond_mode {
        None => widest == 1,
        Some(mode) => widest > 1 && modes.contains(&mode.as_str()),
    };
    ensure(fits, "bond_mode", "one known mode with several NICs, none with one NIC")?;
    for associated in &vds.hosts_associated {
        let listed = body.hosts.iter().any(|host| host.host_uuid == associated.host_uuid);
        let host = twin.host(&associated.host_uuid).filter(|_| listed);
        let host = host.ok_or_else(|| Refused::form("host_uuid", "unknown host"))?;
        let there = |nic: &String| host.ifaces.iter().any(|iface| iface.name == *nic);
        let nics = &associated.nics_associated;
        ensure(!nics.is_empty() && nics.iter().all(there), "nics_associated", "a NIC is not on the host")?;
    }
    Ok(())
}

fn check_nics_apart(body: &DeployBody) -> Check {
    let uses = body.vdses.iter().flat_map(|vds| &vds.hosts_associated);
    let pairs = uses.flat_map(|host| host.nics_associated.iter().map(move |nic| (&host.host_uuid, nic)));
    distinct(pairs, "nics_associated")
}

fn check_network(
    body: &DeployBody,
    network: &DeployNetwork,
    kind: &str,
    name: &str,
    interface: &str,
    fixed: fn(&Host) -> Option<Ipv4Addr>,
    twin: &Twin,
) -> Check {
    ensure(network.network_type == kind && network.name == name, "networks", "wrong type, name or order")?;
    let attached = body.vdses.iter().any(|vds| vds.name == network.attached_vds);
    ensure(attached, "attached_vds", "no such VDS")?;
    let mode = &network.mode;
    ensure(
        mode.kind == "vlan_access" && mode.network_identities.len() == 1,
        "mode",
        "one VLAN in access mode",
    )?;
    ensure(mode.network_identities.iter().all(|id| *id <= 4094), "network_identities", "out of range")?;
    let services = &network.network_config.service;
    distinct(services.iter().map(|service| &service.host_uuid), "service")?;
    let covered = |host: &DeployHost| services.iter().any(|service| service.host_uuid == host.host_uuid);
    let complete = services.len() == body.hosts.len() && body.hosts.iter().all(covered);
    ensure(complete, "service", "must cover every host")?;
    for service in services {
        ensure(service.service_interface_name == interface, "service_interface_name", "wrong interface")?;
        let bits = u32::from(service.netmask);
        ensure(bits != 0 && bits.leading_ones() == bits.count_ones(), "netmask", "is no netmask")?;
        let kept = twin.host(&service.host_uuid).and_then(fixed);
        let same = kept.is_none_or(|address| address == service.service_interface_ip);
        ensure(same, "service_interface_ip", "is not the address of the host")?;
    }
    Ok(())
}
