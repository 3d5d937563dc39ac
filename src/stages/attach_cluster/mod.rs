//! Stage 05, attach-cluster: the cluster becomes one of CloudTower's (api-cloudtower §4).

mod cluster;
mod connected;
mod datacenter;

use super::{patience::patient, tasks, world::World};
use crate::engine::Steps;

pub fn steps() -> Steps<World> {
    Steps::new()
        .change_followed("datacenter", patient(datacenter::probe), datacenter::act, tasks::follow)
        .change_followed("cluster", patient(cluster::probe), cluster::act, cluster::follow)
        .wait("connected", connected::probe)
}
