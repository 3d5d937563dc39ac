//! VMs of the cluster: created and changed by jobs, never listed by a documented call (api-fisheye §8).

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        clock::Moment,
        durations,
        exchange::{Answer, Outcome, Refused},
        random,
        site::State,
        strict,
        variants::{AgentBefore, EarlyGuestNetwork, VmList},
    },
    Cluster, Visit,
    jobs::{Effect, Impossible},
    vm_body::{DeleteBody, NetworkBody, VmBody},
    volume::Kind,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vm {
    pub uuid: String,
    pub name: String,
    description: String,
    pub mac: String,
    pub vlan_uuid: String,
    pub ovs: String,
    /// Of the ISO in its drive.
    pub image_path: String,
    storage_policy: String,
    pub vcpu: u32,
    /// Bytes.
    pub memory: u64,
    disk_bytes: u64,
    /// Whether it is meant to run.
    pub running: bool,
    created: Option<Moment>,
    /// When it first ran: the installation of its system starts then.
    powered_on: Option<Moment>,
    pub network: Option<GuestNetwork>,
}

/// What the guest agent was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestNetwork {
    pub ip: Ipv4Addr,
    pub mask: Ipv4Addr,
    pub gateway: Ipv4Addr,
    /// When the job was done.
    pub since: Option<Moment>,
}

/// How far the machine is (site-behaviour §5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Stopped,
    Installing,
    /// The guest agent reports.
    Booted,
}

impl Cluster {
    /// Every VM that exists now, in order of creation.
    pub fn vms(&self) -> impl Iterator<Item = &Vm> {
        self.vms.iter()
    }
}

impl State {
    /// The name of the image that the machine at this address was installed from.
    pub fn installed_from(&self, address: Ipv4Addr) -> Option<&str> {
        let there = |vm: &&Vm| vm.network.as_ref().is_some_and(|network| network.ip == address);
        let path = &self.cluster.vms.iter().find(there)?.image_path;
        let volume = self.cluster.volumes.iter().find(|volume| volume.path() == *path)?;
        Some(&volume.name)
    }

    pub fn life(&self, vm: &Vm, now: Moment) -> Life {
        let installed = vm.powered_on.map(|on| on.plus(durations::seconds(self.durations.os_install)));
        match (vm.running, vm.powered_on, installed) {
            (true, Some(on), Some(installed)) if on <= now => {
                let tools = !self.quirks.guest.stock_iso;
                if tools && installed <= now { Life::Booted } else { Life::Installing }
            }
            _ => Life::Stopped,
        }
    }

    pub(super) fn create_vm(&mut self, now: Moment, mut vm: Vm) {
        vm.created = Some(now);
        if vm.running {
            vm.powered_on = Some(now.plus(durations::seconds(self.durations.power_on)));
        }
        self.ledger.vms.entry(vm.name.clone()).or_default().add(now);
        self.cluster.vms.push(vm);
    }

    pub(super) fn set_guest_network(&mut self, now: Moment, uuid: &str, network: GuestNetwork) {
        let Some(vm) = self.cluster.vms.iter_mut().find(|vm| vm.uuid == uuid) else { return };
        self.ledger.vm_writes.entry(vm.name.clone()).or_default().add(now);
        if self.quirks.guest.address_never {
            return;
        }
        // The same network again interrupts nothing.
        let same =
            vm.network.as_ref().is_some_and(|set| GuestNetwork { since: None, ..set.clone() } == network);
        if !same {
            vm.network = Some(GuestNetwork { since: Some(now), ..network });
        }
    }

    pub(super) fn power(&mut self, now: Moment, uuid: &str, on: bool) {
        let Some(vm) = self.cluster.vms.iter_mut().find(|vm| vm.uuid == uuid) else { return };
        vm.running = on;
        if on && vm.powered_on.is_none() {
            vm.powered_on = Some(now);
        }
        self.ledger.vm_writes.entry(vm.name.clone()).or_default().add(now);
    }

    pub(super) fn delete_vm(&mut self, now: Moment, uuid: &str) {
        let Some(index) = self.cluster.vms.iter().position(|vm| vm.uuid == uuid) else { return };
        let vm = self.cluster.vms.remove(index);
        self.ledger.vms_deleted.entry(vm.name).or_default().add(now);
    }

