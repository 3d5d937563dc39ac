//! Stage 09, deploy-backup: the backup service from its package to the associated cluster (api-applications §3).

mod cluster;
pub(super) mod media;
mod network;
mod package;
mod running;
mod service;
mod settings;
mod storage_network;

use super::{patience::patient, tasks, world::World};
use crate::{
    engine::{Fact, Steps},
    messages::message,
    text::Text,
};

pub(super) use self::package::{NAME as PACKAGE_NAME, Sent, taken_in};

/// Id of the service.
pub(super) const SERVICE: Fact<String> = Fact::new("backup_service");

pub fn steps() -> Steps<World> {
    Steps::new()
        .change_followed("package", patient(package::probe), package::act, package::follow)
        .change_followed(
            "storage-network",
            patient(storage_network::probe),
            storage_network::act,
            tasks::follow,
        )
        .change("service", patient(service::probe), service::act)
        .wait("running", running::probe)
        .change_followed("cluster", patient(cluster::probe), cluster::act, cluster::follow)
        .verify("settings", settings::read)
}

/// The plan has no address for the service.
fn not_planned() -> Text {
    message("stages.backup.not_planned", &[])
}
