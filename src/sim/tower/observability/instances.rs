//! Instances of Observability: from INSTALLING to a VM that runs (api-applications §§2.6, 2.7).

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        super::{clock::Moment, durations, guest::Guest, site::State},
        fate::TaskFate,
        tables::Table,
        tasks::{NewTask, Resource},
        visit::Visit,
    },
    ObservabilityFate,
    clusters::Connected,
    knobs::{OldInstance, Ready},
    placement,
    services::Service,
};

/// How long the second sign of a running instance stays behind the first, in seconds.
const BETWEEN_SIGNS: f64 = 12.0;

/// One instance.
#[derive(Debug, Serialize, Deserialize)]
pub struct Instance {
    pub id: String,
    pub name: String,
    application: String,
    /// None: of a package that is no longer there.
    package: Option<String>,
    /// The cluster that its VM lies in; none for one that was there before.
    pub cluster: Option<String>,
    vm_uuid: String,
    pub ip: Ipv4Addr,
    subnet_mask: String,
    gateway: String,
    pub vlan: String,
    since: Moment,
    fate: Option<ObservabilityFate>,
    /// It was there before anybody looked.
    #[serde(default)]
    old: bool,
    pub clusters: Vec<Connected>,
    pub services: Vec<Service>,
    /// Joined with `;`, as it is answered.
    pub ntp: String,
    /// The inside of its VM, once that runs.
    pub machine: Option<Guest>,
    /// When its launchers were last restarted.
    pub restarted: Option<Moment>,
}

#[derive(Deserialize)]
pub(super) struct NewInstance {
    pub name: String,
    pub description: String,
    pub bundle_application_package: Reference,
    pub cluster: Reference,
    pub host_id: String,
    pub vm_spec: VmSpec,
}

#[derive(Deserialize)]
pub(super) struct Reference {
    pub id: String,
}

#[derive(Deserialize)]
pub(super) struct VmSpec {
    pub ip: Ipv4Addr,
    pub subnet_mask: Ipv4Addr,
    pub gateway: Ipv4Addr,
    pub vlan_id: String,
    pub vcpu_count: u32,
    pub memory_size_bytes: String,
    pub storage_size_bytes: String,
    pub env_vars: Value,
}

/// `createBundleApplicationInstance`. Errors: the message of `errors`.
pub fn create(visit: &mut Visit<'_>, data: &Value) -> Result<Value, String> {
    // The schema has checked everything but the form of addresses.
    let new: NewInstance = serde_json::from_value(data.clone())
        .map_err(|error| visit.against_contract(format!("$data: {error}")))?;
    placement::check(visit, &new)?;
    let fate = visit.observability_fate();
    let id = visit.state.new_ksuid();
    let instance = Instance {
        id: id.clone(),
        name: new.name.clone(),
        application: visit.state.new_cuid(visit.now),
        package: Some(new.bundle_application_package.id),
        cluster: Some(new.cluster.id),
        vm_uuid: visit.state.new_uuid(),
        ip: new.vm_spec.ip,
        subnet_mask: new.vm_spec.subnet_mask.to_string(),
        gateway: new.vm_spec.gateway.to_string(),
        vlan: new.vm_spec.vlan_id,
        since: visit.now,
        fate,
        old: false,
        clusters: Vec::new(),
        services: Vec::new(),
        ntp: String::new(),
        machine: None,
        restarted: None,
    };
    let failed = fate == Some(ObservabilityFate::InstanceFailed);
    let task = NewTask {
        seconds: visit.state.durations.tower.observability_vm,
        fate: match fate {
            _ if failed => Some(TaskFate::Failed),
            Some(ObservabilityFate::InstanceStuck) => Some(TaskFate::Stuck),
            _ => None,
        },
        error: failed.then_some(NO_MEMORY),
        ..NewTask::ordinary(
            visit,
            &format!("Install Application observability-{}", new.name),
            Resource::new("CloudTowerApplication", &instance.application, "CREATE"),
        )
    };
    visit.start_task(task);
    visit.state.ledger.observability_instances.entry(new.name).or_default().add(visit.now);
    visit.state.tower.observability.instances.push(instance);
    Ok(json!({"id": id}))
}

const NO_MEMORY: &str = "SIM_NO_MEMORY: no host has enough free memory for the virtual machine";

/// How far an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub failed: bool,
    /// The status is SUCCESS.
    pub success: bool,
    /// The VM runs; before that there is none.
    pub running: bool,
    pub normal: bool,
}

impl State {
    pub(super) fn install_instances(&mut self, now: Moment) {
        let all = self.quirks.tower.observability.instances.clone();
        for OldInstance { name, ip, clusters, system_services } in
            all.into_iter().skip(self.tower.observability.found.1)
        {
            let instance = Instance {
                id: self.new_ksuid(),
                name,
                application: self.new_cuid(now),
                package: self.tower.observability.packages.first().map(|package| package.id.clone()),
                cluster: None,
                vm_uuid: self.new_uuid(),
                ip,
                subnet_mask: "255.255.255.0".to_owned(),
                gateway: "0.0.0.0".to_owned(),
                vlan: String::new(),
                since: now,
                fate: None,
                old: true,
                clusters: clusters.into_iter().map(|name| self.old_connection(now, name)).collect(),
                services: system_services.into_iter().map(|kind| self.old_service(now, kind)).collect(),
                ntp: String::new(),
                machine: None,
                restarted: None,
            };
            self.tower.observability.instances.push(instance);
        }
    }

