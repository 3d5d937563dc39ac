//! Which addresses stage 01 probes, and what is expected of each (planning-sheet §3, site-behaviour §1).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::{
    plan::{CellRef, Plan},
    text::Text,
};

/// One planned address and what the plan wants of it.
#[derive(Clone, Debug)]
pub struct Target {
    pub role: Role,
    pub address: Ipv4Addr,
    pub cell: CellRef,
    /// Whose it is, as the operator calls it: a hostname, a VM name.
    pub name: Text,
}

/// What an address is for, and so what its probe must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Management address: 80 required, 22 expected, 443 only after the deployment.
    Host,
    /// Free, or ours.
    Vip,
    /// Free, or ours; hardly ever reachable from a laptop.
    Storage,
    /// CloudTower: free, or ours.
    Tower,
    /// The other services: free.
    Component,
    /// An address of the test range: free.
    Test,
    /// 443 expected.
    Bmc,
    /// Speaks ICMP; TCP only by chance.
    Gateway,
    Dns,
}

impl Role {
    /// The TCP ports that are tried.
    pub fn ports(self) -> &'static [u16] {
        match self {
            Self::Host => &[80, 22, 443],
            Self::Vip => &[443, 80],
            Self::Storage => &[22],
            Self::Tower | Self::Component => &[443, 22],
            Self::Test => &[22],
            Self::Bmc => &[443],
            Self::Gateway => &[80, 443],
            Self::Dns => &[53],
        }
    }
}

/// Every address of the plan, in the order in which findings are told.
pub fn targets(plan: &Plan) -> Vec<Target> {
    let mut all = Vec::new();
    let mut add = |role, address: Ipv4Addr, cell: &CellRef, name: Text| {
        all.push(Target { role, address, cell: cell.clone(), name });
    };
    for host in &plan.hosts {
        let name = || Text::same(&host.hostname.value);
        add(Role::Host, host.mgmt_ip.value, &host.mgmt_ip.cell, name());
        add(Role::Storage, host.storage_ip.value, &host.storage_ip.cell, name());
        if let Some(bmc) = &host.bmc_ip {
            add(Role::Bmc, bmc.value, &bmc.cell, name());
        }
    }
    add(Role::Vip, plan.cluster.vip.value, &plan.cluster.vip.cell, Text::same("VIP"));
    let tower = &plan.cloudtower;
    add(Role::Tower, tower.ip.value, &tower.ip.cell, Text::same(&tower.vm_name.value));
    let services = [
        (plan.observability.ip.as_ref(), plan.observability.vm_name.value.as_str()),
        (plan.backup.ip.as_ref(), &plan.backup.vm_name.value),
        (plan.er.vip.as_ref(), "ER"),
    ];
    for (ip, name) in services {
        if let Some(ip) = ip {
            add(Role::Component, ip.value, &ip.cell, Text::same(name));
        }
    }
    for node in &plan.er.nodes {
        add(Role::Component, node.value, &node.cell, Text::same("ER"));
    }
    for extra in &plan.extra_components {
        let name = extra.name.as_ref().map_or("", |name| name.value.as_str());
        add(Role::Component, extra.ip.value, &extra.ip.cell, Text::same(name));
    }
    if let Some(range) = &plan.test_range {
        for bits in u32::from(range.start.value)..=u32::from(range.end.value) {
            add(Role::Test, Ipv4Addr::from(bits), &range.start.cell, Text::default());
        }
    }
    let gateways = [Some(&plan.networks.mgmt), plan.networks.infra.as_ref()];
    for network in gateways.into_iter().flatten() {
        add(Role::Gateway, network.gateway.value, &network.gateway.cell, Text::same(&network.name.value));
    }
    for server in &plan.dns.servers {
        add(Role::Dns, server.value, &server.cell, Text::same("DNS"));
    }
    all
}

/// What no probe of ours speaks to: NTP is UDP, and a name is for the cluster's DNS to look up, not the laptop's.
pub fn unprobed(plan: &Plan) -> Vec<String> {
    plan.ntp.servers.iter().map(|server| format!("{} ({})", server.value, server.cell)).collect()
}

/// The planned subnets, to tell from which of them anything answers.
pub fn subnets(plan: &Plan) -> Vec<Ipv4Net> {
    let networks = &plan.networks;
    let plain = [networks.ipmi.as_ref(), Some(&networks.storage), networks.backup.as_ref()];
    let routed = [Some(&networks.mgmt), networks.infra.as_ref()];
    let business = networks.business.iter().filter_map(|network| network.subnet.as_ref());
    let mut all: Vec<Ipv4Net> = routed.into_iter().flatten().map(|network| network.subnet.value).collect();
    all.extend(plain.into_iter().flatten().map(|network| network.subnet.value));
    all.extend(business.map(|subnet| subnet.value));
    all
}
