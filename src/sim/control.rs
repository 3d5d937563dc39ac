//! The control API for tests and other processes: `http://control.simulated` through the proxy.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    exchange::{Answer, Call},
    fault::{Fault, FaultFile},
    hold::{Cut, Release},
    site::Site,
    snapshot,
};

/// The one name that the proxy knows.
pub const NAME: &str = "control.simulated";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseBody {
    /// Absent: every held request.
    id: Option<u64>,
    #[serde(rename = "how", default = "on")]
    how: Release,
}

fn on() -> Release {
    Release::Continue
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaveBody {
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceBody {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PatchBody {
    /// RFC 6901, into the state as a snapshot holds it: `/cluster/dns`.
    pointer: String,
    value: Value,
}

/// Faults as a scenario (`{"toml": "…"}`, which is what a file holds) or as JSON (`{"faults": […]}`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum FaultsBody {
    Toml(String),
    Faults(Vec<Fault>),
}

/// Answers one request; the paths and bodies are listed in the match.
pub async fn answer(site: &Site, call: Call) -> Result<Answer, Cut> {
    Ok(match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/ledger") => show(&site.with(|state, _| json!(state.ledger))),
        ("GET", "/site") => show(&site.with(|state, now| state.end_state(now))),
        ("GET", "/requests") => show(&site.with(|state, _| json!(state.requests))),
        ("GET", "/holds") => show(&json!(site.holds.list())),
        ("GET", "/faults") => show(&site.with(|state, _| json!(state.faults))),
        ("DELETE", "/faults") => {
            site.with(|state, _| state.faults.clear());
            show(&json!({}))
        }
        ("POST", "/faults") => read(&call, |body: FaultsBody| add_faults(site, body)),
        ("POST", "/release") => {
            read(&call, |body: ReleaseBody| Ok(json!({"released": site.holds.release(body.id, body.how)})))
        }
        ("POST", "/advance") => read(&call, |body: AdvanceBody| {
            let time = Duration::try_from_secs_f64(body.seconds).map_err(|error| error.to_string())?;
            site.clock.advance(time);
            Ok(json!({}))
        }),
        ("POST", "/save") => read(&call, |body: SaveBody| {
            snapshot::save(site, &body.path).map_err(|error| error.to_string())?;
            Ok(json!({}))
        }),
        ("POST", "/patch") => read(&call, |body: PatchBody| {
            snapshot::patch(site, &body.pointer, body.value).map_err(|error| error.to_string())?;
            Ok(json!({}))
        }),
        _ => Answer::json(404, &json!({"error": "unknown control request"})),
    })
}

fn add_faults(site: &Site, body: FaultsBody) -> Result<Value, String> {
    let faults = match body {
        FaultsBody::Faults(faults) => faults,
        FaultsBody::Toml(text) => FaultFile::parse(&text).map_err(|error| error.to_string())?.faults,
    };
    Ok(site.with(|state, _| {
        state.faults.extend(faults);
        json!(state.faults)
    }))
}

fn show(value: &Value) -> Answer {
    Answer::json(200, value)
}

fn read<T: DeserializeOwned>(call: &Call, act: impl FnOnce(T) -> Result<Value, String>) -> Answer {
    let outcome = serde_json::from_slice(&call.body).map_err(|error| error.to_string()).and_then(act);
    match outcome {
        Ok(value) => show(&value),
        Err(error) => Answer::json(400, &json!({"error": error})),
    }
}
