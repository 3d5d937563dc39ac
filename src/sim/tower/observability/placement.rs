//! Whether an instance can be where it is asked for (api-applications §2.6).

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::{
    super::{super::clock::Moment, super::site::State, tables::Table, visit::Visit},
    instances::NewInstance,
};

/// Values that every capture has; anything else is no request of the contract.
const VCPU: u32 = 16;
const MEMORY: &str = "34359738368";
const STORAGE: &str = "549755813888";

/// Errors: the message of `errors`.
pub(super) fn check(visit: &mut Visit<'_>, new: &NewInstance) -> Result<(), String> {
    let spec = &new.vm_spec;
    let fixed = [
        ("description", new.description.is_empty()),
        ("host_id", new.host_id.is_empty()),
        ("vcpu_count", spec.vcpu_count == VCPU),
        ("memory_size_bytes", spec.memory_size_bytes == MEMORY),
        ("storage_size_bytes", spec.storage_size_bytes == STORAGE),
        ("env_vars", spec.env_vars == json!({"PRODUCT_VENDOR": "SMARTX"})),
        ("name", !new.name.is_empty() && new.name == new.name.to_lowercase()),
    ];
    if let Some((field, _)) = fixed.iter().find(|(_, good)| !good) {
        return Err(visit.against_contract(format!("$data.{field} is not the value of the contract")));
    }
    let (state, now) = (&*visit.state, visit.now);
    let clusters = state.rows(Table::Clusters, now);
    let cluster = clusters.iter().find(|row| row["id"] == *new.cluster.id);
    let cluster = cluster.filter(|row| row["connect_state"] == "CONNECTED");
    let Some(cluster) = cluster else {
        return Err(format!("cluster {} is not found or not connected", new.cluster.id));
    };
    let Some(package) = state.package(now, &new.bundle_application_package.id) else {
        return Err(format!("no package with the id {}", new.bundle_application_package.id));
    };
    if !package.is_for(cluster["architecture"].as_str().unwrap_or_default()) {
        return Err("the package is of another architecture than the cluster".to_owned());
    }
    if !has_network(state, now, &new.cluster.id, &spec.vlan_id) {
        let what = format!("$data.vm_spec.vlan_id: no VM network {} in the cluster", spec.vlan_id);
        return Err(visit.against_contract(what));
    }
    if state.tower.observability.instances.iter().any(|instance| instance.name == new.name) {
        return Err(format!("an instance called {} already exists", new.name));
    }
    let (mask, ip, gateway) = (u32::from(spec.subnet_mask), u32::from(spec.ip), u32::from(spec.gateway));
    let contiguous = mask.leading_ones() + mask.trailing_zeros() == 32 && mask != 0;
    let host = ip & !mask;
    if !contiguous || ip & mask != gateway & mask || ip == gateway || host == 0 || host == !mask {
        return Err(format!("{} is no address behind the gateway {}", spec.ip, spec.gateway));
    }
    match visit.state.is_address_taken(now, spec.ip) {
        true => Err(format!("the address {} is in use", spec.ip)),
        false => Ok(()),
    }
}

fn has_network(state: &State, now: Moment, cluster: &str, vlan: &str) -> bool {
    let (vlans, vdses) = (state.rows(Table::Vlans, now), state.rows(Table::Vdses, now));
    let of_cluster =
        |vds: &Value| vdses.iter().any(|row| row["id"] == *vds && row["cluster"]["id"] == cluster);
    vlans.iter().any(|row| row["id"] == vlan && row["type"] == "VM" && of_cluster(&row["vds"]["id"]))
}

impl State {
    /// Whether something has the address already.
    fn is_address_taken(&self, now: Moment, address: Ipv4Addr) -> bool {
        let plan = &self.twin.plan;
        let fixed = [&self.quirks.occupied, &plan.gateways, &plan.dns, &plan.ntp];
        fixed.iter().any(|group| group.contains(&address))
            || [plan.vip, plan.cloudtower].contains(&Some(address))
            || self
                .twin
                .hosts
                .iter()
                .any(|host| [Some(host.mgmt_ip), Some(host.storage_ip), host.bmc_ip].contains(&Some(address)))
            || self.tower.observability.instances.iter().any(|instance| instance.ip == address)
            || self.rows(Table::Vms, now).iter().any(|vm| {
                vm["ips"].as_str().is_some_and(|ips| ips.split(',').any(|ip| ip == address.to_string()))
            })
    }
}
