//! Where the planned hosts stand and where they should: the work that is left, as data (api-cloudtower §10,
//! planning-sheet §3.6).

use std::fmt;

use crate::{
    clients::tower::{Chassis, Node, Rack},
    plan::{Plan, model::Host},
};

/// A rack, in units.
const RACK_HEIGHT: u32 = 42;

/// What CloudTower knows of the topology of the cluster.
pub struct Topology {
    pub racks: Vec<Rack>,
    pub chassis: Vec<Chassis>,
    pub nodes: Vec<Node>,
}

/// A host with a planned place. A chassis holds one host and is called by its name.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub host: &'a Host,
    pub rack: &'a str,
    /// The lowest unit, from the bottom.
    pub position: u32,
    pub height: u32,
}

/// What moves, by id, from where, and where to.
#[derive(Debug)]
pub struct Move<'a> {
    pub id: String,
    /// `-`: nowhere yet.
    pub from: String,
    pub to: Place<'a>,
}

/// What is left to do, in this order.
#[derive(Debug, Default)]
pub struct Work<'a> {
    /// Name and height.
    pub racks: Vec<(&'a str, u32)>,
    pub chassis: Vec<Place<'a>>,
    /// Chassis that stand elsewhere: they move with the host in them.
    pub chassis_moves: Vec<Move<'a>>,
    /// Slots of hosts that are in no chassis yet.
    pub node_moves: Vec<Move<'a>>,
    /// Hosts that CloudTower lists no slot for.
    pub unknown: Vec<&'a Host>,
}

impl Work<'_> {
    /// What is made without moving anything.
    pub fn makes(&self) -> bool {
        !self.racks.is_empty() || !self.chassis.is_empty()
    }

    /// What shifts data.
    pub fn moves(&self) -> usize {
        self.chassis_moves.len() + self.node_moves.len()
    }
}

/// `Rack-A U11-12`.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} U{}-{}", self.rack, self.position, self.position + self.height - 1)
    }
}

/// The hosts with rack and unit, in plan order.
pub fn places(plan: &Plan) -> Vec<Place<'_>> {
    let place = |host| {
        let rack = Host::rack(host)?;
        let (start, end) = (u32::from(rack.u_start.value), u32::from(rack.u_end.value));
        let height = end.saturating_sub(start) + 1;
        Some(Place { host, rack: &rack.name.value, position: start, height })
    };
    plan.hosts.iter().filter_map(place).collect()
}

/// A host that sits in a chassis keeps it; the chassis moves.
pub fn work<'a>(places: &[Place<'a>], found: &Topology) -> Work<'a> {
    let mut work = Work::default();
    for place in places {
        let known = |name: &str| found.racks.iter().any(|rack| rack.name == name);
        if !known(place.rack) && work.racks.iter().all(|(name, _)| *name != place.rack) {
            let highest = places.iter().filter(|other| other.rack == place.rack);
            let highest = highest.map(|other| other.position + other.height - 1).max().unwrap_or(0);
            work.racks.push((place.rack, RACK_HEIGHT.max(highest)));
        }
        let Some(node) = found.nodes.iter().find(|node| is(node, place.host)) else {
            work.unknown.push(place.host);
            continue;
        };
        let chassis = match &node.chassis {
            Some(named) => found.chassis.iter().find(|chassis| chassis.id == named.id),
            None => {
                work.node_moves.push(Move { id: node.id.clone(), from: "-".to_owned(), to: *place });
                let meant = chassis_for(place, &found.chassis);
                if meant.is_none() {
                    work.chassis.push(*place);
                }
                meant
            }
        };
        if let Some(chassis) = chassis.filter(|chassis| !stands_at(chassis, place)) {
            work.chassis_moves.push(Move { id: chassis.id.clone(), from: standing(chassis), to: *place });
        }
    }
    work
}

fn is(node: &Node, host: &Host) -> bool {
    node.host.management_ip == host.mgmt_ip.value.to_string() || node.host.name == host.hostname.value
}

/// The chassis called by the host's name.
pub fn chassis_for<'a>(place: &Place<'_>, chassis: &'a [Chassis]) -> Option<&'a Chassis> {
    let mut called = chassis.iter().filter(|chassis| chassis.name == place.host.hostname.value);
    called
        .find(|chassis| stands_at(chassis, place))
        .or_else(|| chassis.iter().find(|chassis| chassis.name == place.host.hostname.value))
}

