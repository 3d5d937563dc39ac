//! The bodies that create a VM and set the network of its guest (api-fisheye §8.2, 8.4), read strictly.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::super::exchange::Refused;

#[derive(Debug, Serialize, Deserialize)]
pub struct VmBody {
    pub vm_name: String,
    pub description: String,
    pub vcpu: u32,
    /// Bytes.
    pub memory: u64,
    pub cpu: Cpu,
    pub nics: Vec<Nic>,
    pub disks: Vec<Disk>,
    pub ha: bool,
    pub auto_schedule: bool,
    pub nested_virtualization: bool,
    #[serde(rename = "hasNormalVol")]
    pub has_normal_vol: bool,
    #[serde(rename = "hasSharedVol")]
    pub has_shared_vol: bool,
    #[serde(rename = "hasVolume")]
    pub has_volume: bool,
    pub cpu_model: String,
    pub firmware: String,
    #[serde(rename = "diskNamePrefix")]
    pub disk_name_prefix: String,
    pub status: String,
    /// Null, like the next two.
    pub folder_uuid: (),
    pub node_ip: (),
    pub quota_policy: (),
    /// Some clients leave it out (P).
    #[serde(rename = "existDisks", skip_serializing_if = "Option::is_none")]
    pub exist_disks: Option<[(); 0]>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Cpu {
    pub topology: Topology,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Topology {
    pub sockets: u32,
    pub cores: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Nic {
    pub ovs: String,
    pub model: String,
    pub mirror: bool,
    pub vlan_uuid: String,
    pub link: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Disk {
    Disk { bus: String, storage_policy_uuid: String, name: String, quota_policy: (), size_in_byte: u64 },
    Cdrom { bus: String, path: String, disabled: bool },
}

impl VmBody {
    /// The disk: its storage policy and its bytes; and the path of the image in the drive.
    ///
    /// Errors: a value that no site understands, by the name of its field.
    pub fn parts(&self) -> Result<(&Nic, (&str, u64), &str), Refused> {
        let bad = |field: &str, reason: &str| Err(Refused::form(field, reason));
        if self.vm_name.is_empty() {
            return bad("vm_name", "must not be empty");
        }
        let Topology { sockets, cores } = self.cpu.topology;
        if self.vcpu == 0 || sockets.checked_mul(cores) != Some(self.vcpu) {
            return bad("vcpu", "must be sockets times cores");
        }
        if self.memory == 0 || !self.memory.is_multiple_of(1 << 20) {
            return bad("memory", "must be a number of MiB");
        }
        if !["running", "stopped"].contains(&self.status.as_str()) {
            return bad("status", "must be running or stopped");
        }
        if !["BIOS", "UEFI"].contains(&self.firmware.as_str()) {
            return bad("firmware", "must be BIOS or UEFI");
        }
        let [nic] = self.nics.as_slice() else { return bad("nics", "one NIC is understood here") };
        if nic.model != "virtio" || !["up", "down"].contains(&nic.link.as_str()) {
            return bad("nics", "model virtio, link up or down");
        }
        match self.disks.as_slice() {
            [
                Disk::Disk { bus, storage_policy_uuid, size_in_byte, .. },
                Disk::Cdrom { bus: drive, path, disabled: false },
            ] if bus == "virtio" && drive == "ide" && *size_in_byte > 0 => {
                Ok((nic, (storage_policy_uuid, *size_in_byte), path))
            }
            _ => bad("disks", "one virtio disk, then one enabled IDE drive"),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct NetworkBody {
    pub nics: [GuestNic; 1],
}

#[derive(Debug, Serialize, Deserialize)]
pub struct GuestNic {
    pub vlan_uuid: String,
    pub ovs: String,
    pub model: String,
    pub mac_address: String,
    pub mirror: bool,
    pub gateway: Ipv4Addr,
    pub subnet_mask: Ipv4Addr,
    pub ip_address: Ipv4Addr,
    pub link: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct DeleteBody {
    pub include_volumes: bool,
}
