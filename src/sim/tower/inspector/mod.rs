//! The simulated inspection centre (api-inspection; site-behaviour §7.5): jobs, exports and the reports they give.

mod exports;
mod jobs;
mod knobs;
mod report;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub use self::knobs::{InspectionFate, InspectorQuirks, InspectorVariants};
use self::{exports::Export, jobs::Job};
use super::{
    super::{
        exchange::{Answer, Call},
        fault::Action,
        site::State,
    },
    accounts,
    denied::Denied,
    visit::Visit,
};
use crate::embed;

/// Where all of it lies.
pub const ROOT: &str = "/api/inspector/";

const JOBS: &str = "/api/inspector/api/v3/jobs";

/// What the inspection centre remembers.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Inspector {
    jobs: Vec<Job>,
    exports: Vec<Export>,
}

/// One operation of it, with the job that its path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    CreateJob,
    Job,
    Export,
    ExportStatus,
    Download,
}

impl Operation {
    const ALL: [Self; 5] = [Self::CreateJob, Self::Job, Self::Export, Self::ExportStatus, Self::Download];

    /// The operation of a request; the version of the path belongs to it.
    pub fn of(call: &Call) -> Option<Self> {
        let job = call.path.strip_prefix(JOBS);
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", JOBS) => Some(Self::CreateJob),
            ("GET", "/api/inspector/api/v3/export/status") => Some(Self::ExportStatus),
            ("GET", "/api/inspector/api/v1/export/download") => Some(Self::Download),
            ("POST", _) if job?.ends_with(":exportReport") => Some(Self::Export),
            ("GET", _) if job?.starts_with('/') => Some(Self::Job),
            _ => None,
        }
    }

    /// The name that faults, holds and the ledger use, and whether it makes something.
    pub fn name(self) -> (&'static str, bool) {
        match self {
            Self::CreateJob => ("tower.inspector.create-job", true),
            Self::Job => ("tower.inspector.job", false),
            Self::Export => ("tower.inspector.export", true),
            Self::ExportStatus => ("tower.inspector.export-status", false),
            Self::Download => ("tower.inspector.download", false),
        }
    }
}

/// The names that faults may use.
pub fn operations() -> impl Iterator<Item = &'static str> {
    Operation::ALL.into_iter().map(|operation| operation.name().0)
}

/// Judges one request.
pub fn run(visit: &mut Visit<'_>, operation: Operation) -> Result<Answer, Denied> {
    if visit.state.quirks.tower.inspector.absent {
        return Err(Denied::With(Answer::html(404, "Not Found")));
    }
    accounts::admit(visit, operation.name().0)?;
    match operation {
        Operation::CreateJob => jobs::create(visit).map(|body| Answer::json(200, &body)),
        Operation::Job => jobs::show(visit).map(|body| Answer::json(200, &body)),
        Operation::Export => exports::create(visit).map(|body| Answer::json(200, &body)),
        Operation::ExportStatus => exports::show(visit).map(|body| Answer::json(200, &body)),
        Operation::Download => exports::download(visit),
    }
}

impl Visit<'_> {
    /// The JSON body; strict about every field.
    fn inspector_body<T: DeserializeOwned>(&self) -> Result<T, Denied> {
        serde_json::from_slice(&self.call.body).map_err(|error| Denied::Shape(format!("body: {error}")))
    }

    /// The one query parameter that the operation takes.
    fn only_query(&self, name: &str) -> Result<String, Denied> {
        match self.call.query.as_slice() {
            [(found, value)] if found == name && !value.is_empty() => Ok(value.clone()),
            _ => Err(Denied::Shape(format!("the query {:?} is not {name}=…", self.call.target))),
        }
    }

    fn bare(&self) -> Result<(), Denied> {
        let bare = self.call.body.is_empty();
        if bare { Ok(()) } else { Err(Denied::Shape("a body where none belongs".to_owned())) }
    }

    /// What a fault does to what this request makes.
    fn inspection_fate(&self) -> Option<InspectionFate> {
        self.course.actions.iter().find_map(|action| match action {
            Action::Inspection(fate) => Some(*fate),
            _ => None,
        })
    }
}

/// What the inspector is and knows (`templates/contract/inspection.json`).
#[derive(Deserialize)]
struct Known {
    version: String,
    items: BTreeSet<String>,
}

impl State {
    fn inspector_knows(&self) -> Result<Known, Denied> {
        let damaged = |error: serde_json::Error| Denied::bad(format!("inspection.json: {error}"));
        let mut known: Known = serde_json::from_str(embed::INSPECTION_CONTRACT).map_err(damaged)?;
        let quirks = &self.quirks.tower.inspector;
        if let Some(version) = &quirks.version {
            known.version.clone_from(version);
        }
        known.items.retain(|item| !quirks.unknown_items.contains(item));
        Ok(known)
    }

    /// What inspections leave, however often they were asked for.
    pub(super) fn inspector_end(&self) -> Value {
        let inspector = &self.tower.inspector;
        json!({
            "inspected_items": inspector.jobs.last().map(|job| job.items.len()),
            "reported_items": inspector.exports.last().map(|export| export.items),
            "whole_cluster": inspector.jobs.iter().all(|job| job.of_cluster),
        })
    }
}

/// Every item is known, none twice, and there is one. Errors: 400, naming what is wrong.
fn check_items(items: &[String], known: &BTreeSet<String>) -> Result<(), Denied> {
    if items.is_empty() {
        return Err(Denied::bad("no item is asked for"));
    }
    if let Some(unknown) = items.iter().find(|item| !known.contains(*item)) {
        return Err(Denied::bad(format!("unknown inspection item {unknown}")));
    }
    let distinct: BTreeSet<&String> = items.iter().collect();
    if distinct.len() == items.len() {
        Ok(())
    } else {
        Err(Denied::Shape("an item is named twice".to_owned()))
    }
}
