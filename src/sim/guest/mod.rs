//! The machine at the CloudTower address: its network, its files, its installer (site-behaviour §6).

mod containers;
mod files;
mod installer;
mod machine;
mod programs;
mod shell;

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use installer::InstallerFate;
pub use machine::run;

use self::{files::File, installer::Run};
use super::{
    clock::Moment,
    durations,
    fisheye::{Life, Vm},
    reach::Reach,
    site::State,
    variants::ResolvConf,
};

/// The one account of the image (api-cloudtower §2).
const ACCOUNT: (&str, &str) = ("cloudtower", "HC!r0cks");
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Where an installer that ran before anybody looked left its log (INST-DONE).
const OLD_LOG: &str = "/home/cloudtower/installer.out";

/// How the machine differs from the usual.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuestQuirks {
    /// The ISO brings no VM tools: the guest agent never reports (GA-NEVER).
    pub stock_iso: bool,
    /// The guest network job ends well, yet the guest never gets the address (GNET-LATE).
    pub address_never: bool,
    /// So many SSH connections are dropped before the greeting (SSH-BANNER).
    pub dropped_connections: u32,
    /// How long the SSH greeting takes (SSH-BANNER).
    pub banner_seconds: f64,
    /// SSH connections are reset after so long (SSH-DROP).
    pub connection_seconds: Option<f64>,
    /// The installer has succeeded before anybody looks (INST-DONE).
    pub installed: bool,
}

/// What the machine remembers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Guest {
    files: BTreeMap<String, File>,
    /// When preinstall.sh ended, or will.
    preinstalled: Option<Moment>,
    /// Every run of the installer, in order.
    runs: Vec<Run>,
    dropped_connections: u32,
}

impl Guest {
    /// A machine that has never run anything.
    pub fn with_resolv_conf(text: &str) -> Self {
        let mut guest = Self::default();
        guest.append(RESOLV_CONF, text);
        guest
    }

    /// The name servers that `/etc/resolv.conf` has, in order.
    pub fn nameservers(&self, now: Moment) -> Vec<String> {
        let text = self.read(RESOLV_CONF, now).unwrap_or_default();
        text.lines().filter_map(|line| line.strip_prefix("nameserver ")).map(str::to_owned).collect()
    }

    /// When the installer was first started.
    pub fn installer_started(&self) -> Option<Moment> {
        self.runs.first().map(|run| run.started)
    }

    /// When the web ports open, or did; none when no installer gets that far.
    pub fn web_opens(&self) -> Option<Moment> {
        self.runs.iter().filter_map(Run::web_opens).min()
    }

    /// When the success line was first written, once it was.
    pub fn installed(&self, now: Moment) -> Option<Moment> {
        self.runs.iter().filter_map(|run| run.succeeded(now)).min()
    }

    fn process(&self, pid: u32) -> Option<&Run> {
        self.runs.iter().find(|run| run.pid == pid)
    }

    /// What a process that holds its channel has written so far, and its status once it has ended.
    pub fn attached(&self, pid: u32, now: Moment) -> (String, Option<u32>) {
        match self.process(pid) {
            Some(run) => (run.written(run.started, now), (!run.is_running(now)).then(|| run.status(now))),
            None => (String::new(), Some(1)),
        }
    }

    /// The session of a process is over, and takes it along.
    pub fn hang_up(&mut self, pid: u32, now: Moment) {
        self.runs.iter_mut().filter(|run| run.pid == pid).for_each(|run| run.hang_up(now));
    }

    fn next_pid(&self) -> u32 {
        // Somewhere above the daemons of a fresh system.
        let runs = u32::try_from(self.runs.len()).unwrap_or(0);
        2101 + 13 * runs
    }

