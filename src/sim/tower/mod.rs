//! The simulated CloudTower service (api-cloudtower, graphql-operations; site-behaviour §7).

mod accounts;
mod alerts;
mod applications;
mod backup;
mod boards;
mod clusters;
mod contract;
mod denied;
mod end_state;
mod fate;
mod filter;
mod graphql;
mod handle;
mod ids;
mod inspector;
mod inventory;
mod knobs;
mod networks;
mod observability;
mod organizations;
mod phase;
mod racks;
mod routes;
mod settings;
mod setup;
mod tables;
mod tasks;
mod topology;
mod visit;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use applications::SECRET_CANARY;
pub use contract::Contract;
pub use fate::{ApplicationFate, ConnectFate, TaskFate, UploadFate};
pub use handle::handle;
pub use inspector::InspectionFate;
pub use knobs::{TowerDurations, TowerQuirks, TowerVariants};
pub use observability::ObservabilityFate;
pub use routes::operations;

use self::{
    accounts::Root,
    alerts::GlobalRule,
    applications::Applications,
    backup::Backup,
    boards::{Graph, View},
    clusters::Attached,
    networks::NewNetwork,
    organizations::{Datacenter, Organization},
    racks::{Brick, Rack, Slot},
    setup::Installation,
    tasks::Task,
};
use super::{appended::Appended, clock::Moment};

/// Everything that CloudTower's database holds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Tower {
    /// The licence and the version, since the installer has filled the database.
    installation: Option<Installation>,
    root: Option<Root>,
    tokens: BTreeSet<String>,
    /// Values of the session cookie, as they were set.
    #[serde(default)]
    cookies: BTreeSet<String>,
    /// Joined with `;`, as it is answered; empty at first.
    ntp_service_url: String,
    organizations: Vec<Organization>,
    datacenters: Vec<Datacenter>,
    clusters: Vec<Attached>,
    tasks: Vec<Task>,
    views: Vec<View>,
    graphs: Vec<Graph>,
    rules: Vec<GlobalRule>,
    #[serde(default)]
    inspector: inspector::Inspector,
    #[serde(default)]
    applications: Applications,
    #[serde(default)]
    backup: Backup,
    /// Being made on a cluster.
    #[serde(default)]
    new_networks: Vec<NewNetwork>,
    #[serde(default)]
    observability: observability::Observability,
    racks: Vec<Rack>,
    bricks: Vec<Brick>,
    /// By node id.
    slots: BTreeMap<String, Slot>,
    /// Until when a resource is held by something else (LOCKED).
    locks: BTreeMap<String, Moment>,
    /// Identifiers given out so far.
    created: u64,
    /// Answers so far that differ from time to time on purpose.
    draws: u64,
}

impl Tower {
    /// The bytes of every upload that goes on, by its id.
    pub fn growing_uploads(&mut self) -> Vec<(String, &mut Appended)> {
        let packages = self.applications.growing_uploads();
        packages.chain(self.observability.growing_uploads()).collect()
    }
}
