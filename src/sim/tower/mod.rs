//! The simulated CloudTower service (api-cloudtower, graphql-operations; site-behaviour §7).

mod accounts;
mod alerts;
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

pub use contract::Contract;
pub use fate::{ConnectFate, TaskFate};
pub use handle::handle;
pub use inspector::InspectionFate;
pub use knobs::{TowerDurations, TowerQuirks, TowerVariants};
pub use routes::operations;

use self::{
    accounts::Root,
    alerts::GlobalRule,
    boards::{Graph, View},
    clusters::Attached,
    organizations::{Datacenter, Organization},
    racks::{Brick, Rack, Slot},
    setup::Installation,
    tasks::Task,
};
use super::clock::Moment;

/// Everything that CloudTower's database holds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Tower {
    /// The licence and the version, since the installer has filled the database.
    installation: Option<Installation>,
    root: Option<Root>,
    tokens: BTreeSet<String>,
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
