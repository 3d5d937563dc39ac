//! VM networks made through CloudTower: by a task, and on the cluster once that is done (site-behaviour §7.2).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        clock::Moment,
        fisheye::{Network, Vds},
        site::State,
    },
    clusters::Attached,
    denied::{Denied, Outcome},
    tables::Table,
    tasks::{Change, NewTask},
    visit::{Visit, with_task},
};

/// A network that is still being made.
#[derive(Debug, Serialize, Deserialize)]
pub struct NewNetwork {
    pub id: String,
    /// UUID of its switch on the cluster.
    vds: String,
    network: Network,
}

impl State {
    /// The id of a network: as old as the network, or as what CloudTower knows of the cluster.
    pub(super) fn network_id(&self, cluster: &Attached, network: &Network) -> String {
        let at = cluster.learned_at(self.durations.tower.vdses).max(network.since);
        self.learned_id(at, "vlan", &cluster.id, &network.uuid)
    }

    /// The networks of a switch as CloudTower shows them: those on the cluster, and those being made.
    pub(super) fn networks_of<'a>(&'a self, vds: &'a Vds) -> impl Iterator<Item = &'a Network> {
        let new = self.tower.new_networks.iter().filter(|new| new.vds == vds.uuid);
        vds.networks.iter().chain(new.map(|new| &new.network))
    }

    /// The task is done: the network is on the cluster too.
    pub(super) fn make_network(&mut self, id: &str) {
        let Some(index) = self.tower.new_networks.iter().position(|network| network.id == id) else { return };
        let made = self.tower.new_networks.remove(index);
        self.add_network(&made.vds, made.network);
    }
}

#[derive(Deserialize)]
struct NewVlan {
    vds_id: String,
    name: String,
    #[serde(default)]
    vlan_id: u16,
    mode_type: Option<String>,
    network_ids: Option<Vec<String>>,
}

/// `POST create-vm-vlan`. The same tag beside the system's own network on one switch is accepted (S).
pub fn create(visit: &mut Visit<'_>) -> Outcome {
    visit.each(|visit, new: NewVlan| {
        let vds = visit.free_row(Table::Vdses, &new.vds_id)?;
        if vds["internal"] == true {
            return Err(Denied::bad("the switch is internal"));
        }
        let taken = vds["vlans"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == new.name));
        if new.name.is_empty() || taken {
            return Err(Denied::bad(format!("network name {:?} is empty or taken", new.name)));
        }
        if new.mode_type.as_deref().is_some_and(|mode| mode != "VLAN_ACCESS") || new.network_ids.is_some() {
            return Err(Denied::bad("only networks of one VLAN (VLAN_ACCESS, vlan_id) are simulated"));
        }
        let cluster = vds["cluster"]["id"].as_str().unwrap_or_default();
        let found = visit.state.tower.clusters.iter().position(|one| one.id == cluster);
        let index = found.ok_or_else(|| Denied::missing("the cluster of the switch is not attached"))?;
        let uuid = vds["local_id"].as_str().and_then(|id| id.split_once('_')).map_or("", |(_, uuid)| uuid);
        let network = visit.state.new_network(&new.name, new.vlan_id, visit.now);
        let id = visit.state.network_id(&visit.state.tower.clusters[index], &network);
        visit.state.tower.new_networks.push(NewNetwork { id: id.clone(), vds: uuid.to_owned(), network });
        let description = format!("Create VM network {}", new.name);
        let task = visit.start_task(NewTask {
            change: Change::MakeNetwork(id.clone()),
            ..NewTask::creating(visit, &description, "Vlan", &id)
        });
        visit.state.ledger.tower_networks.entry(new.name).or_default().add(visit.now);
        Ok(with_task(Some(&task), &visit.row(Table::Vlans, &id)?))
    })
}

/// A network in the list of all.
pub fn row(state: &State, now: Moment, id: &str, relation: &Value, network: &Network) -> Value {
    json!({
        "id": id, "local_id": state.child_local_id(&network.uuid), "name": network.name,
        "vlan_id": network.vlan_id, "network_ids": [network.vlan_id.to_string()], "mode_type": "VLAN_ACCESS",
        "type": "VM", "vds": relation, "vm_nics": [], "labels": [],
        "entityAsyncStatus": state.async_status(now, id), "sim_added_in_4_7": null,
    })
}
