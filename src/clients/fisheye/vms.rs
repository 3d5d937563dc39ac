//! VMs of the cluster: look, create, give the guest its network (api-fisheye §8).

use std::net::Ipv4Addr;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Fisheye, Reader, Started, envelope};
use crate::{
    clients::{http::Call, lenient, problem::Problem, wire::Class},
    failure::Result,
    messages::message,
};

/// Size of the CloudTower VM (§8.2).
const VCPUS: u32 = 8;
/// Bytes: 19 GiB.
const MEMORY: u64 = 20_401_094_656;
/// Bytes: 400 GiB.
const DISK: u64 = 429_496_729_600;

/// A VM as the cluster shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Vm {
    #[serde(deserialize_with = "lenient::text")]
    pub uuid: String,
    #[serde(rename = "vm_name", deserialize_with = "lenient::text")]
    pub name: String,
    /// `running`; other values are not documented.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
    #[serde(default, deserialize_with = "lenient::list")]
    pub nics: Vec<VmNic>,
    /// What the guest agent told; absent until it runs.
    #[serde(default)]
    pub guest_info: Option<GuestInfo>,
}

/// A network card of a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmNic {
    #[serde(default, deserialize_with = "lenient::text")]
    pub mac_address: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub vlan_uuid: String,
    /// The bridge of its switch.
    #[serde(default, deserialize_with = "lenient::text")]
    pub ovs: String,
}

/// The guest as its agent describes it (§8.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct GuestInfo {
    #[serde(default, deserialize_with = "lenient::text")]
    pub ga_state: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub os_version: String,
    #[serde(default, deserialize_with = "lenient::list")]
    nics: Vec<GuestNic>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct GuestNic {
    #[serde(default, deserialize_with = "lenient::list")]
    ip_addresses: Vec<GuestAddress>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct GuestAddress {
    #[serde(default, deserialize_with = "lenient::text")]
    ip_address: String,
}

impl GuestInfo {
    /// Whether the agent runs. `guest_os_type` stays `unknown` even then (§8.3).
    pub fn is_running(&self) -> bool {
        self.ga_state.eq_ignore_ascii_case("running")
    }

    /// Whether one of the guest's cards has that address.
    pub fn has(&self, address: Ipv4Addr) -> bool {
        let mut all = self.nics.iter().flat_map(|nic| &nic.ip_addresses);
        all.any(|known| known.ip_address.parse() == Ok(address))
    }
}

/// A VM network and the bridge of its switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmNetwork {
    pub vlan_uuid: String,
    /// `ovsbr_name` of the switch.
    pub ovs: String,
}

/// The CloudTower VM to be made; its size is fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVm {
    pub name: String,
    pub description: String,
    pub network: VmNetwork,
    pub storage_policy_uuid: String,
    /// `path` of the image in the CD-ROM drive.
    pub image_path: String,
}

/// The address that the agent is to set inside the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestNetwork {
    pub network: VmNetwork,
    pub mac_address: String,
    pub address: Ipv4Addr,
    pub netmask: Ipv4Addr,
    pub gateway: Ipv4Addr,
}

impl Reader {
    /// One VM, or `None` when the cluster does not know it.
    pub async fn vm(&self, uuid: &str) -> Result<Option<Vm>> {
        let doing = message("clients.doing.vm", &[("vm", &uuid)]);
        let call = Call::read("fisheye.vm.detail", doing, format!("/api/v2/vms/{uuid}"));
        let read = |answer: &_| {
            let mut data = envelope::data(answer)?;
            if let Value::Object(fields) = &mut data
                && let Some(inner) = fields.remove("vm").filter(Value::is_object)
            {
                data = inner;
            }
            serde_json::from_value(data).map(Some).map_err(|why| Problem::unreadable(answer, why))
        };
        match self.cluster_raw(&call, read).await {
            Err(Problem::Refused(refused)) if refused.means_absent() => Ok(None),
            result => self.told(&call, result),
        }
    }

    /// All VMs as far as the cluster lists them: the call is not documented (§8.2), so that `None` is an answer too
    /// and an absence in the list proves nothing.
    pub async fn vms(&self) -> Result<Option<Vec<Vm>>> {
        let call = Call::read("fisheye.vm.list", message("clients.doing.vms", &[]), "/api/v2/vms");
        let read = |answer: &_| {
            let list = lenient::list_in(envelope::data(answer)?, "vms").ok();
            let known = |item| serde_json::from_value::<Vm>(item).ok();
            Ok(list.map(|list| list.into_iter().filter_map(known).collect()))
        };
        match self.cluster_raw(&call, read).await {
            Err(Problem::Refused(refused)) if refused.means_absent() => Ok(None),
            result => self.told(&call, result),
        }
    }
}