/// `Rack-A U11`.
fn standing(chassis: &Chassis) -> String {
    let rack = chassis.rack.as_ref().map_or("-", |rack| rack.name.as_str());
    chassis.position.map_or(rack.to_owned(), |position| format!("{rack} U{position}"))
}

fn stands_at(chassis: &Chassis, place: &Place<'_>) -> bool {
    chassis.rack.as_ref().is_some_and(|rack| rack.name == place.rack)
        && chassis.position == Some(place.position)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::plan::{self, CheckOptions};

    /// Three hosts: two in R01 at U10-11 and U14-15, one in R02 at U10-11.
    fn example() -> Plan {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plan.xlsx");
        plan::check(&path, &CheckOptions::default()).plan.unwrap()
    }

    fn topology(racks: &[&str], chassis: Value, seats: [Option<&str>; 3]) -> Topology {
        let rack = |name: &&str| json!({"id": format!("id-{name}"), "name": name, "height": 42});
        let node = |(host, chassis): (&Host, Option<&str>)| {
            json!({
                "id": format!("node-{}", host.index),
                "host": {"id": "h", "name": host.hostname.value, "management_ip": host.mgmt_ip.value},
                "brick_topo": chassis.map(|id| json!({"id": id, "name": id})),
            })
        };
        let nodes: Vec<Value> = example().hosts.iter().zip(seats).map(node).collect();
        Topology {
            racks: serde_json::from_value(racks.iter().map(rack).collect()).unwrap(),
            chassis: serde_json::from_value(chassis).unwrap(),
            nodes: serde_json::from_value(nodes.into()).unwrap(),
        }
    }

    fn chassis(id: &str, name: &str, rack: &str, position: u32) -> Value {
        json!({
            "id": id, "name": name, "height": 2, "position": position,
            "rack_topo": {"id": format!("id-{rack}"), "name": rack},
        })
    }

    fn told(found: &Topology) -> [Vec<String>; 4] {
        let plan = example();
        let places = places(&plan);
        let work = work(&places, found);
        let moves = |moves: &[Move]| {
            moves.iter().map(|one| format!("{}: {} -> {}", one.id, one.from, one.to)).collect()
        };
        [
            work.racks.iter().map(|(name, height)| format!("{name} {height}")).collect(),
            work.chassis.iter().map(ToString::to_string).collect(),
            moves(&work.chassis_moves),
            moves(&work.node_moves),
        ]
    }

    #[test]
    fn on_a_new_cluster_racks_and_chassis_are_made_and_every_host_moves_in() {
        let [racks, chassis, chassis_moves, node_moves] = told(&topology(&[], json!([]), [None; 3]));
        assert_eq!(racks, ["R01 42", "R02 42"]);
        assert_eq!(chassis, ["R01 U10-11", "R01 U14-15", "R02 U10-11"]);
        assert_eq!(chassis_moves, [""; 0]);
        let expected = ["node-0: - -> R01 U10-11", "node-1: - -> R01 U14-15", "node-2: - -> R02 U10-11"];
        assert_eq!(node_moves, expected);
    }

    #[test]
    fn a_host_that_sits_in_a_chassis_keeps_it_and_the_chassis_moves() {
        let plan = example();
        let there = json!([
            chassis("c-0", "found by the cluster", "R01", 10),
            chassis("c-1", "found by the cluster too", "R02", 3),
            chassis("c-2", &plan.hosts[2].hostname.value, "R02", 10),
        ]);
        let found = topology(&["R01", "R02"], there, [Some("c-0"), Some("c-1"), None]);
        let [racks, chassis, chassis_moves, node_moves] = told(&found);
        assert_eq!((racks.len(), chassis.len()), (0, 0), "the empty chassis of the third host is used");
        assert_eq!(chassis_moves, ["c-1: R02 U3 -> R01 U14-15"]);
        assert_eq!(node_moves, ["node-2: - -> R02 U10-11"]);
    }

    #[test]
    fn nothing_is_left_when_everything_stands_where_it_should_and_unknown_hosts_are_told() {
        let there = json!([
            chassis("c-0", "a", "R01", 10),
            chassis("c-1", "b", "R01", 14),
            chassis("c-2", "c", "R02", 10),
        ]);
        let mut found = topology(&["R01", "R02"], there, [Some("c-0"), Some("c-1"), Some("c-2")]);
        let plan = example();
        let places = places(&plan);
        let left = work(&places, &found);
        assert!(!left.makes() && left.moves() == 0 && left.unknown.is_empty());
        found.nodes.truncate(2);
        assert_eq!(work(&places, &found).unknown.len(), 1);
    }
}
