//! Stage 06, config-cloudtower: settings of the attached cluster in CloudTower (api-cloudtower §§5-7, 10).

mod capacity_alert;
pub(super) mod dashboards;
mod graphs;
pub(super) mod placement;
mod racks;
mod storage_policy;
mod views;

pub(super) use self::{
    capacity_alert::{CRITICAL, RULE as CAPACITY_RULE},
    racks::topology,
    storage_policy::REPLICAS,
};
use super::{patience::patient, tasks, world::World};
use crate::engine::Steps;

pub fn steps() -> Steps<World> {
    Steps::new()
        .change("storage-policy", patient(storage_policy::probe), storage_policy::act)
        .change("capacity-alert", patient(capacity_alert::probe), capacity_alert::act)
        .change_followed("views", patient(views::probe), views::act, tasks::follow)
        .change_followed("graphs", patient(graphs::probe), graphs::act, tasks::follow)
        .change_followed("racks", patient(racks::probe), racks::act, tasks::follow)
}
