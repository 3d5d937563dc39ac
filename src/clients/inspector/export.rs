//! The report of an inspection: requested, then written by the inspector in its own time (api-inspection §§3.3, 3.4).

use reqwest::Method;
use serde::Serialize;

use super::{
    Inspector, InspectorReader, LocalId, ReportName,
    jobs::{JOBS, body, field},
    named, without,
};
use crate::{
    clients::{
        http::Call,
        problem::{Problem, Refused},
    },
    failure::{Failure, Result},
    messages::message,
    text::Text,
};

/// What a report is to hold.
#[derive(Clone, Copy, Debug)]
pub struct NewReport<'a> {
    pub job: &'a str,
    pub cluster: &'a LocalId,
    pub items: &'a [String],
    /// `word`.
    pub format: &'a str,
    /// Months that its graphs span.
    pub months: u32,
}

/// What asking for a report came to.
#[derive(Debug)]
pub enum Requested {
    /// It will have this name; `dropped` are the items that this inspector does not know and that were left out.
    Named { name: ReportName, dropped: Vec<String> },
    /// The inspector does not know the job (any more): the site's words.
    UnknownJob(Text),
    /// Not now, or never.
    Refused(Box<Failure>),
    /// CloudTower is away at the moment: nothing was sent, or what stands in front of it answered.
    Away(Box<Failure>),
}

/// How the writing of a report stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportState {
    /// The word for it; one that is not documented counts as this too.
    Running(String),
    Written,
    Failed(String),
    /// The inspector knows no report of that name.
    Unknown,
}

impl InspectorReader {
    /// How far the report is; one try.
    pub async fn export_state(&self, name: &ReportName) -> Result<ExportState> {
        let doing = message("clients.inspector.export_state", &[]);
        let call = Call::read("tower.inspector.export-status", doing, "/api/inspector/api/v3/export/status")
            .query("filename", name.asked())
            .polled();
        match self.0.call_raw(&call, body).await {
            Ok(answer) => Ok(match field(&answer, &["status"]).unwrap_or_default() {
                "EXPORT_SUCCEEDED" => ExportState::Written,
                "EXPORT_FAILED" => ExportState::Failed("EXPORT_FAILED".to_owned()),
                other => ExportState::Running(other.to_owned()),
            }),
            Err(Problem::Refused(refused)) if refused.status == 404 => Ok(ExportState::Unknown),
            Err(problem) => self.0.told(&call, Err(problem)),
        }
    }
}

impl Inspector {
    /// Has a report written. Items that the inspector does not know are left out, once.
    ///
    /// # Errors
    /// The answer is lost; asking again is harmless.
    pub async fn request_report(&self, new: NewReport<'_>) -> Result<Requested> {
        let tower = &self.0.0;
        let mut dropped = Vec::new();
        loop {
            let items = without(new.items, &dropped);
            let call = report_call(new, &items);
            let name = tower.call_raw(&call, |answer| {
                let body = body(answer)?;
                let name = field(&body, &["filename"]).and_then(ReportName::parse);
                name.ok_or_else(|| Problem::unreadable(answer, "no usable file name"))
            });
            let refused = match name.await {
                Ok(name) => return Ok(Requested::Named { name, dropped }),
                Err(Problem::Refused(refused)) if !is_away(&refused) => refused,
                Err(problem @ (Problem::NotSent { .. } | Problem::Refused(_))) => {
                    return tower.told(&call, Err(problem)).or_else(|failure| Ok(Requested::Away(failure)));
                }
                Err(problem) => return tower.told(&call, Err(problem)),
            };
            if refused.status == 404 {
                return Ok(Requested::UnknownJob(tower.words(&refused)));
            }
            let unknown = named(&refused.words, &items);
            if dropped.is_empty() && !unknown.is_empty() {
                dropped = unknown.into_iter().map(str::to_owned).collect();
                continue;
            }
            return tower
                .told(&call, Err(Problem::Refused(refused)))
                .or_else(|failure| Ok(Requested::Refused(failure)));
        }
    }
}

/// What stands in front of CloudTower answers in its place (site-behaviour §7.1).
fn is_away(refused: &Refused) -> bool {
    refused.status >= 500 || (refused.status == 404 && refused.words.starts_with('<'))
}

fn report_call(new: NewReport<'_>, items: &[String]) -> Call {
    #[derive(Serialize)]
    struct Body<'a> {
        options: [Options<'a>; 1],
    }
    #[derive(Serialize)]
    struct Options<'a> {
        cluster_uuid: &'a LocalId,
        items_names: &'a [String],
        graph_duration_months: u32,
    }
    let options =
        Options { cluster_uuid: new.cluster, items_names: items, graph_duration_months: new.months };
    let doing = message("clients.inspector.request_report", &[]);
    let path = format!("{JOBS}/{}:exportReport", new.job);
    Call::write("tower.inspector.export", doing, Method::POST, path)
        .query("format", new.format)
        .json(&Body { options: [options] })
}
