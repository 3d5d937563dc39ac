//! Inspections as jobs: started, and followed by the words of their state (api-inspection §§3.1, 3.2).

use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use super::{Inspector, InspectorReader, LocalId, named, without};
use crate::{
    clients::{
        http::{Answer, Call},
        problem::{Problem, Refused},
        tower::TowerReader,
    },
    failure::{Failure, Kind, Result},
    messages::message,
    text::Text,
};

pub(super) const JOBS: &str = "/api/inspector/api/v3/jobs";

/// What an inspection is to look at.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'a> {
    /// Of the inspector itself.
    pub version: &'a str,
    pub cluster: &'a LocalId,
    pub items: &'a [String],
}

/// What asking for an inspection came to.
#[derive(Debug)]
pub enum Begun {
    /// The job, and the items that this inspector does not know and that were left out.
    Job { id: String, dropped: Vec<String> },
    /// No inspector answers there, perhaps not yet: the site's words.
    Absent(Text),
    /// Nothing was sent: CloudTower itself does not take a connection.
    Unsent(Box<Failure>),
}

/// How an inspection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    Running(String),
    /// Ended; `partly` where it says so itself.
    Done {
        partly: bool,
    },
    Failed(String),
    /// An answer without a state.
    Mute,
    /// There is no such call here, or it is refused: the site's words.
    Hidden(Text),
}

impl JobState {
    /// The state's words are not documented, so they are judged by what they contain (§3.2).
    fn of(words: &str) -> Self {
        let upper = words.to_ascii_uppercase();
        let says = |parts: &[&str]| parts.iter().any(|part| upper.contains(part));
        if says(&["FAIL", "ERROR", "CANCEL", "ABORT", "TIMEOUT"]) {
            Self::Failed(words.to_owned())
        } else if says(&["PARTIAL"]) {
            Self::Done { partly: true }
        } else if says(&["SUCCE", "FINISH", "COMPLETE", "DONE"]) && !says(&["UNFINISH", "INCOMPLETE"]) {
            Self::Done { partly: false }
        } else {
            Self::Running(words.to_owned())
        }
    }
}

impl InspectorReader {
    /// How the inspection stands; one try.
    pub async fn job(&self, id: &str) -> Result<JobState> {
        let doing = message("clients.inspector.job", &[]);
        let call = Call::read("tower.inspector.job", doing, format!("{JOBS}/{id}")).polled();
        match self.0.call_raw(&call, body).await {
            Ok(answer) => Ok(state(&answer).map_or(JobState::Mute, JobState::of)),
            Err(Problem::Refused(refused)) if refused.means_absent() => {
                Ok(JobState::Hidden(self.0.words(&refused)))
            }
            Err(problem) => self.0.told(&call, Err(problem)),
        }
    }
}

impl Inspector {
    /// Starts an inspection. Items that the inspector does not know are left out, once.
    ///
    /// # Errors
    /// Refused for its version or for words that name no item; a lost answer (asking again is harmless).
    pub async fn start_job(&self, new: NewJob<'_>) -> Result<Begun> {
        let tower = &self.0.0;
        let mut dropped = Vec::new();
        loop {
            let items = without(new.items, &dropped);
            let call = start_call(new, &items);
            let refused = match tower.call_raw(&call, id).await {
                Ok(id) => return Ok(Begun::Job { id, dropped }),
                Err(Problem::Refused(refused)) => refused,
                Err(problem @ Problem::NotSent { .. }) => {
                    return tower.told(&call, Err(problem)).or_else(|failure| Ok(Begun::Unsent(failure)));
                }
                Err(problem) => return tower.told(&call, Err(problem)),
            };
            if matches!(refused.status, 404 | 502..=504) {
                return Ok(Begun::Absent(tower.words(&refused)));
            }
            let unknown = named(&refused.words, &items);
            if refused.status < 500 && dropped.is_empty() && !unknown.is_empty() {
                dropped = unknown.into_iter().map(str::to_owned).collect();
                continue;
            }
            return Err(rejected(tower, &call, new.version, refused));
        }
    }
}

fn start_call(new: NewJob<'_>, items: &[String]) -> Call {
    #[derive(Serialize)]
    struct Body<'a> {
        version: &'a str,
        cluster_uuids: [&'a LocalId; 1],
        user_defined_items_names: &'a [String],
    }
    let body = Body { version: new.version, cluster_uuids: [new.cluster], user_defined_items_names: items };
    let doing = message("clients.inspector.start", &[("count", &items.len())]);
    Call::write("tower.inspector.create-job", doing, Method::POST, JOBS).json(&body)
}

/// The site's own words, with advice where they are about the version.
fn rejected(tower: &TowerReader, call: &Call, version: &str, refused: Box<Refused>) -> Box<Failure> {
    let final_word = refused.status < 500;
    let words = refused.words.to_lowercase();
    let about_version = words.contains("version") || words.contains(&version.to_lowercase());
    let failure = match tower.told::<()>(call, Err(Problem::Refused(refused))) {
        Err(failure) => failure,
        Ok(()) => Failure::new(Kind::Bug, call.doing.clone()),
    };
    if !about_version {
        let told = failure.meaning.is_some() || !final_word;
        return if told { failure } else { failure.meaning(message("clients.inspector.rejected", &[])) };
    }
    failure
        .meaning(message("clients.inspector.version", &[("version", &version)]))
        .advise(message("clients.inspector.version_advice", &[]))
}

/// A success with a JSON body.
pub(super) fn body(answer: &Answer) -> Result<Value, Problem> {
    if !answer.is_success() {
        return Err(Refused::raw(answer).into());
    }
    serde_json::from_slice(&answer.body).map_err(|why| Problem::unreadable(answer, why))
}

/// The job's id, at the top or inside `data`.
fn id(answer: &Answer) -> Result<String, Problem> {
    let body = body(answer)?;
    let id =
        field(&body, &["id"]).filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric()));
    id.map(str::to_owned).ok_or_else(|| Problem::unreadable(answer, "no job id"))
}

fn state(body: &Value) -> Option<&str> {
    field(body, &["status", "state", "phase"])
}

/// The first of these fields that holds a text, at the top or inside `data`.
pub(super) fn field<'a>(body: &'a Value, names: &[&str]) -> Option<&'a str> {
    let within = |part: &'a Value| names.iter().find_map(|name| part.get(*name)?.as_str());
    within(body).or_else(|| within(body.get("data")?))
}