impl Fisheye {
    /// Makes the CloudTower VM and switches it on; follow the job (`VM_CREATE`). Not repeatable: names need not be
    /// unique.
    pub async fn create_vm(&self, vm: &NewVm) -> Result<Started> {
        let doing = message("clients.doing.create_vm", &[("name", &vm.name)]);
        let call = Call::write("fisheye.vm.create", doing, Method::POST, "/api/v2/vms")
            .class(Class::Once)
            .json(&creation(vm));
        self.cluster(call, envelope::v2_or_default).await
    }

    /// Lets the agent set the guest's address; follow the job. The same values again do no harm.
    pub async fn set_guest_network(&self, vm_uuid: &str, guest: &GuestNetwork) -> Result<Started> {
        let doing = message("clients.doing.guest_network", &[("address", &guest.address)]);
        let path = format!("/api/v2/vms/{vm_uuid}");
        let call = Call::write("fisheye.vm.update", doing, Method::PUT, path).json(&json!({ "nics": [{
            "vlan_uuid": guest.network.vlan_uuid,
            "ovs": guest.network.ovs,
            "model": "virtio",
            "mac_address": guest.mac_address,
            "mirror": false,
            "gateway": guest.gateway,
            "subnet_mask": guest.netmask,
            "ip_address": guest.address,
            "link": "up",
        }] }));
        self.cluster(call, envelope::v2_or_default).await
    }
}

