//! What the virtual machine of CloudTower is to the rest of the site: an address and an installer.
//!
//! The seam between the VM side, which writes it, and `sim::tower`, which only reads it.

use serde::{Deserialize, Serialize};

use super::{clock::Moment, site::State};

/// The guest at the planned CloudTower address.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Guest {
    /// Since when the address answers: the guest network job is done.
    pub address_since: Option<Moment>,
    pub installer: Installer,
}

/// The installer inside the guest (site-behaviour §6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Installer {
    #[default]
    NotStarted,
    Running {
        since: Moment,
    },
    /// The success line was written.
    Done {
        at: Moment,
    },
    /// It ended without the success line.
    Failed,
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
        Vec::new()
    }
}
