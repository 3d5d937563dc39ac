//! The cluster API ("fisheye") of the simulated nodes and VIP (api-fisheye).

mod deploy_body;
mod deploy_checks;
mod deployment;
mod end_state;
mod handle;
mod jobs;
mod network;
mod routes;
mod scan;
mod seen;
mod sessions;
mod settings;
mod storage;
mod vm_body;
mod vms;
mod volume;
mod volumes;

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

pub use handle::handle;
pub use network::{Network, Vds};
pub use routes::operations;
pub use vms::{Life, Vm};
pub use volume::{ChunkBytes, UploadQuirks};
pub use volumes::takes_chunks;

use self::{
    deployment::Deployment,
    jobs::Job,
    settings::{Ipmi, Licence},
    storage::StoragePolicy,
    volume::Volume,
};
use super::{clock::Moment, exchange::Call, hold::Course, site::State};

/// Good for the deployment calls only (api-fisheye §1).
const FIXED_TOKEN: &str = "e79b85fc18b7402fbcc0391fe8d7d24c";
/// The value of `host_passwords` that sets both accounts to `FIRST_PASSWORD` (api-fisheye §3.4).
const PASSWORD_CODE: &str = "c+G6KvJYsKyQyY4U";
const FIRST_PASSWORD: &str = "P@ssw0rd!123";

/// Everything that the nodes know together.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Cluster {
    pub deployment: Deployment,
    root_password: Option<String>,
    /// Token → end of its life.
    sessions: BTreeMap<String, Moment>,
    /// The address and since when it answers.
    vip: Option<(Ipv4Addr, Moment)>,
    dns: Vec<String>,
    /// Mode and servers.
    ntp: (String, Vec<String>),
    /// By node UUID.
    ipmi: BTreeMap<String, Ipmi>,
    licence: Option<Licence>,
    cpu_model: String,
    vdses: Vec<Vds>,
    policy: Option<StoragePolicy>,
    /// In order of creation.
    vms: Vec<Vm>,
    jobs: BTreeMap<String, Job>,
    /// In order of creation.
    volumes: Vec<Volume>,
}

impl Cluster {
    /// Makes every session token invalid (AUTH-EXPIRE).
    pub fn expire_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Every token that opens something now, so that a test can look for it where it must not be.
    pub fn session_tokens(&self) -> Vec<String> {
        self.sessions.keys().cloned().collect()
    }

    pub fn vip_is_up(&self, now: Moment) -> bool {
        self.vip.is_some_and(|(_, since)| since <= now)
    }
}

impl State {
    /// Lets everything happen that is due by `now`.
    pub fn settle(&mut self, now: Moment) {
        self.finish_deployment(now);
        self.finish_jobs(now);
        self.settle_guest(now);
        self.settle_tower(now);
    }
}

/// One request being judged.
pub struct Visit<'a> {
    pub state: &'a mut State,
    pub now: Moment,
    pub call: &'a Call,
    pub course: &'a Course,
}
