//! Everoute: its packages have no upload here, and nobody installs a controller (api-applications §4).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::super::{clock::Moment, site::State},
    knobs::OldEveroute,
};

/// A package that somebody has uploaded in the web console.
#[derive(Debug, Serialize, Deserialize)]
pub struct EveroutePackage {
    id: String,
    since: Moment,
    version: String,
    architecture: String,
}

impl EveroutePackage {
    pub fn new(id: String, since: Moment, old: OldEveroute) -> Self {
        Self { id, since, version: old.version, architecture: old.architecture }
    }
}

impl State {
    pub(in super::super) fn everoute_package_rows(&self) -> Vec<Value> {
        let row = |package: &EveroutePackage| {
            json!({
                "id": package.id, "name": format!("everoute-{}", package.version), "arch": package.architecture,
                "version": package.version, "size": 1_073_741_824, "description": "", "package_info": {},
                "local_created_at": package.since.iso(),
            })
        };
        self.tower.applications.everoute.iter().map(row).collect()
    }
}
