//! Where the CloudTower VM belongs: its row of the plan by subnet, its VM network by name (planning-sheet §6.1,
//! api-fisheye §8.1).

use crate::{
    clients::fisheye::{Reader, Vlan, VmNetwork},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{Plan, model::RoutedNetwork},
    text::Text,
};

/// The network that the deployment makes for the hosts themselves: it has the management VLAN id too, and no VM
/// belongs on it.
const HOSTS_OWN: &str = "mgt-network";
/// The VM network that the deployment makes beside it.
const DEFAULT: &str = "default";

/// The row whose subnet holds CloudTower's address.
pub fn row(plan: &Plan) -> &RoutedNetwork {
    let holds = |network: &&RoutedNetwork| network.subnet.value.contains(&plan.cloudtower.ip.value);
    plan.networks.infra.as_ref().filter(holds).unwrap_or(&plan.networks.mgmt)
}

/// Its VM network on the management switch.
pub async fn find(plan: &Plan, cluster: &Reader) -> Result<VmNetwork> {
    let switch = &plan.vds.mgmt.name.value;
    let vdses = cluster.vdses().await?;
    let Some(vds) = vdses.iter().find(|vds| vds.name.eq_ignore_ascii_case(switch)) else {
        let names = vdses.iter().map(|vds| vds.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(not_found(&names).meaning(message("stages.tower_vm.no_switch", &[("switch", switch)])));
    };
    let row = row(plan);
    let default = std::ptr::eq(row, &plan.networks.mgmt).then_some(DEFAULT);
    let vlans = cluster.vlans(&vds.uuid).await?;
    match pick(&vlans, &row.name.value, default, row.vlan_id.value) {
        Some(vlan) => Ok(VmNetwork { vlan_uuid: vlan.uuid.clone(), ovs: vds.ovsbr_name.clone() }),
        None => {
            let names = vlans.iter().map(|vlan| vlan.name.as_str()).collect::<Vec<_>>().join(", ");
            let args: [(&str, &dyn crate::text::Say); 3] =
                [("name", &row.name.value), ("switch", switch), ("cell", &row.name.cell)];
            Err(not_found(&names).meaning(message("stages.tower_vm.no_network", &args)))
        }
    }
}

/// By name, else the deployment's own VM network where that may stand in, else by VLAN id.
fn pick<'a>(vlans: &'a [Vlan], name: &str, default: Option<&str>, vlan_id: u16) -> Option<&'a Vlan> {
    let find = |is: &dyn Fn(&Vlan) -> bool| vlans.iter().find(|vlan| vlan.name != HOSTS_OWN && is(vlan));
    find(&|vlan| vlan.name == name)
        .or_else(|| find(&|vlan| Some(vlan.name.as_str()) == default))
        .or_else(|| find(&|vlan| vlan.vlan_id == vlan_id))
}

fn not_found(listed: &str) -> Box<Failure> {
    Failure::new(Kind::Site, message("stages.tower_vm.finding_network", &[])).answer(Text::same(listed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vlan(name: &str, vlan_id: u16) -> Vlan {
        Vlan { uuid: name.to_owned(), name: name.to_owned(), vds_uuid: String::new(), vlan_id }
    }

    fn picked(vlans: &[Vlan], name: &str, default: Option<&str>) -> Option<String> {
        pick(vlans, name, default, 20).map(|vlan| vlan.name.clone())
    }

    #[test]
    fn the_name_comes_first_and_the_hosts_own_network_never() {
        let vlans = [vlan("mgt-network", 20), vlan("default", 20), vlan("tower", 30), vlan("other", 20)];
        assert_eq!(picked(&vlans, "tower", Some("default")).as_deref(), Some("tower"));
        assert_eq!(picked(&vlans, "gone", Some("default")).as_deref(), Some("default"));
        assert_eq!(picked(&vlans[..1], "mgt-network", Some("default")), None);
    }

    #[test]
    fn without_a_stand_in_the_vlan_id_decides() {
        let vlans = [vlan("mgt-network", 20), vlan("default", 10), vlan("infra", 20)];
        assert_eq!(picked(&vlans, "gone", None).as_deref(), Some("infra"));
        assert_eq!(picked(&vlans[..2], "gone", None), None);
    }
}
