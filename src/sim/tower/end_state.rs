//! What a run leaves in CloudTower, without drawn identifiers and times.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{clock::Moment, random, site::State},
    alerts::{GlobalRule, Threshold},
    boards::View,
    clusters::Attached,
    racks::{Brick, Rack},
};

impl State {
    /// Comparable between two runs of the same plan.
    pub fn tower_end_state(&self, now: Moment) -> Value {
        let tower = &self.tower;
        let password = tower.root.as_ref().and_then(|root| root.password.as_deref());
        let organizations: Vec<Value> = tower.organizations.iter().map(|one| json!(one.name)).collect();
        let datacenters = tower.datacenters.iter().map(|datacenter| {
            let owner = tower.organizations.iter().find(|one| one.id == datacenter.organization_id);
            json!({"name": datacenter.name, "organization": owner.map(|one| &one.name)})
        });
        json!({
            "installed": tower.installation.is_some(),
            "root_password_sha256": password.map(|text| random::hex(&Sha256::digest(text.as_bytes()))),
            "ntp": tower.ntp_service_url,
            "organizations": sorted(organizations.into_iter()),
            "datacenters": sorted(datacenters),
            "clusters": sorted(tower.clusters.iter().map(|cluster| self.cluster_end(cluster))),
            "views": sorted(tower.views.iter().map(|view| self.view_end(view))),
            "alert_rules": sorted(tower.rules.iter().filter_map(|rule| self.rule_end(rule))),
            "inspection": self.inspector_end(),
            "observability": self.observability_end(now),
            "backup": self.backup_end(now),
            "packages": {
                "registered": sorted(self.packages_end(false).into_iter()),
                "applications": sorted(self.applications_end(now).into_iter()),
            },
            "racks": sorted(tower.racks.iter().map(|rack| self.rack_end(rack))),
        })
    }

    fn cluster_end(&self, cluster: &Attached) -> Value {
        let datacenter = self.tower.datacenters.iter();
        let datacenter = datacenter.filter(|one| cluster.datacenter_id.as_deref() == Some(&one.id));
        json!({
            "ip": cluster.ip, "name": self.cluster_name(cluster), "attached": cluster.fate.is_none(),
            "datacenters": datacenter.map(|one| &one.name).collect::<Vec<_>>(),
            "storage_policy": cluster.settings.policy, "ha": cluster.settings.ha,
        })
    }

    fn view_end(&self, view: &View) -> Value {
        let graphs = self.tower.graphs.iter().filter(|graph| graph.view_id == view.id).map(|graph| {
            json!({
                "title": graph.title, "metric": graph.metric_name, "resource": graph.resource_type,
                "type": graph.kind, "connected": graph.connect_id.len(), "metric_type": graph.metric_type,
                "metric_count": graph.metric_count,
            })
        });
        json!({
            "name": view.name, "unit": view.time_unit, "span": view.time_span, "graphs": sorted(graphs),
        })
    }

    /// Only rules that differ from the installation's.
    fn rule_end(&self, rule: &GlobalRule) -> Option<Value> {
        let fresh = |thresholds: &[Threshold]| {
            let values: Vec<Option<u64>> = thresholds.iter().map(|one| one.value.as_u64()).collect();
            values == [Some(80), Some(90)]
        };
        if fresh(&rule.thresholds) && rule.customized.is_empty() {
            return None;
        }
        let own = self.tower.clusters.iter().filter_map(|cluster| {
            Some((self.cluster_name(cluster), json!(rule.customized.get(&cluster.id)?.thresholds)))
        });
        let own: Map<String, Value> = own.collect();
        Some(json!({"name": rule.name, "thresholds": rule.thresholds, "customized": own}))
    }

    fn rack_end(&self, rack: &Rack) -> Value {
        let inside = self.tower.bricks.iter();
        let inside = inside.filter(|brick| brick.rack_topo_id.as_deref() == Some(&rack.id));
        json!({
            "name": rack.name, "height": rack.height,
            "chassis": sorted(inside.map(|brick| self.brick_end(brick))),
        })
    }

    fn brick_end(&self, brick: &Brick) -> Value {
        let mut nodes = Vec::new();
        for cluster in &self.tower.clusters {
            for (host, name) in self.seen_cluster().map(|seen| seen.hosts).unwrap_or_default() {
                let slot = self.tower.slots.get(&self.node_id(cluster, host));
                if slot.is_some_and(|slot| slot.brick_topo_id.as_deref() == Some(&brick.id)) {
                    nodes.push(json!(name));
                }
            }
        }
        json!({
            "name": brick.name, "position": brick.position, "height": brick.height,
            "nodes": sorted(nodes.into_iter()),
        })
    }
}

fn sorted(items: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut items: Vec<Value> = items.collect();
    items.sort_by_key(Value::to_string);
    items
}