    /// What a run is meant to leave behind.
    pub fn end_state(&self, now: Moment) -> Value {
        let resolv_conf = self.read(RESOLV_CONF, now);
        json!({
            "resolv_conf": resolv_conf.is_some(), "nameservers": self.nameservers(now),
            "preinstalled": self.preinstalled.is_some_and(|end| end <= now),
            "installed": self.installed(now).is_some(),
        })
    }
}

impl State {
    pub fn is_guest(&self, address: Ipv4Addr) -> bool {
        self.twin.plan.cloudtower == Some(address)
    }

    /// Since when a running machine has the planned address.
    fn guest_networked(&self, now: Moment) -> Option<Moment> {
        let planned = self.twin.plan.cloudtower?;
        self.cluster.vms().filter(|vm| self.life(vm, now) == Life::Booted).find_map(|vm| {
            vm.network.as_ref().filter(|network| network.ip == planned).and_then(|network| network.since)
        })
    }

    /// What a connect to the CloudTower address meets.
    pub fn reach_guest(&self, now: Moment, port: u16) -> Reach {
        let Some(networked) = self.guest_networked(now) else { return Reach::Silent };
        let delay = durations::seconds(self.durations.guest_ssh);
        match port {
            // Silent while the address settles, then refused while services start.
            _ if now < networked.plus(delay / 2) => Reach::Silent,
            22 if networked.plus(delay) <= now => Reach::Ssh,
            80 | 443 => self.reach_tower(now, port),
            _ => Reach::Refused,
        }
    }

    /// How long the guest lets an SSH client wait for the greeting; none: the connection is dropped.
    pub fn greeting(&mut self, address: Ipv4Addr) -> Option<Duration> {
        if !self.is_guest(address) {
            return Some(Duration::ZERO);
        }
        if self.guest.dropped_connections < self.quirks.guest.dropped_connections {
            self.guest.dropped_connections += 1;
            return None;
        }
        Some(durations::seconds(self.quirks.guest.banner_seconds))
    }

    /// How long an SSH connection to the address may live, if not for ever.
    pub fn connection_limit(&self, address: Ipv4Addr) -> Option<Duration> {
        self.quirks.guest.connection_seconds.filter(|_| self.is_guest(address)).map(durations::seconds)
    }

    /// Lets everything happen at the machine that is due by `now`.
    pub fn settle_guest(&mut self, now: Moment) {
        let (Some(address), Some(networked)) = (self.twin.plan.cloudtower, self.guest_networked(now)) else {
            return;
        };
        if self.accounts.contains_key(&address) {
            return;
        }
        let account = (ACCOUNT.0.to_owned(), ACCOUNT.1.to_owned());
        self.accounts.insert(address, [account].into());
        if matches!(self.variants.resolv_conf, ResolvConf::Present) {
            self.guest.append(RESOLV_CONF, "# Generated by NetworkManager\n");
        }
        if self.quirks.guest.installed {
            let run = Run::finished(self.guest.next_pid(), networked);
            self.guest.append(OLD_LOG, &run.written(networked, networked));
            self.guest.preinstalled = Some(networked);
            self.guest.runs.push(run);
        }
    }
}

/// A VM as CloudTower lists it after the cluster is attached (site-behaviour §7.4).
#[derive(Clone, Debug)]
pub struct SeenVm {
    pub uuid: String,
    pub name: String,
    pub vcpu: u32,
    /// Bytes.
    pub memory: u64,
    pub running: bool,
    /// Comma-separated, as `Vm.ips` is.
    pub ips: String,
}

impl State {
    /// The VMs of the cluster, in order of creation.
    pub fn seen_vms(&self) -> Vec<SeenVm> {
        let seen = |vm: &Vm| SeenVm {
            uuid: vm.uuid.clone(),
            name: vm.name.clone(),
            vcpu: vm.vcpu,
            memory: vm.memory,
            running: vm.running,
            ips: vm.network.as_ref().map(|network| network.ip.to_string()).unwrap_or_default(),
        };
        self.cluster.vms().map(seen).collect()
    }
}
