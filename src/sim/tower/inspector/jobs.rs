//! Inspections: from RUNNING to their end, in the words of the variant (site-behaviour §7.5).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        super::{clock::Moment, durations, exchange::Answer, random, site::State},
        denied::{Denied, Outcome},
        tables::Table,
        visit::Visit,
    },
    InspectionFate, JOBS, check_items,
    knobs::{JobStatus, StatusPlace, WrongCluster},
};

/// KSUIDs (site-behaviour §12).
const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// One inspection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    pub id: String,
    pub since: Moment,
    pub cluster: String,
    /// `false`: asked for by a name that is no cluster's, so nothing was inspected.
    pub of_cluster: bool,
    pub items: Vec<String>,
    pub fate: Option<InspectionFate>,
}

impl Job {
    pub fn has_ended(&self, state: &State, now: Moment) -> bool {
        let time = durations::seconds(state.durations.tower.inspection);
        self.fate != Some(InspectionFate::JobStuck) && self.since.plus(time) <= now
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewJob {
    version: String,
    cluster_uuids: Vec<String>,
    user_defined_items_names: Vec<String>,
}

/// `POST jobs`.
pub fn create(visit: &mut Visit<'_>) -> Outcome {
    if !visit.call.query.is_empty() {
        return Err(Denied::Shape("a query where none belongs".to_owned()));
    }
    let new: NewJob = visit.inspector_body()?;
    let known = visit.state.inspector_knows()?;
    if new.version != known.version {
        return Err(Denied::bad(format!("inspector version {} is not supported", new.version)));
    }
    check_items(&new.user_defined_items_names, &known.items)?;
    let [cluster] = new.cluster_uuids.as_slice() else {
        return Err(Denied::bad("cluster_uuids must name one cluster"));
    };
    let rows = visit.state.rows(Table::Clusters, visit.now);
    let of_cluster =
        rows.iter().any(|row| row["local_id"] == **cluster && row["connect_state"] == "CONNECTED");
    if !of_cluster && visit.state.variants.tower.inspector.wrong_cluster == WrongCluster::Refused {
        return Err(Denied::bad(format!("cluster {cluster} is not found or not connected")));
    }
    let number = visit.state.tower.inspector.jobs.len().to_string();
    let id = random::text(visit.state.seed(), ALPHABET, 27, &["inspection", &visit.state.twin_id, &number]);
    visit.state.tower.inspector.jobs.push(Job {
        id: id.clone(),
        since: visit.now,
        cluster: cluster.clone(),
        of_cluster,
        items: new.user_defined_items_names.clone(),
        fate: visit.inspection_fate(),
    });
    visit.state.ledger.inspection_jobs.add(visit.now);
    let job = json!({
        "id": id, "version": new.version, "cluster_uuids": new.cluster_uuids, "cluster_names": {},
        "user_defined_items_names": new.user_defined_items_names,
    });
    let wrapped = visit.state.variants.tower.inspector.status_place == StatusPlace::Data;
    Ok(if wrapped { json!({"data": job}) } else { job })
}

/// `GET jobs/<id>`.
pub fn show(visit: &mut Visit<'_>) -> Outcome {
    visit.bare()?;
    let variants = visit.state.variants.tower.inspector;
    if variants.job_status == JobStatus::Refused {
        return Err(Denied::With(Answer::empty(405)));
    }
    let id = visit.call.path.strip_prefix(JOBS).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
    let job = visit.state.tower.inspector.jobs.iter().find(|job| job.id == id);
    let job = job.ok_or_else(|| Denied::missing(format!("job {id} is not found")))?;
    let ended = job.has_ended(visit.state, visit.now);
    let failed = ended && job.fate == Some(InspectionFate::JobFailed);
    let status = match variants.job_status {
        JobStatus::Missing => None,
        JobStatus::Finished if ended && !failed => Some("FINISHED"),
        JobStatus::JobSucceeded => Some(said(ended, failed, ["JOB_RUNNING", "JOB_SUCCEEDED", "JOB_FAILED"])),
        JobStatus::LowerCase => Some(said(ended, failed, ["running", "succeeded", "failed"])),
        _ => Some(said(ended, failed, ["RUNNING", "SUCCEEDED", "FAILED"])),
    };
    let mut body = json!({"id": id, "cluster_uuids": [job.cluster], "cluster_names": {}});
    let place = match variants.status_place {
        StatusPlace::Status | StatusPlace::Data => "status",
        StatusPlace::State => "state",
        StatusPlace::Phase => "phase",
    };
    if let Some(status) = status {
        body[place] = json!(status);
    }
    Ok(if variants.status_place == StatusPlace::Data { wrapped(&body) } else { body })
}

fn wrapped(body: &Value) -> Value {
    json!({"data": body})
}

fn said(ended: bool, failed: bool, [running, done, bad]: [&'static str; 3]) -> &'static str {
    match (ended, failed) {
        (false, _) => running,
        (true, false) => done,
        (true, true) => bad,
    }
}
