//! What a run leaves in Observability, without drawn identifiers and times.

use serde_json::{Value, json};

use super::{
    super::super::{clock::Moment, site::State},
    instances::{Instance, health, status},
};

impl State {
    pub(in super::super) fn observability_end(&self, now: Moment) -> Value {
        let instances = self.tower.observability.instances.iter();
        let instances: Vec<Value> = instances.map(|instance| self.instance_end(now, instance)).collect();
        json!({"packages": self.bundles_end(now), "instances": instances})
    }

    fn instance_end(&self, now: Moment, instance: &Instance) -> Value {
        let life = self.instance_life(now, instance);
        let (clusters, traffic) = self.connected_end(now, instance);
        json!({
            "name": instance.name, "ip": instance.ip, "network": self.instance_network(now, instance),
            "status": status(life), "health": health(life), "clusters": clusters,
            "system_services": self.services_end(now, instance), "traffic": traffic,
            "nameservers": instance.machine.as_ref().map(|machine| machine.nameservers(now)),
            "ntp": instance.ntp,
        })
    }
}
