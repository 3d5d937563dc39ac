//! Reports being written and fetched (api-inspection §§3.3–3.5; site-behaviour §7.5).

use std::collections::BTreeSet;

use jiff::{Timestamp, tz};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{
        super::{clock::Moment, durations, exchange::Answer, random, site::State},
        denied::{Denied, Outcome},
        visit::Visit,
    },
    InspectionFate, JOBS, check_items,
    knobs::{EarlyExport, Length, Ranges},
    report,
};

/// One report.
#[derive(Debug, Serialize, Deserialize)]
pub struct Export {
    pub filename: String,
    pub job: String,
    pub since: Moment,
    /// How many items it covers.
    pub items: usize,
    /// `false`: asked for before its inspection had ended, or of no cluster.
    pub complete: bool,
    pub fate: Option<InspectionFate>,
}

impl Export {
    fn has_ended(&self, state: &State, now: Moment) -> bool {
        let time = durations::seconds(state.durations.tower.inspection_export);
        self.fate != Some(InspectionFate::ExportStuck) && self.since.plus(time) <= now
    }

    fn is_written(&self, state: &State, now: Moment) -> bool {
        self.has_ended(state, now) && self.fate != Some(InspectionFate::ExportFailed)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewExport {
    options: Vec<Options>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    cluster_uuid: String,
    items_names: Vec<String>,
    graph_duration_months: u32,
}

/// `POST jobs/<id>:exportReport`.
pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let format = visit.only_query("format")?;
    if !["word", "pdf"].contains(&format.as_str()) {
        return Err(Denied::bad(format!("unknown format {format}")));
    }
    let new: NewExport = visit.inspector_body()?;
    let [options] = new.options.as_slice() else {
        return Err(Denied::bad("options must name one cluster"));
    };
    let id = visit.call.path.strip_prefix(JOBS).and_then(|rest| rest.strip_prefix('/'));
    let id = id.and_then(|rest| rest.strip_suffix(":exportReport")).unwrap_or_default();
    let job = visit.state.tower.inspector.jobs.iter().find(|job| job.id == id);
    let job = job.ok_or_else(|| Denied::missing(format!("job {id} is not found")))?;
    let inspected: BTreeSet<String> = job.items.iter().cloned().collect();
    check_items(&options.items_names, &inspected)?;
    if options.cluster_uuid != job.cluster {
        return Err(Denied::bad(format!("cluster {} is not part of the job", options.cluster_uuid)));
    }
    if options.graph_duration_months == 0 {
        return Err(Denied::bad("graph_duration_months must be above 0"));
    }
    let ended = job.has_ended(visit.state, visit.now);
    if job.fate == Some(InspectionFate::JobFailed) && ended {
        return Err(Denied::bad("the job failed"));
    }
    if !ended && visit.state.variants.tower.inspector.early_export == EarlyExport::Refused {
        return Err(Denied::bad("the job is still running"));
    }
    let filename = format!("InspectorReport-{}-{id}.zip", local_time(visit.now));
    let export = Export {
        filename: filename.clone(),
        job: id.to_owned(),
        since: visit.now,
        items: options.items_names.len(),
        complete: ended && job.of_cluster,
        fate: visit.inspection_fate(),
    };
    visit.state.tower.inspector.exports.push(export);
    visit.state.ledger.inspection_exports.add(visit.now);
    Ok(json!({"filename": filename}))
}

/// The server's own clock stands eight hours ahead of UTC (§3.3, I).
fn local_time(now: Moment) -> String {
    let stamp = Timestamp::from_millisecond(now.epoch_millis()).unwrap_or(Timestamp::UNIX_EPOCH);
    stamp.to_zoned(tz::offset(8).to_time_zone()).strftime("%Y-%m-%d-%H-%M-%S").to_string()
}

/// The newest report of a name: two within one second have the same.
fn named<'a>(visit: &'a Visit<'_>, filename: &str) -> Result<&'a Export, Denied> {
    let exports = visit.state.tower.inspector.exports.iter();
    let found = exports.rev().find(|export| export.filename == filename);
    found.ok_or_else(|| Denied::missing(format!("report {filename} is not found")))
}

/// `GET export/status`.
pub fn show(visit: &mut Visit<'_>) -> Outcome {
    visit.bare()?;
    let filename = visit.only_query("filename")?;
    let export = named(visit, &filename)?;
    let status = match (export.has_ended(visit.state, visit.now), export.fate) {
        (false, _) => "EXPORT_RUNNING",
        (true, Some(InspectionFate::ExportFailed)) => "EXPORT_FAILED",
        (true, _) => "EXPORT_SUCCEEDED",
    };
    Ok(json!({"filename": filename, "status": status}))
}

/// `GET export/download`, of version 1.
pub fn download(visit: &mut Visit<'_>) -> Result<Answer, Denied> {
    visit.bare()?;
    let filename = visit.only_query("filename")?;
    let export = named(visit, &filename)?;
    if !export.is_written(visit.state, visit.now) {
        return Err(Denied::missing(format!("report {filename} is not found")));
    }
    let size = visit.state.quirks.tower.inspector.report_bytes;
    let size = if export.complete { size } else { report::PARTIAL };
    let mut bytes = report::zip(visit.state.seed(), &filename, size)
        .map_err(|error| Denied::bad(format!("the report cannot be read: {error}")))?;
    // Of all requests for it, or of this one alone.
    if [export.fate, visit.inspection_fate()].contains(&Some(InspectionFate::ReportCut)) {
        bytes.truncate(bytes.len() * 3 / 5);
    }
    visit.state.ledger.inspection_downloads.add(visit.now);
    Ok(answer(visit, &filename, bytes))
}

fn answer(visit: &mut Visit<'_>, filename: &str, bytes: Vec<u8>) -> Answer {
    let variants = visit.state.variants.tower.inspector;
    let seed = visit.state.seed();
    let tag = format!("\"{}\"", random::hex(&random::bytes(seed, &["etag", filename])[..8]));
    let mut answer = Answer::empty(200);
    let mut header = |name: &str, value: String| answer.headers.push((name.to_owned(), value));
    header("content-type", "application/zip".to_owned());
    header("content-disposition", format!("attachment; filename=\"{filename}\""));
    if variants.length == Length::Absent {
        header("transfer-encoding", "chunked".to_owned());
    }
    if variants.ranges != Ranges::Nameless {
        header("etag", tag.clone());
    }
    let asked = visit.call.header("range").filter(|_| variants.ranges == Ranges::Honoured);
    // A name that is not this content's asks for the whole.
    let same = visit.call.header("if-range").is_none_or(|condition| condition == tag);
    let from = asked
        .filter(|_| same)
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let whole = bytes.len();
    match from {
        Some(from) if from >= whole => {
            header("content-range", format!("bytes */{whole}"));
            answer.status = 416;
        }
        Some(from) => {
            header("content-range", format!("bytes {from}-{}/{whole}", whole - 1));
            answer.status = 206;
            answer.body = bytes.get(from..).unwrap_or_default().to_vec();
            visit.state.ledger.inspection_resumes.add(visit.now);
        }
        None => answer.body = bytes,
    }
    answer
}