/// The body of §8.2.
fn creation(vm: &NewVm) -> Value {
    let disk = json!({
        "type": "disk",
        "bus": "virtio",
        "storage_policy_uuid": vm.storage_policy_uuid,
        "name": "cloudtower-os",
        "quota_policy": null,
        "size_in_byte": DISK,
    });
    let cdrom = json!({ "type": "cdrom", "bus": "ide", "path": vm.image_path, "disabled": false });
    json!({
        "vm_name": vm.name,
        "description": vm.description,
        "vcpu": VCPUS,
        "memory": MEMORY,
        "cpu": { "topology": { "sockets": VCPUS, "cores": 1 } },
        "nics": [{
            "ovs": vm.network.ovs,
            "model": "virtio",
            "mirror": false,
            "vlan_uuid": vm.network.vlan_uuid,
            "link": "up",
        }],
        "disks": [disk, cdrom],
        "existDisks": [],
        "ha": true,
        "auto_schedule": true,
        "nested_virtualization": false,
        "hasNormalVol": false,
        "hasSharedVol": false,
        "hasVolume": false,
        "cpu_model": "cluster_default",
        "firmware": "BIOS",
        "diskNamePrefix": "cloudtower",
        // Also switches it on.
        "status": "running",
        "folder_uuid": null,
        "node_ip": null,
        "quota_policy": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clients::{
            fisheye::{Addresses, JobState},
            testing::{Act, Seen, TestSite, ok, session},
        },
        failure::Effect,
        secret::Secret,
    };

    async fn site(act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> (TestSite, Fisheye) {
        let site = TestSite::start(move |seen| match seen.line().as_str() {
            "POST /api/v3/sessions" => session("0123456789abcdef0123456789abcdef"),
            _ => act(seen),
        })
        .await;
        let first = Ipv4Addr::new(10, 0, 20, 11);
        let addresses = Addresses { first, others: Vec::new(), vip: Ipv4Addr::new(10, 0, 20, 10) };
        let fisheye = Fisheye::new(site.http(), addresses, Secret::from("Planned-1/pw"));
        (site, fisheye)
    }

    fn network() -> VmNetwork {
        VmNetwork { vlan_uuid: "v-1".into(), ovs: "ovsbr-mgt".into() }
    }

    fn new_vm() -> NewVm {
        NewVm {
            name: "cloudtower".into(),
            description: "by voyager".into(),
            network: network(),
            storage_policy_uuid: "p-1".into(),
            image_path: "iscsi://a/1".into(),
        }
    }

    #[tokio::test]
    async fn the_vm_is_asked_for_once_and_a_lost_answer_leaves_its_effect_unknown() {
        let (site, fisheye) = site(|_| Act::Drop).await;
        let failure = fisheye.create_vm(&new_vm()).await.unwrap_err();
        let posts = site.seen().iter().filter(|seen| seen.line() == "POST /api/v2/vms").count();
        assert_eq!((failure.effect, posts), (Effect::Unknown, 1));
    }

    #[tokio::test]
    async fn the_job_names_the_vm_by_type_or_by_its_name() {
        let resources = json!({
            "d-1": {"type": "KVM_VOLUME"}, "u-1": {"type": "KVM_VM", "vm_name": "cloudtower"},
            "u-2": {"type": "VM", "vm_name": "other"},
        });
        let (_site, fisheye) = site(move |_| {
            ok(json!({"job": {"job_id": "j", "state": "done", "resources": resources.clone()}}))
        })
        .await;
        let JobState::Done(job) = fisheye.job("j").await.unwrap() else { panic!("not done") };
        assert_eq!(job.vm("cloudtower"), Some("u-1"));
    }

    #[tokio::test]
    async fn a_vm_is_read_bare_or_wrapped_and_an_unknown_one_is_none() {
        let vm = json!({"uuid": "u", "vm_name": "cloudtower", "status": "running", "nics": null, "guest_info": null});
        for data in [vm.clone(), json!({ "vm": vm })] {
            let (_site, fisheye) = site(move |_| ok(data.clone())).await;
            assert_eq!(fisheye.vm("u").await.unwrap().unwrap().name, "cloudtower");
        }
        let refusal = json!({"ec": "VM_NOT_FOUND", "error": {"msg": "no such vm"}, "data": {}}).to_string();
        for status in [200, 404] {
            let refusal = refusal.clone();
            let (_site, fisheye) = site(move |_| Act::Answer(status, "", refusal.clone())).await;
            assert_eq!(fisheye.vm("u").await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_list_of_vms_that_does_not_exist_is_no_failure() {
        let (_none, fisheye) = site(|_| Act::Answer(404, "", "<html>not found</html>".into())).await;
        assert_eq!(fisheye.vms().await.unwrap(), None);
        let list = json!({"vms": [{"uuid": "u", "vm_name": "cloudtower"}, {"odd": true}], "total": 2});
        let (_site, fisheye) = site(move |_| ok(list.clone())).await;
        let names: Vec<String> =
            fisheye.vms().await.unwrap().unwrap().into_iter().map(|vm| vm.name).collect();
        assert_eq!(names, ["cloudtower"]);
    }

    #[test]
    fn the_agent_is_ready_by_its_own_state_and_addresses_are_compared_as_addresses() {
        let guest: GuestInfo = serde_json::from_value(json!({
            "ga_state": "running", "os_version": "openEuler 20.03 (LTS-SP3)",
            "nics": [{"name": "lo"}, {"name": "ens4", "ip_addresses": [{"ip_address": "10.0.20.2", "prefix": 24}]}],
        }))
        .unwrap();
        assert!(guest.is_running());
        assert!(guest.has(Ipv4Addr::new(10, 0, 20, 2)) && !guest.has(Ipv4Addr::new(10, 0, 20, 20)));
        assert!(!GuestInfo::default().is_running());
    }

    #[tokio::test]
    async fn the_guest_network_carries_everything_the_agent_needs() {
        let (site, fisheye) = site(|_| ok(json!({"job_id": "j-1"}))).await;
        let guest = GuestNetwork {
            network: network(),
            mac_address: "52:54:00:00:00:01".into(),
            address: Ipv4Addr::new(10, 0, 20, 2),
            netmask: Ipv4Addr::new(255, 255, 255, 0),
            gateway: Ipv4Addr::new(10, 0, 20, 1),
        };
        let started = fisheye.set_guest_network("u", &guest).await.unwrap();
        assert_eq!(started.job_id.as_deref(), Some("j-1"));
        let sent = site.seen().into_iter().find(|seen| seen.line() == "PUT /api/v2/vms/u").unwrap();
        assert_eq!(
            sent.json(),
            json!({"nics": [{
                "vlan_uuid": "v-1", "ovs": "ovsbr-mgt", "model": "virtio", "mirror": false, "link": "up",
                "mac_address": "52:54:00:00:00:01", "ip_address": "10.0.20.2",
                "gateway": "10.0.20.1", "subnet_mask": "255.255.255.0",
            }]})
        );
    }
}
