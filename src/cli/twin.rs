//! From a plan to the plain values that its simulated twin is made of.

use std::{collections::BTreeMap, net::Ipv4Addr};

use crate::{
    plan::{
        Located, Plan,
        model::{NetworkArchitecture, StorageArchitecture, Vds},
    },
    sim::{Account, PlannedHost, PlannedNetwork, PlannedSwitch, Role, TwinPlan},
};

/// What hosts without a planned version run (planning-sheet 3.4 has the version optional).
const USUAL_VERSION: &str = "6.2.0P4";

/// The twin's plan; of all passwords it has only the one that no request tells.
pub fn twin_plan(plan: &Plan) -> TwinPlan {
    let (version, patch) =
        version(plan.cluster.smtx_version.as_deref().map_or(USUAL_VERSION, String::as_str));
    TwinPlan {
        cluster: plan.cluster.name.value.clone(),
        vip: Some(plan.cluster.vip.value),
        version,
        patch,
        arch: "x86_64".to_owned(),
        tiered: plan.cluster.storage_architecture.value == StorageArchitecture::Tiered,
        hosts: plan
            .hosts
            .iter()
            .map(|host| PlannedHost {
                hostname: host.hostname.value.clone(),
                mgmt_ip: host.mgmt_ip.value,
                storage_ip: host.storage_ip.value,
                bmc_ip: value(&host.bmc_ip),
            })
            .collect(),
        switches: switches(plan),
        networks: networks(plan),
        gateways: gateways(plan),
        dns: plan.dns.servers.iter().map(|server| server.value).collect(),
        ntp: plan.ntp.servers.iter().filter_map(|server| server.parse().ok()).collect(),
        cloudtower: Some(plan.cloudtower.ip.value),
        components: components(plan),
        observability_account: observability_account(plan),
    }
}

/// `6.2.0P4` → `6.2.0` and `P4`, as the host scan reports them.
fn version(planned: &str) -> (String, String) {
    let end = planned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(planned.len());
    let (version, patch) = planned.split_at(end);
    (version.to_owned(), patch.trim_start_matches(['-', ' ']).to_owned())
}

fn switches(plan: &Plan) -> Vec<PlannedSwitch> {
    let switch = |role, vds: &Vds| PlannedSwitch {
        role,
        name: vds.name.value.clone(),
        nics: vds.nics.value.clone(),
        bond_mode: vds.bond_mode.as_ref().map(|mode| mode.as_str().to_owned()),
    };
    let vds = &plan.vds;
    let fixed = [switch(Role::Management, &vds.mgmt), switch(Role::Storage, &vds.storage)];
    // The backup switch is planned and never created: it counts for its NICs only.
    let backup = vds.backup.iter().map(|vds| switch(Role::Storage, vds));
    let business = vds.business.iter().map(|vds| switch(Role::Business, vds));
    fixed.into_iter().chain(backup).chain(business).collect()
}

fn networks(plan: &Plan) -> Vec<PlannedNetwork> {
    let vds = match (plan.cluster.network_architecture.value, &plan.vds.business) {
        (NetworkArchitecture::Separate, Some(business)) => business,
        _ => &plan.vds.mgmt,
    };
    let network = |name: &Located<String>, vlan_id: &Located<u16>| PlannedNetwork {
        vds: vds.name.value.clone(),
        name: name.value.clone(),
        vlan_id: vlan_id.value,
    };
    plan.networks.business.iter().map(|net| network(&net.name, &net.vlan_id)).collect()
}

fn gateways(plan: &Plan) -> Vec<Ipv4Addr> {
    let networks = &plan.networks;
    let routed = [Some(&networks.mgmt), networks.infra.as_ref()];
    let plain = [networks.ipmi.as_ref(), Some(&networks.storage), networks.backup.as_ref()];
    let routed = routed.into_iter().flatten().map(|network| network.gateway.value);
    let plain = plain.into_iter().flatten().filter_map(|network| value(&network.gateway));
    let business = networks.business.iter().filter_map(|network| value(&network.gateway));
    routed.chain(plain).chain(business).collect()
}

fn components(plan: &Plan) -> BTreeMap<String, Vec<Ipv4Addr>> {
    let er = plan.er.vip.iter().chain(&plan.er.nodes).map(|address| address.value);
    let range = plan.test_range.iter().flat_map(|range| {
        let (start, end) = (u32::from(range.start.value), u32::from(range.end.value));
        (start..=end).map(Ipv4Addr::from)
    });
    let groups: [(&str, Vec<Ipv4Addr>); 5] = [
        ("observability", value(&plan.observability.ip).into_iter().collect()),
        ("backup", value(&plan.backup.ip).into_iter().collect()),
        ("er", er.collect()),
        ("extra", plan.extra_components.iter().map(|extra| extra.ip.value).collect()),
        ("test", range.collect()),
    ];
    groups
        .into_iter()
        .filter(|(_, addresses)| !addresses.is_empty())
        .map(|(name, addresses)| (name.to_owned(), addresses))
        .collect()
}

/// None where the plan keeps to the factory's (api-applications §2.8).
fn observability_account(plan: &Plan) -> Option<Account> {
    let planned = &plan.observability;
    planned.ssh_password.as_ref().map(|password| Account {
        user: planned.ssh_user.value.clone(),
        password: password.value.expose().clone(),
    })
}

fn value(located: &Option<Located<Ipv4Addr>>) -> Option<Ipv4Addr> {
    located.as_ref().map(|located| located.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_version_splits_into_version_and_patch() {
        assert_eq!(version("6.2.0P4"), ("6.2.0".to_owned(), "P4".to_owned()));
        assert_eq!(version("6.3.0"), ("6.3.0".to_owned(), String::new()));
        assert_eq!(version("6.2.0-P1"), ("6.2.0".to_owned(), "P1".to_owned()));
    }
}
