//! Stage 11, inspect: CloudTower's inspection centre looks at the cluster, and its report is kept (api-inspection).
//!
//! Nothing here changes the cluster, and a second inspection is harmless: the steps are changes of what the inspection
//! centre and this machine hold. What the report says is for people to read.

mod download;
mod export;
mod items;
mod job;
mod part;
mod report;
mod settings;

pub use self::{
    report::{REPORT, Report},
    settings::Settings,
};
use super::{patience::patient, world::World};
use crate::{
    engine::{Steps, handle::Handle},
    failure::{Failure, Kind},
};

/// The step that begins an inspection.
pub const JOB: &str = "inspect.job";

pub fn steps() -> Steps<World> {
    Steps::new()
        .change_followed("job", patient(job::probe), job::act, job::follow)
        .change_followed("export", patient(export::probe), export::act, export::follow)
        .change("download", download::probe, download::act)
}

/// A failure of the step in hand, about one object of the inspection centre.
fn failed(handle: &Handle, at: impl ToString) -> Box<Failure> {
    Failure::new(Kind::Site, handle.manifest().title.clone()).at(at)
}
