//! Where the VM of a component belongs: its row of the plan by subnet, its VM network in CloudTower by name
//! (planning-sheet §6.1, api-applications §2.6).

use std::net::Ipv4Addr;

use crate::{
    clients::tower::{TowerReader, Vlan},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{Plan, model::RoutedNetwork},
    text::Text,
};

/// The network that the deployment makes for the hosts themselves: no VM belongs on it.
const HOSTS_OWN: &str = "mgt-network";
/// The VM network that the deployment makes beside it.
const DEFAULT: &str = "default";

/// The row whose subnet holds the address: the one for components, where there is one, else that of the management.
pub fn row(plan: &Plan, address: Ipv4Addr) -> Option<&RoutedNetwork> {
    let rows = plan.networks.infra.iter().chain([&plan.networks.mgmt]);
    rows.into_iter().find(|network| network.subnet.value.contains(&address))
}

/// The same, or a failure that names the address and its cell.
pub fn need_row<'p>(plan: &'p Plan, address: &crate::plan::Located<Ipv4Addr>) -> Result<&'p RoutedNetwork> {
    let args: [(&str, &dyn crate::text::Say); 2] = [("address", &address.value), ("cell", &address.cell)];
    let nowhere = || {
        Failure::new(Kind::Plan, message("stages.networks.finding", &[]))
            .meaning(message("stages.networks.nowhere", &args))
    };
    row(plan, address.value).ok_or_else(nowhere)
}

/// The VM network of a row in the cluster (id) that carries the VM.
pub async fn find(plan: &Plan, tower: &TowerReader, cluster: &str, row: &RoutedNetwork) -> Result<Vlan> {
    let switch = &plan.vds.mgmt.name.value;
    let mut vlans = tower.vlans(cluster).await?;
    vlans.retain(|vlan| vlan.vds.as_ref().is_none_or(|vds| vds.name.eq_ignore_ascii_case(switch)));
    let default = std::ptr::eq(row, &plan.networks.mgmt).then_some(DEFAULT);
    if let Some(vlan) = pick(&vlans, &row.name.value, default, row.vlan_id.value) {
        return Ok(vlan.clone());
    }
    let names = vlans.iter().map(|vlan| vlan.name.as_str()).collect::<Vec<_>>().join(", ");
    let args: [(&str, &dyn crate::text::Say); 3] =
        [("name", &row.name.value), ("switch", switch), ("cell", &row.name.cell)];
    Err(Failure::new(Kind::Site, message("stages.networks.finding", &[]))
        .answer(Text::same(names))
        .meaning(message("stages.tower_vm.no_network", &args)))
}

/// By name, else the deployment's own VM network where that may stand in, else by VLAN id.
fn pick<'a>(vlans: &'a [Vlan], name: &str, default: Option<&str>, vlan_id: u16) -> Option<&'a Vlan> {
    let find = |is: &dyn Fn(&Vlan) -> bool| vlans.iter().find(|vlan| vlan.name != HOSTS_OWN && is(vlan));
    find(&|vlan| vlan.name == name)
        .or_else(|| find(&|vlan| Some(vlan.name.as_str()) == default))
        .or_else(|| find(&|vlan| vlan.vlan_id == vlan_id))
}
