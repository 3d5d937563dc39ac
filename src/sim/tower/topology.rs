//! The rows of the rack topology: one zone per cluster, its racks, chassis and node places (api-cloudtower §10).

use serde_json::{Value, json};

use super::{
    super::{clock::Moment, site::State, twin::Host},
    clusters::Attached,
    racks::{Brick, Rack},
    visit::nested,
};

impl State {
    /// Zone, cluster and node rows come with the hosts (site-behaviour §7.6).
    fn topo_id(&self, kind: &str, cluster: &Attached, name: &str) -> String {
        let at = cluster.learned_at(self.durations.tower.hosts);
        self.learned_id(at, kind, &cluster.id, name)
    }

    pub(super) fn node_id(&self, cluster: &Attached, host: &Host) -> String {
        self.topo_id("node topo", cluster, &host.uuid)
    }

    fn zone_id(&self, cluster: &Attached) -> String {
        self.topo_id("zone topo", cluster, "")
    }

    fn mapped(&self, now: Moment) -> impl Iterator<Item = &Attached> {
        let seconds = self.durations.tower.hosts;
        self.tower.clusters.iter().filter(move |cluster| cluster.shows(now, seconds))
    }

    pub(super) fn cluster_topo_rows(&self, now: Moment) -> Vec<Value> {
        let row = |cluster: &Attached| {
            let hosts = self.known_hosts(now, cluster);
            let nodes = hosts.iter().map(|(host, name)| nested(&self.node_id(cluster, host), name));
            let bricks = self.tower.bricks.iter().filter(|brick| brick.cluster_id == cluster.id);
            json!({
                "id": self.topo_id("cluster topo", cluster, ""), "local_id": self.child_local_id("cluster-topo"),
                "name": self.cluster_name(cluster), "cluster": self.nested_cluster(&cluster.id),
                "brick_topoes": bricks.map(|brick| nested(&brick.id, &brick.name)).collect::<Vec<_>>(),
                "node_topoes": nodes.collect::<Vec<_>>(), "zone_topoes": [{"id": self.zone_id(cluster)}],
            })
        };
        self.mapped(now).map(row).collect()
    }

    pub(super) fn zone_topo_rows(&self, now: Moment) -> Vec<Value> {
        let row = |cluster: &Attached| {
            let racks = self.tower.racks.iter().filter(|rack| rack.cluster_id == cluster.id);
            let topo = nested(&self.topo_id("cluster topo", cluster, ""), &self.cluster_name(cluster));
            json!({
                "id": self.zone_id(cluster), "local_id": self.child_local_id("zone-topo"),
                "cluster": self.nested_cluster(&cluster.id), "cluster_topo": topo,
                "rack_topoes": racks.map(|rack| nested(&rack.id, &rack.name)).collect::<Vec<_>>(),
            })
        };
        self.mapped(now).map(row).collect()
    }

    pub(super) fn rack_rows(&self, now: Moment) -> Vec<Value> {
        let row = |rack: &Rack| {
            let inside = self.tower.bricks.iter();
            let inside = inside.filter(|brick| brick.rack_topo_id.as_deref() == Some(&rack.id));
            json!({
                "id": rack.id, "local_id": self.child_local_id(&rack.id), "name": rack.name,
                "height": rack.height, "cluster": self.nested_cluster(&rack.cluster_id),
                "zone_topo": {"id": rack.zone_topo_id},
                "brick_topoes": inside.map(|brick| nested(&brick.id, &brick.name)).collect::<Vec<_>>(),
                "entityAsyncStatus": self.async_status(now, &rack.id),
            })
        };
        self.tower.racks.iter().map(row).collect()
    }

    pub(super) fn brick_rows(&self, now: Moment) -> Vec<Value> {
        self.tower.bricks.iter().map(|brick| self.brick_row(now, brick)).collect()
    }

    fn brick_row(&self, now: Moment, brick: &Brick) -> Value {
        let rack = self.tower.racks.iter().find(|rack| brick.rack_topo_id.as_deref() == Some(&rack.id));
        let seated = self.mapped(now).flat_map(|cluster| {
            self.known_hosts(now, cluster)
                .into_iter()
                .map(move |(host, name)| (self.node_id(cluster, host), name))
        });
        let seated = seated.filter(|(id, _)| {
            let slot = self.tower.slots.get(id);
            slot.is_some_and(|slot| slot.brick_topo_id.as_deref() == Some(&brick.id))
        });
        let seated: Vec<Value> = seated.map(|(id, name)| nested(&id, &name)).collect();
        let capacity = brick.capacity.map_or((1, 1), |c| (c.row.unwrap_or(1), c.column.unwrap_or(1)));
        json!({
            "id": brick.id, "local_id": self.child_local_id(&brick.id), "name": brick.name,
            "height": brick.height, "position": brick.position,
            "capacity": {"row": capacity.0, "column": capacity.1},
            "cluster": self.nested_cluster(&brick.cluster_id), "cluster_topo": null, "disk_layout": null,
            "rack_topo": rack.map(|rack| nested(&rack.id, &rack.name)), "node_topoes": seated,
            "tag_position_in_brick": brick.tag_position_in_brick, "model": null, "powers": [],
            "power_layout": null, "power_position": null,
            "entityAsyncStatus": self.async_status(now, &brick.id),
        })
    }

    pub(super) fn node_rows(&self, now: Moment) -> Vec<Value> {
        let mut rows = Vec::new();
        for cluster in self.mapped(now) {
            let topo = nested(&self.topo_id("cluster topo", cluster, ""), &self.cluster_name(cluster));
            for (host, name) in self.known_hosts(now, cluster) {
                let id = self.node_id(cluster, host);
                let slot = self.tower.slots.get(&id);
                let brick = slot.and_then(|slot| slot.brick_topo_id.as_deref());
                let brick = self.tower.bricks.iter().find(|one| Some(one.id.as_str()) == brick);
                let place = slot.and_then(|slot| slot.place);
                rows.push(json!({
                    "id": id, "local_id": self.child_local_id(&format!("node-{}", host.uuid)), "name": name,
                    "host": {
                        "id": self.host_id(cluster, host), "name": name, "management_ip": host.mgmt_ip,
                    },
                    "brick_topo": brick.map(|brick| nested(&brick.id, &brick.name)), "cluster_topo": topo,
                    "position": {
                        "row": place.and_then(|place| place.row),
                        "column": place.and_then(|place| place.column),
                    },
                    "cluster": self.nested_cluster(&cluster.id),
                }));
            }
        }
        rows
    }
}