    /// When the VM of an instance starts to run, if it ever does.
    fn instance_vm_runs(&self, instance: &Instance) -> Option<Moment> {
        let fails = [Some(ObservabilityFate::InstanceFailed), Some(ObservabilityFate::InstanceStuck)];
        let time = if instance.old { 0.0 } else { self.durations.tower.observability_vm };
        let late = !instance.old && self.variants.tower.observability.ready == Ready::StatusFirst;
        let time = if late { time + BETWEEN_SIGNS } else { time };
        (!fails.contains(&instance.fate)).then(|| instance.since.plus(durations::seconds(time)))
    }

    pub(super) fn instance_life(&self, now: Moment, instance: &Instance) -> Life {
        let times = &self.durations.tower;
        let vm_first = self.variants.tower.observability.ready == Ready::VmFirst;
        let more = if instance.old || !vm_first { 0.0 } else { BETWEEN_SIGNS };
        let time = if instance.old { 0.0 } else { times.observability_vm };
        let after = |moment: Moment, seconds: f64| moment.plus(durations::seconds(seconds)) <= now;
        let runs = self.instance_vm_runs(instance);
        let running = runs.is_some_and(|at| at <= now);
        let failed = instance.fate == Some(ObservabilityFate::InstanceFailed) && after(instance.since, time);
        let health = if instance.old { 0.0 } else { times.observability_health };
        let healthy = runs.is_some_and(|at| after(at, health))
            && instance.restarted.is_none_or(|at| after(at, times.observability_restart))
            && instance.fate != Some(ObservabilityFate::Unhealthy);
        let success = runs.is_some() && after(instance.since, time + more);
        Life { failed, success, running, normal: healthy && success }
    }

    /// Instances whose VM runs now.
    pub(super) fn running_instances(&self, now: Moment) -> impl Iterator<Item = &Instance> {
        let all = self.tower.observability.instances.iter();
        all.filter(move |instance| self.instance_life(now, instance).running)
    }

    /// When it began to run, for the identifier of its VM.
    pub(super) fn instance_vm_since(&self, instance: &Instance) -> Moment {
        self.instance_vm_runs(instance).unwrap_or(instance.since)
    }

    pub(super) fn instance_vm_uuid<'a>(&self, instance: &'a Instance) -> &'a str {
        &instance.vm_uuid
    }

    /// As CloudTower's own VM list names it.
    fn instance_vm_id(&self, instance: &Instance) -> String {
        let cluster = instance.cluster.as_deref().unwrap_or_default();
        self.learned_id(self.instance_vm_since(instance), "vm", cluster, &instance.vm_uuid)
    }

    pub(super) fn instance_rows(&self, now: Moment) -> Vec<Value> {
        self.tower.observability.instances.iter().map(|instance| self.instance_row(now, instance)).collect()
    }

    pub(super) fn instance_row(&self, now: Moment, instance: &Instance) -> Value {
        let life = self.instance_life(now, instance);
        let vms: Vec<Value> = (life.running || life.success)
            .then(|| {
                let status = if life.running { "RUNNING" } else { "STOPPED" };
                let vm = json!({"id": self.instance_vm_id(instance), "status": status});
                json!({"id": format!("{}-0", instance.application), "vm": vm})
            })
            .into_iter()
            .collect();
        let package = instance.package.as_deref().and_then(|id| self.package(now, id));
        json!({
            "id": instance.id, "name": instance.name, "status": status(life),
            "health_status": health(life), "error_code": life.failed.then_some("SIM_NO_MEMORY"),
            "application": {"id": instance.application, "instances": vms},
            "vm_spec": {
                "ip": instance.ip, "subnet_mask": instance.subnet_mask, "gateway": instance.gateway,
                "vlan_id": instance.vlan,
            },
            "bundle_application_package": package.map(super::Package::row),
            "connected_clusters": self.connected_rows(now, instance),
            "connected_system_services": self.service_rows(now, instance),
        })
    }

    /// Name of the network that an instance lies on.
    pub(super) fn instance_network(&self, now: Moment, instance: &Instance) -> Option<String> {
        let vlans = self.rows(Table::Vlans, now);
        let vlan = vlans.iter().find(|row| row["id"] == instance.vlan.as_str())?;
        vlan["name"].as_str().map(str::to_owned)
    }
}

/// SUCCESS and INSTALLING were seen (§2.7); how a failure is called is not known.
pub(super) fn status(life: Life) -> &'static str {
    match life {
        Life { failed: true, .. } => "FAILED",
        Life { success: true, .. } => "SUCCESS",
        _ => "INSTALLING",
    }
}

pub(super) fn health(life: Life) -> Option<&'static str> {
    match life {
        Life { normal: true, .. } => Some("NORMAL"),
        Life { running: true, .. } => Some("SIM_STARTING"),
        _ => None,
    }
}

impl Visit<'_> {
    /// Where the instance of an id stands, once it runs. Errors: the message of `errors`.
    pub(super) fn running_instance(&self, id: &Value) -> Result<usize, String> {
        let instances = &self.state.tower.observability.instances;
        let index = instances.iter().position(|instance| *id == *instance.id);
        let index = index.ok_or_else(|| format!("no instance with the id {id}"))?;
        let life = self.state.instance_life(self.now, &instances[index]);
        let ready = life.success && life.running;
        if ready { Ok(index) } else { Err(format!("instance {} is not ready", instances[index].name)) }
    }
}
