//! The twin of a planned site: hosts, NICs and disks made by rule from a plan's plain values (DESIGN §7).

use std::{collections::BTreeMap, fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{fault::HostQuirk, random};

/// The plain values of a plan that a twin is made from. No password but one: the site learns them from requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TwinPlan {
    pub cluster: String,
    pub vip: Option<Ipv4Addr>,
    /// SMTX OS version and patch level, such as `6.2.0` and `P4`.
    pub version: String,
    pub patch: String,
    /// `x86_64` or `aarch64`.
    pub arch: String,
    /// Two SSD and four HDD beside the boot disk, instead of six SSD.
    pub tiered: bool,
    pub hosts: Vec<PlannedHost>,
    pub switches: Vec<PlannedSwitch>,
    /// The VM networks that the run creates.
    pub networks: Vec<PlannedNetwork>,
    /// Addresses that always answer on TCP 53 (DNS) and 123 (NTP), or silently drop (gateways).
    pub gateways: Vec<Ipv4Addr>,
    pub dns: Vec<Ipv4Addr>,
    /// NTP servers given as addresses; names need no twin.
    pub ntp: Vec<Ipv4Addr>,
    pub cloudtower: Option<Ipv4Addr>,
    /// Service addresses (observability, backup, test range …): silent until something is deployed there.
    pub components: BTreeMap<String, Vec<Ipv4Addr>>,
    /// The account of the Observability VM: nothing that the site is told says what it is.
    #[serde(default)]
    pub observability_account: Option<Account>,
}

/// An account that a machine has from its start.
#[derive(Clone, Serialize, Deserialize)]
pub struct Account {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Account").field("user", &self.user).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlannedHost {
    pub hostname: String,
    pub mgmt_ip: Ipv4Addr,
    pub storage_ip: Ipv4Addr,
    pub bmc_ip: Option<Ipv4Addr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Management,
    Storage,
    Business,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlannedSwitch {
    pub role: Role,
    pub name: String,
    /// NIC names of every host, as planned.
    pub nics: Vec<String>,
    pub bond_mode: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlannedNetwork {
    /// Name of the VDS it lies on.
    pub vds: String,
    pub name: String,
    pub vlan_id: u16,
}

/// One simulated host, as its scan shows it before deployment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Host {
    pub uuid: String,
    /// Chassis serial.
    pub serial: String,
    pub mgmt_ip: Ipv4Addr,
    pub storage_ip: Ipv4Addr,
    pub bmc_ip: Option<Ipv4Addr>,
    pub ifaces: Vec<Iface>,
    pub disks: Vec<Disk>,
}

/// A network port; addresses as the scan reports them (api-fisheye §3.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Iface {
    pub name: String,
    pub hwaddr: String,
    pub ipv4: Option<Ipv4Addr>,
    /// Link-local, without a zone.
    pub ipv6: Option<String>,
}

/// A disk as the scan reports it; the deploy body repeats it with another `function` (api-fisheye §3.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    pub drive: String,
    pub function: String,
    pub model: String,
    pub serial: String,
    /// Bytes.
    pub size: u64,
    #[serde(rename = "type")]
    pub kind: String,
}

/// The plan and the hosts made from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Twin {
    pub plan: TwinPlan,
    pub seed: u64,
    pub hosts: Vec<Host>,
}

impl Twin {
    /// Makes the hosts; the same plan, seed and quirks give the same twin.
    pub fn new(plan: TwinPlan, seed: u64, quirks: &BTreeMap<Ipv4Addr, HostQuirk>) -> Self {
        let hosts = plan
            .hosts
            .iter()
            .map(|planned| {
                let mut host = host(&plan, planned, seed);
                if let Some(quirk) = quirks.get(&planned.mgmt_ip) {
                    bend(&mut host, *quirk);
                }
                host
            })
            .collect();
        Self { plan, seed, hosts }
    }

