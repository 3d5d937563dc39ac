//! Rack topology: zones, racks, chassis (`brick` on the wire) and host slots (api-cloudtower §10).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Begun, Host, Named, Tower, TowerReader, rest};
use crate::{clients::lenient, failure::Result, messages::message};

/// A zone; a plain cluster has one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Zone {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Rack {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// In rack units.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub height: Option<u32>,
}

/// A chassis, in a rack or not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Chassis {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// In rack units.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub height: Option<u32>,
    /// Its lowest unit, from the bottom (not documented: to be looked at once on a real site).
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub position: Option<u32>,
    #[serde(default, rename = "rack_topo")]
    pub rack: Option<Named>,
    #[serde(default, rename = "node_topoes", deserialize_with = "lenient::list")]
    pub nodes: Vec<Named>,
}

/// The slot of a host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Node {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    pub host: Host,
    /// `None`: not placed yet.
    #[serde(default, rename = "brick_topo")]
    pub chassis: Option<Named>,
}

/// A rack to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewRack<'a> {
    pub name: &'a str,
    /// In rack units.
    pub height: u32,
    pub cluster_id: &'a str,
    pub zone_topo_id: &'a str,
}

/// A chassis for one host, to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChassis<'a> {
    pub name: &'a str,
    pub height: u32,
    pub position: u32,
    pub cluster: &'a str,
    pub rack: &'a str,
}

impl TowerReader {
    pub async fn zones(&self, cluster: &str) -> Result<Vec<Zone>> {
        self.list(rest::read("tower.get-zone-topoes", message("clients.tower.zones", &[]), &of(cluster)))
            .await
    }

    pub async fn racks(&self, cluster: &str) -> Result<Vec<Rack>> {
        self.list(rest::read("tower.get-rack-topoes", message("clients.tower.racks", &[]), &of(cluster)))
            .await
    }

    pub async fn chassis(&self, cluster: &str) -> Result<Vec<Chassis>> {
        self.list(rest::read("tower.get-brick-topoes", message("clients.tower.chassis", &[]), &of(cluster)))
            .await
    }

    /// One per host, placed or not.
    pub async fn nodes(&self, cluster: &str) -> Result<Vec<Node>> {
        self.list(rest::read("tower.get-node-topoes", message("clients.tower.nodes", &[]), &of(cluster)))
            .await
    }
}

impl Tower {
    pub async fn create_racks(&self, racks: &[NewRack<'_>]) -> Result<Begun> {
        let names = racks.iter().map(|rack| rack.name).collect::<Vec<_>>().join(", ");
        let doing = message("clients.tower.create_racks", &[("names", &names)]);
        self.mutate(rest::write("tower.create-rack-topo", doing, &racks)).await
    }

    pub async fn create_chassis(&self, chassis: &[NewChassis<'_>]) -> Result<Begun> {
        let names = chassis.iter().map(|one| one.name).collect::<Vec<_>>().join(", ");
        let doing = message("clients.tower.create_chassis", &[("names", &names)]);
        let body: Vec<Value> = chassis
            .iter()
            .map(|one| {
                json!({
                    "name": one.name,
                    "height": one.height,
                    "position": one.position,
                    "cluster_id": one.cluster,
                    "rack_topo_id": one.rack,
                    "capacity": {"row": 1, "column": 1},
                })
            })
            .collect();
        self.mutate(rest::write("tower.create-brick-topo", doing, &body)).await
    }

    /// Moves a chassis, with the hosts in it, to a place in a rack.
    pub async fn move_chassis(&self, chassis: &str, rack: &str, position: u32) -> Result<Begun> {
        let doing = message("clients.tower.move_chassis", &[]);
        let body = json!({"where": {"id": chassis}, "data": {"rack_topo_id": rack, "position": position}});
        self.mutate(rest::write("tower.move-brick-topo", doing, &body)).await
    }

    /// Moves host slots into chassis: `(node, chassis)` by id. Shifts data where there is any.
    pub async fn move_nodes(&self, moves: &[(&str, &str)]) -> Result<Begun> {
        let doing = message("clients.tower.move_nodes", &[("count", &moves.len())]);
        // The base of rows and columns is not documented; a chassis here has one slot.
        let slot = json!({"row": 1, "column": 1});
        let body: Vec<Value> = moves
            .iter()
            .map(|(node, chassis)| {
                json!({"where": {"id": node}, "data": {"brick_topo_id": chassis, "position": slot}})
            })
            .collect();
        self.mutate(rest::write("tower.move-node-topo", doing, &body)).await
    }
}

fn of(cluster: &str) -> Value {
    json!({"where": {"cluster": {"id": cluster}}})
}
