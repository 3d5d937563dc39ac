//! From a draft without errors to the plan, derived values included (planning-sheet 6).

use super::{
    cell::{CellRef, Located, Origin},
    draft::{self, Draft, Role},
    model::*,
    reading::Slot,
};

/// Builds the plan. The error names a cell without which there is none; the rules have reported it then.
pub fn plan(draft: Draft) -> Result<Plan, CellRef> {
    let count = draft.hosts.len();
    let hosts = draft
        .hosts
        .into_iter()
        .enumerate()
        .map(|(index, slots)| host(slots, index, count))
        .collect::<Result<Vec<_>, _>>()?;
    let first = hosts.first().map(|host| host.mgmt_ip.cell.clone());
    let first = first.ok_or_else(|| CellRef::new(super::map::HOSTS, 3, 9))?;
    Ok(Plan {
        project: Project {
            customer_name: draft.customer.required()?,
            name: draft.project.optional(),
            datacenter_name: draft.datacenter.required()?,
        },
        cluster: cluster(draft.cluster)?,
        vds: switches(draft.switches)?,
        networks: networks(draft.networks)?,
        hosts,
        cloudtower: CloudTower {
            vm_name: draft.cloudtower.vm_name.required()?,
            version: draft.cloudtower.version.optional(),
            ip: draft.cloudtower.ip.required()?,
            web_user: draft.cloudtower.web_user.required()?,
            web_password: draft.cloudtower.web_password.required()?,
            ssh_user: draft.cloudtower.ssh_user.optional(),
            ssh_password: draft.cloudtower.ssh_password.optional(),
            serial: draft.cloudtower.serial.optional(),
        },
        observability: Observability {
            vm_name: draft.observability.vm_name.required()?,
            version: draft.observability.version.optional(),
            ip: draft.observability.ip.optional(),
            ssh_user: draft.observability.ssh_user.required()?,
            ssh_password: draft.observability.ssh_password.optional(),
            serial: draft.observability.serial.optional(),
        },
        backup: Backup {
            vm_name: draft.backup.vm_name.required()?,
            version: draft.backup.version.optional(),
            ip: draft.backup.ip.optional(),
            serial: draft.backup.serial.optional(),
        },
        er: Er {
            vip: draft.er_vip.optional(),
            nodes: draft.er_nodes.into_iter().filter_map(Slot::optional).collect(),
            serial: draft.er_serial.optional(),
        },
        extra_components: draft
            .extras
            .into_iter()
            .filter_map(|(name, ip)| Some(ExtraComponent { name: name.optional(), ip: ip.optional()? }))
            .collect(),
        test_range: match (draft.test_start.optional(), draft.test_end.optional()) {
            (Some(start), Some(end)) => Some(TestRange { start, end }),
            _ => None,
        },
        ntp: Ntp { servers: draft.ntp.into_iter().filter_map(Slot::optional).collect() },
        dns: Dns { servers: draft.dns.into_iter().filter_map(Slot::optional).collect() },
        alert: Alert { notice_percent: derived(notice_percent(count), &first) },
    })
}

/// floor((95·n − 100) / n): 61 for three hosts, 88 for sixteen.
fn notice_percent(hosts: usize) -> u8 {
    let percent = (95 * hosts).saturating_sub(100) / hosts.max(1);
    u8::try_from(percent).unwrap_or(u8::MAX)
}

/// The first three hosts are masters, or the first five of five and more.
fn is_master(index: usize, hosts: usize) -> bool {
    index < if hosts < 5 { 3 } else { 5 }
}

fn derived<T>(value: T, cell: &CellRef) -> Located<T> {
    Located { value, cell: cell.clone(), raw: String::new(), origin: Origin::Derived }
}

fn host(slots: draft::Host, index: usize, count: usize) -> Result<Host, CellRef> {
    let mgmt_ip = slots.mgmt_ip.required()?;
    Ok(Host {
        row: slots.row,
        index,
        number: slots.number.required()?,
        serial: slots.serial.optional(),
        bmc_ip: slots.bmc_ip.optional(),
        bmc_user: slots.bmc_user.optional(),
        bmc_password: slots.bmc_password.optional(),
        hostname: slots.hostname.required()?,
        is_master: derived(is_master(index, count), &mgmt_ip.cell),
        mgmt_ip,
        ssh_user: slots.ssh_user.required()?,
        ssh_password: slots.ssh_password.required()?,
        admin_user: slots.admin_user.required()?,
        admin_password: slots.admin_password.required()?,
        storage_ip: slots.storage_ip.required()?,
        description: slots.description.optional(),
        rack_name: slots.rack.optional(),
        rack_u_start: slots.u_start.optional(),
        rack_u_end: slots.u_end.optional(),
    })
}