    /// The host whose management address this is.
    pub fn host_at(&self, mgmt_ip: Ipv4Addr) -> Option<&Host> {
        self.hosts.iter().find(|host| host.mgmt_ip == mgmt_ip)
    }

    pub fn host(&self, uuid: &str) -> Option<&Host> {
        self.hosts.iter().find(|host| host.uuid == uuid)
    }
}

fn host(plan: &TwinPlan, planned: &PlannedHost, seed: u64) -> Host {
    let key = planned.mgmt_ip.to_string();
    let mut nics: Vec<&str> = Vec::new();
    for nic in plan.switches.iter().flat_map(|switch| &switch.nics) {
        if !nics.contains(&nic.as_str()) {
            nics.push(nic);
        }
    }
    let mgmt_nic = plan.switches.iter().find(|switch| switch.role == Role::Management);
    let mgmt_nic = mgmt_nic.and_then(|switch| switch.nics.first());
    let ifaces = nics
        .iter()
        .map(|nic| {
            let mac = random::bytes(seed, &["mac", &key, nic]);
            let mac = [0x00, 0x50, 0x56, mac[0], mac[1], mac[2]];
            Iface {
                name: (*nic).to_owned(),
                hwaddr: mac.map(|b| format!("{b:02x}")).join(":"),
                ipv4: (mgmt_nic.map(String::as_str) == Some(*nic)).then_some(planned.mgmt_ip),
                ipv6: Some(link_local(mac)),
            }
        })
        .collect();
    Host {
        uuid: random::uuid(seed, 1, &["host", &key]),
        serial: random::text(seed, b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", 10, &["chassis", &key]),
        mgmt_ip: planned.mgmt_ip,
        storage_ip: planned.storage_ip,
        bmc_ip: planned.bmc_ip,
        ifaces,
        disks: disks(plan.tiered, seed, &key),
    }
}

/// The EUI-64 link-local address of a MAC.
fn link_local(mac: [u8; 6]) -> String {
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    let parts = [word(mac[0] ^ 2, mac[1]), word(mac[2], 0xff), word(0xfe, mac[3]), word(mac[4], mac[5])];
    std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, parts[0], parts[1], parts[2], parts[3]).to_string()
}

fn disks(tiered: bool, seed: u64, host: &str) -> Vec<Disk> {
    const BOOT: u64 = 240_057_409_536;
    const SSD: u64 = 1_920_383_410_176;
    const HDD: u64 = 8_001_563_222_016;
    let data = (0..6).map(|i| if tiered && i >= 2 { ("HDD", HDD) } else { ("SSD", SSD) });
    std::iter::once(("boot", "SSD", BOOT))
        .chain(data.map(|(kind, size)| (if tiered && kind == "SSD" { "cache" } else { "data" }, kind, size)))
        .zip('a'..)
        .map(|((function, kind, size), letter)| {
            let drive = format!("sd{letter}");
            Disk {
                function: function.to_owned(),
                model: format!("SIM {kind} {}G", size / 1_000_000_000),
                serial: random::text(seed, b"0123456789ABCDEF", 12, &["disk", host, &drive]),
                size,
                kind: kind.to_owned(),
                drive,
            }
        })
        .collect()
}

/// SCAN-SPEC of site-behaviour §10: hosts that a plan check must reject.
fn bend(host: &mut Host, quirk: HostQuirk) {
    match quirk {
        HostQuirk::NicMissing => {
            host.ifaces.pop();
        }
        HostQuirk::SecondBoot => {
            if let Some(disk) = host.disks.last_mut() {
                disk.function = "boot".into();
            }
        }
        HostQuirk::HddOnly => {
            for disk in host.disks.iter_mut().skip(1) {
                disk.kind = "HDD".into();
            }
        }
        HostQuirk::TwinSerials => {
            if let [_, first, second, ..] = host.disks.as_mut_slice() {
                second.serial = first.serial.clone();
            }
        }
    }
}