    fn show_vm(&self, vm: &Vm, now: Moment) -> Value {
        let life = self.life(vm, now);
        let on = vm.powered_on.filter(|on| *on <= now);
        let node = self.twin.hosts.first().map(|host| host.storage_ip);
        let mut shown = json!({
            "uuid": vm.uuid, "vm_name": vm.name, "description": vm.description,
            "status": if life == Life::Stopped { "stopped" } else { "running" },
            "guest_os_type": "unknown", "vcpu": vm.vcpu, "memory": vm.memory, "node_ip": node, "ha": true,
            "resource_state": "in-use", "type": "KVM_VM",
            "nics": [{
                "mac_address": vm.mac, "vlan_uuid": vm.vlan_uuid, "ovs": vm.ovs, "link": "up", "model": "virtio",
                "mirror": false, "interface_id": vm.uuid, "type": "VLAN",
                "vlans": [{"vlan_id": self.vlan_id(&vm.vlan_uuid)}],
            }],
            "disks": [
                {
                    "type": "disk", "bus": "virtio", "name": "cloudtower-os",
                    "storage_policy_uuid": vm.storage_policy, "size_in_byte": vm.disk_bytes,
                },
                {"type": "cdrom", "bus": "ide", "path": vm.image_path, "disabled": false},
            ],
            "create_time": vm.created.map(Moment::epoch_seconds),
            "last_start_time": on.map(Moment::epoch_seconds),
            "uptime": on.map(|on| now.since(on).as_secs()),
        });
        match (life, self.variants.agent_before) {
            (Life::Booted, _) => shown["guest_info"] = guest_info(vm, now),
            (_, AgentBefore::Absent) => {}
            (_, AgentBefore::WithoutState) => shown["guest_info"] = json!({"nics": [], "mounted": false}),
            (_, AgentBefore::NotRunning) => {
                shown["guest_info"] = json!({"ga_state": "NotRunning", "ga_version": "", "nics": []});
            }
        }
        shown
    }

    fn vlan_id(&self, uuid: &str) -> Option<u16> {
        let mut networks = self.cluster.vdses.iter().flat_map(|vds| &vds.networks);
        networks.find(|network| network.uuid == uuid).map(|network| network.vlan_id)
    }
}

fn guest_info(vm: &Vm, now: Moment) -> Value {
    let addresses: Vec<Value> = vm
        .network
        .iter()
        .map(|network| {
            let prefix = u32::from(network.mask).count_ones();
            json!({
                "ip_address": network.ip, "ip_address_type": "ipv4", "netmask": network.mask, "prefix": prefix,
            })
        })
        .collect();
    let gateways: Vec<Ipv4Addr> = vm.network.iter().map(|network| network.gateway).collect();
    json!({
        "ga_state": "Running", "ga_version": "3.1.0", "os_version": "openEuler 20.03 (LTS-SP3)",
        "kernel_info": "4.19.90-2112.8.0.0131.oe1.x86_64", "hostname": "localhost.localdomain",
        "nics": [
            {
                "name": "lo", "hardware_address": "00:00:00:00:00:00", "ip_type": "static",
                "ip_addresses": [
                    {"ip_address": "127.0.0.1", "ip_address_type": "ipv4", "netmask": "255.0.0.0", "prefix": 8},
                ],
            },
            {"name": "ens4", "hardware_address": vm.mac, "ip_addresses": addresses, "ip_type": "static"},
        ],
        "dns_servers": [], "gateway_ips": gateways, "storage": [], "update_time": now.epoch_seconds(),
        "expired": false, "mounted": true,
    })
}

impl Visit<'_> {
    fn vm(&self) -> Result<&Vm, Refused> {
        let uuid = self.call.param(0);
        let found = self.state.cluster.vms.iter().find(|vm| vm.uuid == uuid);
        found.ok_or_else(|| Refused::With(Answer::failure(404, "SIM_VM_NOT_FOUND", "no such VM", &json!(""))))
    }
}

/// `GET vms`: not documented, so it may not be there.
pub fn list(visit: &mut Visit<'_>) -> Outcome {
    match visit.state.variants.vm_list {
        VmList::NotFound => Err(Refused::With(Answer::html(404, "Not Found"))),
        VmList::Listed => {
            let all: Vec<Value> =
                visit.state.cluster.vms().map(|vm| visit.state.show_vm(vm, visit.now)).collect();
            Ok(Answer::eok(json!({"entities": all})))
        }
    }
}

/// `GET vms/{uuid}`.
pub fn show(visit: &mut Visit<'_>) -> Outcome {
    let vm = visit.vm()?;
    Ok(Answer::eok(visit.state.show_vm(vm, visit.now)))
}

