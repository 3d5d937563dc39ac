//! Stage 08, deploy-observability: from the package on this machine to an Observability that watches the cluster
//! (api-applications §2).

pub mod alert_rules;
mod cluster;
mod dns;
mod found;
mod guest;
mod instance;
pub mod media;
mod ntp;
mod package;
mod running;
mod settings;
mod system_service;
mod tasks;
mod traffic;

pub use found::INSTANCE;

use super::{patience::patient, world::World};
use crate::engine::Steps;

pub fn steps() -> Steps<World> {
    Steps::new()
        .change_followed("package", patient(package::probe), package::act, tasks::follow)
        .change("instance", patient(instance::probe), instance::act)
        .wait("running", running::probe)
        .change_followed("dns", dns::probe, dns::act, dns::follow)
        .repeat("ntp", ntp::act)
        .change_followed("cluster", patient(cluster::probe), cluster::act, cluster::follow)
        .change_followed(
            "system-service",
            patient(system_service::probe),
            system_service::act,
            system_service::follow,
        )
        .change("traffic", patient(traffic::probe), traffic::act)
        .verify("settings", settings::read)
}
