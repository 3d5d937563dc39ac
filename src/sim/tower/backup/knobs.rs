//! What a scenario can change about backup services.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::super::fate::ApplicationFate;

/// `[site.tower.backup]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupQuirks {
    /// Services that somebody else has made.
    pub services: Vec<OldService>,
    /// No service ever reaches a storage network.
    pub network_never: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldService {
    pub name: String,
    /// On the management network.
    pub ip: Ipv4Addr,
    /// What became of it; absent: it runs.
    pub fate: Option<ApplicationFate>,
}
