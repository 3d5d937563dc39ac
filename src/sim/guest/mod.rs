//! The machine at the CloudTower address: its network, its files, its installer (site-behaviour §6).

use serde::{Deserialize, Serialize};

use super::{
    clock::Moment,
    durations,
    fisheye::{Life, Vm},
    reach::Reach,
    site::State,
};

/// The one account of the image (api-cloudtower §2).
const ACCOUNT: (&str, &str) = ("cloudtower", "HC!r0cks");

/// The share of the installer's time after which nginx listens; §7.1 says 40–50 %.
const WEB_OPENS: f64 = 0.45;

/// How the machine differs from the usual.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuestQuirks {
    /// The ISO brings no VM tools: the guest agent never reports (GA-NEVER).
    pub stock_iso: bool,
    /// The guest network job ends well, yet the guest never gets the address (GNET-LATE).
    pub address_never: bool,
}

/// What the machine remembers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Guest {
    installer: Option<Installer>,
}

/// The last run of the installer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Installer {
    started: Moment,
    ends: Moment,
    succeeds: bool,
}

impl Guest {
    /// When the installer was last started.
    pub fn installer_started(&self) -> Option<Moment> {
        self.installer.as_ref().map(|installer| installer.started)
    }

    /// When the web ports open, or did; none when the installer does not get that far.
    pub fn web_opens(&self) -> Option<Moment> {
        let installer = self.installer.as_ref()?;
        let share = installer.ends.since(installer.started).mul_f64(WEB_OPENS);
        installer.succeeds.then(|| installer.started.plus(share))
    }

    /// When the success line was written, once it was.
    pub fn installed(&self, now: Moment) -> Option<Moment> {
        self.installer.as_ref().filter(|run| run.succeeds && run.ends <= now).map(|run| run.ends)
    }
}

impl State {
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

    /// Lets everything happen at the machine that is due by `now`.
    pub fn settle_guest(&mut self, now: Moment) {
        let Some(address) = self.twin.plan.cloudtower.filter(|_| self.guest_networked(now).is_some()) else {
            return;
        };
        let accounts = self.accounts.entry(address).or_default();
        if accounts.is_empty() {
            accounts.insert(ACCOUNT.0.to_owned(), ACCOUNT.1.to_owned());
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