/// `POST vms`: a job. The same name again makes a second VM (I).
pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let body: VmBody = strict::body(visit.call, visit.state.quirks.lenient)?;
    let (nic, (policy, disk_bytes), path) = body.parts()?;
    let cluster = &visit.state.cluster;
    if cluster.policy.as_ref().is_none_or(|known| known.uuid != policy) {
        return Err(Refused::form("storage_policy_uuid", "no such storage policy"));
    }
    let on_switch = cluster.vdses.iter().any(|vds| {
        vds.ovsbr_name == nic.ovs && vds.networks.iter().any(|network| network.uuid == nic.vlan_uuid)
    });
    if !on_switch {
        return Err(Refused::form("vlan_uuid", "no such network on this ovs"));
    }
    let usable = cluster.volumes.iter().any(|volume| {
        volume.kind == Kind::Image && volume.complete && !volume.deleted && volume.path() == path
    });
    let uuid = visit.state.new_uuid();
    let mac = random::bytes(visit.state.seed(), &["vm-mac", &uuid]);
    let vm = Vm {
        name: body.vm_name.clone(),
        description: body.description.clone(),
        mac: format!("52:54:00:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2]),
        vlan_uuid: nic.vlan_uuid.clone(),
        ovs: nic.ovs.clone(),
        image_path: path.to_owned(),
        storage_policy: policy.to_owned(),
        vcpu: body.vcpu,
        memory: body.memory,
        disk_bytes,
        running: body.status == "running",
        created: None,
        powered_on: None,
        network: None,
        uuid: uuid.clone(),
    };
    let resources = json!({uuid.clone(): {"type": "KVM_VM", "uuid": uuid, "vm_name": vm.name}});
    let message = (format!("创建虚拟机 {}", vm.name), format!("Create VM {}", vm.name));
    let effect: Result<Effect, Impossible> = if usable {
        Ok(Effect::CreateVm(Box::new(vm)))
    } else {
        Err(("SIM_IMAGE_NOT_FOUND", "the image of the CD-ROM does not exist or is not complete"))
    };
    let seconds = visit.state.durations.vm_job;
    Ok(visit.start("VM_CREATE", seconds, effect, resources, (&message.0, &message.1)))
}

/// `PUT vms/{uuid}`: sets the network of the guest through its agent, as a job.
pub fn set_network(visit: &mut Visit<'_>) -> Outcome {
    let body: NetworkBody = strict::body(visit.call, visit.state.quirks.lenient)?;
    let [nic] = body.nics;
    let vm = visit.vm()?.clone();
    if nic.mac_address != vm.mac {
        return Err(Refused::form("mac_address", "is not the MAC of this VM"));
    }
    if (&nic.vlan_uuid, &nic.ovs) != (&vm.vlan_uuid, &vm.ovs) || nic.model != "virtio" || nic.link != "up" {
        return Err(Refused::form("nics", "does not describe the NIC of this VM"));
    }
    // Any other address would be silent for ever in this twin, and outside the plan.
    if visit.state.twin.plan.cloudtower.is_some_and(|planned| planned != nic.ip_address) {
        let what = "a guest address that the plan does not name";
        visit.state.breach(visit.now, visit.call.address, "fisheye.vm.update", what);
    }
    let network =
        GuestNetwork { ip: nic.ip_address, mask: nic.subnet_mask, gateway: nic.gateway, since: None };
    let booted = visit.state.life(&vm, visit.now) == Life::Booted;
    let effect = match (booted, visit.state.variants.early_guest_network) {
        (true, _) => Ok(Effect::SetGuestNetwork(vm.uuid.clone(), network)),
        (false, EarlyGuestNetwork::NoEffect) => Ok(Effect::Nothing),
        (false, EarlyGuestNetwork::JobFails) => {
            Err(("SIM_GUEST_AGENT_NOT_RUNNING", "the guest agent of the VM is not running"))
        }
    };
    let seconds = visit.state.durations.guest_network_job;
    Ok(change(visit, &vm, "VM_EDIT", "编辑虚拟机", "Edit VM", seconds, effect))
}

/// `POST vms/{uuid}/start`.
pub fn start(visit: &mut Visit<'_>) -> Outcome {
    let vm = visit.vm()?.clone();
    let effect = Ok(Effect::Power { vm: vm.uuid.clone(), on: true });
    let seconds = visit.state.durations.power_on;
    Ok(change(visit, &vm, "VM_START", "开启虚拟机", "Start VM", seconds, effect))
}

/// `POST vms/{uuid}/stop`.
pub fn stop(visit: &mut Visit<'_>) -> Outcome {
    let vm = visit.vm()?.clone();
    let effect = Ok(Effect::Power { vm: vm.uuid.clone(), on: false });
    let seconds = visit.state.durations.power_on;
    Ok(change(visit, &vm, "VM_STOP", "关闭虚拟机", "Stop VM", seconds, effect))
}

/// `DELETE vms/{uuid}`.
pub fn delete(visit: &mut Visit<'_>) -> Outcome {
    let _: DeleteBody = strict::body(visit.call, visit.state.quirks.lenient)?;
    let vm = visit.vm()?.clone();
    let effect = Ok(Effect::DeleteVm(vm.uuid.clone()));
    let seconds = visit.state.durations.vm_job;
    Ok(change(visit, &vm, "VM_DELETE", "删除虚拟机", "Delete VM", seconds, effect))
}

fn change(
    visit: &mut Visit<'_>,
    vm: &Vm,
    description: &str,
    zh: &str,
    en: &str,
    seconds: f64,
    effect: Result<Effect, Impossible>,
) -> Answer {
    let resources = json!({vm.uuid.clone(): {"type": "KVM_VM", "uuid": vm.uuid, "vm_name": vm.name}});
    let message = (format!("{zh} {}", vm.name), format!("{en} {}", vm.name));
    visit.start(description, seconds, effect, resources, (&message.0, &message.1))
}
