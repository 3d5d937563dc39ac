//! The deploy payload: the planned cluster on the scanned hosts (api-fisheye §3.4).

use std::{collections::BTreeMap, net::Ipv4Addr};

use jiff::Timestamp;

use super::{
    disks::{self, Layout},
    host_ip::host_ip,
};
use crate::{
    clients::fisheye::{
        Associated, BondMode, Deploy, DeployDisk, DeployHost, DeployNetwork, DeployVds, DiskFlags,
    },
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{Plan, model},
    stages::{
        bond::on_the_wire,
        hardware::{Disk, Hardware},
    },
};

/// The payload for these hosts, in plan order. `now` is the time the cluster starts from.
///
/// # Errors
/// Hosts that the layout check would have refused.
pub fn payload(
    plan: &Plan,
    hosts: &[Hardware],
    neighbours: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<Deploy> {
    let (mgmt, storage) = (&plan.vds.mgmt, &plan.vds.storage);
    let networks = &plan.networks;
    let addresses = |of: fn(&model::Host) -> Ipv4Addr| -> Vec<(String, Ipv4Addr)> {
        let pairs = hosts.iter().zip(&plan.hosts);
        pairs.map(|(hardware, host)| (hardware.host_uuid.clone(), of(host))).collect()
    };
    let management = DeployNetwork::management(
        &mgmt.name.value,
        &addresses(|host| host.mgmt_ip.value),
        networks.mgmt.subnet.netmask(),
        networks.mgmt.gateway.value,
        networks.mgmt.vlan_id.value,
    );
    let storage_network = DeployNetwork::storage(
        &storage.name.value,
        &addresses(|host| host.storage_ip.value),
        networks.storage.subnet.netmask(),
        networks.storage.vlan_id.value,
    );
    let deploy_hosts = hosts.iter().zip(&plan.hosts).map(|(hardware, host)| {
        let address = match (hosts.first(), plan.hosts.first()) {
            (Some(first), Some(row)) => {
                host_ip((first, row.mgmt_ip.value), (hardware, host.mgmt_ip.value), neighbours)
            }
            _ => host.mgmt_ip.to_string(),
        };
        deploy_host(plan, hardware, host, address)
    });
    Ok(Deploy::new(
        &plan.cluster.name.value,
        vec![vds(mgmt, hosts), vds(storage, hosts)],
        vec![management, storage_network],
        deploy_hosts.collect::<Result<_>>()?,
        plan.cluster.vhost_enabled.value,
        now,
    ))
}

fn vds(planned: &model::Vds, hosts: &[Hardware]) -> DeployVds {
    let bond_mode = planned.bond_mode.as_ref().map_or(BondMode::ActiveBackup, |mode| on_the_wire(mode.value));
    DeployVds::new(
        &planned.name.value,
        bond_mode,
        hosts.iter().map(|host| associated(planned, host)).collect(),
    )
}

fn associated(planned: &model::Vds, host: &Hardware) -> Associated {
    Associated { host_uuid: host.host_uuid.clone(), nics_associated: host.nic_names(&planned.nics.value) }
}

fn deploy_host(plan: &Plan, hardware: &Hardware, host: &model::Host, host_ip: String) -> Result<DeployHost> {
    let Ok(layout) = disks::layout(hardware, plan.cluster.storage_architecture.value) else {
        let doing = message("stages.payload.doing", &[]);
        return Err(Failure::new(Kind::Bug, doing).at(&host.hostname.value));
    };
    let Layout { disks, data_with_cache, faster_ssd_as_cache, .. } = layout;
    Ok(DeployHost::new(
        host_ip,
        &hardware.host_uuid,
        &host.hostname.value,
        host.mgmt_ip.value,
        host.storage_ip.value,
        disks.into_iter().map(deploy_disk).collect(),
        DiskFlags { disk_data_with_cache: data_with_cache, with_faster_ssd_as_cache: faster_ssd_as_cache },
        host.is_master.value,
    ))
}

fn deploy_disk(disk: Disk) -> DeployDisk {
    let function = match disk.function.as_str() {
        "cache" => "cache",
        "smtx_system" => "smtx_system",
        _ => "data",
    };
    DeployDisk {
        drive: disk.drive,
        function,
        model: disk.model,
        serial: disk.serial,
        size: disk.size,
        kind: disk.kind,
    }
}
