//! What stage 11 leaves: the fact `inspection`, for people and for the papers (api-inspection §4).

use serde::{Deserialize, Serialize};

use super::download::KEPT;
use crate::{
    digest,
    engine::{Fact, handle::Handle},
    failure::{Failure, Result},
    messages::message,
    stages::world::WorldRead,
    text::Text,
};

/// The newest report on this machine.
pub const REPORT: Fact<Report> = Fact::new("inspection");

/// A report, and the inspection that it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// That it is there to be read; never what it says.
    pub state: Text,
    /// Relative to the folder of the site, with `/`; or absolute.
    pub file: String,
    /// SHA-256 (hex).
    pub sha256: String,
    pub bytes: u64,
    /// Names of what is in it.
    pub entries: Vec<String>,
    pub items_requested: usize,
    /// Those that the inspection centre does not know.
    pub items_dropped: Vec<String>,
    pub cluster_local_id: String,
    pub job_id: String,
    /// Site time.
    pub job_seconds: u64,
}

/// The report, if it still lies where it was put, as it was put there.
pub fn kept(world: &WorldRead, handle: &Handle) -> Result<Option<Report>> {
    // What the step in hand fetched a moment ago comes first.
    let Some(report) = handle.remembered(&KEPT).or_else(|| handle.fact(&REPORT)) else { return Ok(None) };
    let Some(path) = world.site_file(&report.file).filter(|path| path.is_file()) else { return Ok(None) };
    let (_, sha256) = digest::sha256(&path)
        .map_err(|error| Failure::on_disk(message("stages.inspect.reading", &[]), path.display(), &error))?;
    Ok((sha256 == report.sha256).then_some(report))
}
