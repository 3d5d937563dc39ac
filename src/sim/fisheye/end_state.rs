//! The end state as JSON that two runs can be compared by: no drawn identifiers, no times.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{clock::Moment, random, site::State},
    deployment::Deployment,
    network::Vds,
    vms::Vm,
    volume::Volume,
};

impl State {
    /// Everything that a run is meant to leave behind; passwords as digests.
    pub fn end_state(&self, now: Moment) -> Value {
        let cluster = &self.cluster;
        let ipmi: Vec<Value> = self
            .twin
            .hosts
            .iter()
            .filter_map(|host| {
                let ipmi = cluster.ipmi.get(&host.uuid)?;
                Some(json!({
                    "node": host.mgmt_ip, "node_name": ipmi.node_name, "host": ipmi.host, "user": ipmi.user,
                    "password_sha256": digest(&ipmi.password),
                }))
            })
            .collect();
        json!({
            "deployment": phase(&cluster.deployment),
            "hosts": self.hosts(),
            "root_password_sha256": cluster.root_password.as_deref().map(digest),
            "vip": cluster.vip.map(|(address, _)| address),
            "dns": cluster.dns,
            "ntp": {"mode": cluster.ntp.0, "servers": cluster.ntp.1},
            "ipmi": ipmi,
            "cpu_model": cluster.cpu_model,
            "vdses": sorted(cluster.vdses.iter().map(|vds| self.vds(vds))),
            "vms": sorted(cluster.vms().map(|vm| self.vm(vm))),
            "guest": self.guest.end_state(now),
            "cloudtower": self.tower_end_state(now),
            "volumes": sorted(cluster.volumes.iter().filter(|volume| !volume.deleted).map(volume)),
        })
    }

    fn hosts(&self) -> Vec<Value> {
        self.twin
            .hosts
            .iter()
            .map(|host| {
                let accounts = self.accounts.get(&host.mgmt_ip).into_iter().flatten();
                let accounts: serde_json::Map<String, Value> =
                    accounts.map(|(user, password)| (user.clone(), json!(digest(password)))).collect();
                json!({
                    "mgmt_ip": host.mgmt_ip, "member": self.cluster.deployment.is_member(&host.uuid),
                    "hostname": self.hostname(host), "password_sha256": accounts,
                })
            })
            .collect()
    }

    fn vm(&self, vm: &Vm) -> Value {
        let image = self.cluster.volumes.iter().find(|volume| volume.path() == vm.image_path);
        let mut networks = self.cluster.vdses.iter().flat_map(|vds| &vds.networks);
        json!({
            "name": vm.name, "vcpu": vm.vcpu, "memory": vm.memory, "running": vm.running,
            "image_md5": image.and_then(|image| image.md5.as_deref()),
            "vlan": networks.find(|network| network.uuid == vm.vlan_uuid).map(|network| &network.name),
            "guest": vm.network.as_ref().map(|network| {
                json!({"ip": network.ip, "mask": network.mask, "gateway": network.gateway})
            }),
        })
    }

    fn vds(&self, vds: &Vds) -> Value {
        let hosts: Vec<Value> = self
            .twin
            .hosts
            .iter()
            .filter_map(|host| {
                let bound = vds.hosts.get(&host.uuid)?;
                Some(json!({"host": host.mgmt_ip, "nics": bound.nics, "data_ip": bound.data_ip}))
            })
            .collect();
        let networks = vds.networks.iter().map(|n| json!({"name": n.name, "vlan_id": n.vlan_id}));
        json!({
            "name": vds.name, "bond_mode": vds.bond_mode, "hosts": hosts, "networks": sorted(networks),
        })
    }
}

fn phase(deployment: &Deployment) -> Value {
    let (phase, progress) = match deployment {
        Deployment::Fresh => return json!({"phase": "fresh"}),
        Deployment::Deploying(progress) => ("deploying", progress),
        Deployment::Member(progress) => ("member", progress),
        Deployment::Failed(progress) => ("failed", progress),
    };
    let mut body = json!(progress.body);
    // The one value in the body that differs between two runs of the same plan.
    body["ntp"]["current_time"] = Value::Null;
    if let Some(hosts) = body["hosts"].as_array_mut() {
        hosts.iter_mut().for_each(|host| host["host_passwords"] = Value::Null);
    }
    json!({"phase": phase, "body": body})
}

fn volume(volume: &Volume) -> Value {
    json!({
        "name": volume.name, "kind": volume.kind, "size": volume.size, "complete": volume.complete,
        "chunks": volume.stored_count(), "md5": volume.md5,
    })
}

/// In the order of their own text: which was made first does not matter.
fn sorted(items: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut items: Vec<Value> = items.collect();
    items.sort_by_key(Value::to_string);
    items
}

fn digest(secret: &str) -> String {
    random::hex(&Sha256::digest(secret.as_bytes()))
}