fn cluster(slots: draft::Cluster) -> Result<Cluster, CellRef> {
    let features = slots.features.required()?;
    let has = |feature| derived(features.contains(&feature), &features.cell);
    Ok(Cluster {
        name: slots.name.required()?,
        smtx_version: slots.version.optional(),
        serial: slots.serial.optional(),
        vip: slots.vip.required()?,
        admin_user: slots.admin_user.required()?,
        admin_password: slots.admin_password.required()?,
        storage_architecture: slots.storage.required()?,
        network_architecture: slots.network.required()?,
        vhost_enabled: has(Feature::Boost),
        rdma_enabled: has(Feature::Rdma),
        features,
    })
}

fn switches(switches: Vec<draft::Switch>) -> Result<VdsSet, CellRef> {
    let (mut mgmt, mut storage, mut backup, mut business) = (None, None, None, None);
    for switch in switches.into_iter().filter(|switch| switch.used) {
        let place = match switch.role {
            Role::Mgmt | Role::Infra | Role::Ipmi => &mut mgmt,
            Role::Storage => &mut storage,
            Role::Backup => &mut backup,
            Role::Business => &mut business,
        };
        *place = Some(vds(switch)?);
    }
    let missing = |a1| move || CellRef::parse(a1).unwrap_or_else(|| CellRef::new(super::map::NETWORKS, 4, 3));
    Ok(VdsSet {
        mgmt: mgmt.ok_or_else(missing("虚拟网络!C4"))?,
        storage: storage.ok_or_else(missing("虚拟网络!C6"))?,
        backup,
        business,
    })
}

fn vds(switch: draft::Switch) -> Result<Vds, CellRef> {
    let nics = switch.nics.required()?.map(|nics| draft::distinct(&nics));
    // Two NICs without a mode: active-backup, as PLAN-211 said.
    let bond_mode = match switch.bond {
        Slot::Blank(cell) if nics.len() > 1 => {
            Some(Located { value: BondMode::ActiveBackup, cell, raw: String::new(), origin: Origin::Default })
        }
        other => other.optional(),
    };
    Ok(Vds {
        name: switch.name.required()?,
        nics,
        bond_mode,
        speed: switch.speed.optional(),
        port_type: switch.port_type.optional(),
        switch_port: switch.switch_port.optional(),
    })
}

fn networks(rows: Vec<draft::Network>) -> Result<Networks, CellRef> {
    let (mut ipmi, mut mgmt, mut infra, mut storage, mut backup) = (None, None, None, None, None);
    let mut business = Vec::new();
    for row in rows {
        match row.role {
            Role::Ipmi => ipmi = Some(plain(row)?),
            Role::Mgmt => mgmt = Some(routed(row)?),
            Role::Infra => infra = Some(routed(row)?),
            Role::Storage => storage = Some(plain(row)?),
            Role::Backup => backup = Some(plain(row)?),
            Role::Business => business.push(BusinessNetwork {
                name: row.name.required()?,
                vlan_id: row.vlan.required()?,
                vlan_type: row.port_type.required()?.map(|_| VlanType::Access),
                subnet: row.subnet.optional().map(|subnet| subnet.map(|net| net.trunc())),
                gateway: row.gateway.optional(),
                row: row.row,
            }),
        }
    }
    let missing = |row| move || CellRef::new(super::map::NETWORKS, row, 8);
    Ok(Networks {
        ipmi,
        mgmt: mgmt.ok_or_else(missing(4))?,
        infra,
        storage: storage.ok_or_else(missing(6))?,
        backup,
        business,
    })
}

fn plain(row: draft::Network) -> Result<PlainNetwork, CellRef> {
    Ok(PlainNetwork {
        name: row.name.required()?,
        vlan_id: row.vlan.required()?,
        vlan_type: row.port_type.required()?.map(|_| VlanType::Access),
        subnet: row.subnet.required()?.map(|net| net.trunc()),
        gateway: row.gateway.optional(),
        row: row.row,
    })
}

fn routed(row: draft::Network) -> Result<RoutedNetwork, CellRef> {
    Ok(RoutedNetwork {
        name: row.name.required()?,
        vlan_id: row.vlan.required()?,
        vlan_type: row.port_type.required()?.map(|_| VlanType::Access),
        subnet: row.subnet.required()?.map(|net| net.trunc()),
        gateway: row.gateway.required()?,
        row: row.row,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_threshold_follows_the_number_of_hosts() {
        for (hosts, percent) in
            [(3, 61), (4, 70), (5, 75), (6, 78), (7, 80), (8, 82), (10, 85), (12, 86), (16, 88)]
        {
            assert_eq!(notice_percent(hosts), percent, "{hosts} hosts");
        }
    }

    #[test]
    fn three_hosts_are_masters_and_five_from_five_on() {
        let masters = |hosts| (0..hosts).filter(|index| is_master(*index, hosts)).count();
        assert_eq!([3, 4, 5, 16].map(masters), [3, 3, 5, 5]);
    }
}
