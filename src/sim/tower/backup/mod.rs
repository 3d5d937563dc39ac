//! Backup services: made with their application, then associated with clusters (api-applications §3).

mod create;
mod inputs;
mod knobs;
mod services;
mod update;

use serde::{Deserialize, Serialize};

use self::services::Service;
pub use self::{create::create, knobs::BackupQuirks, update::update};

/// What CloudTower knows of its backup services.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Backup {
    services: Vec<Service>,
}
