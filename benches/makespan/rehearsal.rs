//! One run of the tool on a simulated site, and what it left: events, summary, transcript.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::Result;

/// The tool, in a folder of no importance.
pub fn tool(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voyager"));
    command.args(arguments);
    Ok(command)
}

pub struct Rehearsal {
    speed: f64,
    /// The run, and all of its steps one after the other, in site seconds.
    seconds: f64,
    pub steps_seconds: f64,
    /// By step: when it ended, in site seconds from the start, and how long it took.
    ends: BTreeMap<String, (f64, f64)>,
    transcript: Vec<Value>,
}

/// Runs the example plan at `speed`, with a scenario of its own where `scenario` is not empty.
///
/// # Errors
/// The run does not end well.
pub fn of(speed: f64, arguments: &[&str], scenario: &str) -> Result<Rehearsal> {
    let folder = tempfile::tempdir()?;
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plan.xlsx");
    fs::copy(example, folder.path().join("plan.xlsx"))?;
    let mut command = tool(&[
        "run",
        "--plan",
        "plan.xlsx",
        "--simulate",
        "--speed",
        &speed.to_string(),
        "--output",
        "json",
    ])?;
    if !scenario.is_empty() {
        fs::write(folder.path().join("scenario.toml"), scenario)?;
        command.args(["--faults", "scenario.toml"]);
    }
    // An address that says nothing for three seconds counts as silent: of the site's, as everything else.
    command.env("VOYAGER_LIMITS_SILENT_PROBE", format!("{:.0}ms", (3000.0 / speed).max(1.0)));
    let output = command.args(arguments).current_dir(folder.path()).output()?;
    if !output.status.success() {
        let (said, wrong) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let said: Vec<&str> = said.lines().rev().take(5).collect();
        return Err(format!("{}: {}\n{wrong}", output.status, said.join("\n")).into());
    }
    let (mut ends, mut begun) = (BTreeMap::new(), None);
    let (mut seconds, mut steps_seconds) = (0.0, 0.0);
    for line in String::from_utf8(output.stdout)?.lines() {
        let event: Value = serde_json::from_str(line)?;
        let number = |name: &str| event[name].as_f64().unwrap_or_default() / 1000.0;
        let at: Option<jiff::Timestamp> = event["at"].as_str().map(str::parse).transpose()?;
        match event["event"].as_str() {
            Some("run-started") => begun = at,
            Some("step-finished") => {
                if let (Some(begun), Some(at), Some(step)) = (begun, at, event["step"].as_str()) {
                    let end = at.duration_since(begun).as_secs_f64() * speed;
                    ends.insert(step.to_owned(), (end, number("elapsed_ms")));
                }
            }
            Some("run-finished") => (seconds, steps_seconds) = (number("elapsed_ms"), number("steps_ms")),
            _ => {}
        }
    }
    let transcript = find(folder.path(), "wire.jsonl").ok_or("no transcript")?;
    let transcript = fs::read_to_string(transcript)?;
    let transcript = transcript.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    Ok(Rehearsal { speed, seconds, steps_seconds, ends, transcript })
}

impl Rehearsal {
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// From the end of a step to the end of the run.
    pub fn since(&self, step: &str) -> Result<f64> {
        Ok(self.seconds - self.end(step)?.0)
    }

    pub fn took(&self, step: &str) -> Result<f64> {
        Ok(self.end(step)?.1)
    }

    fn end(&self, step: &str) -> Result<(f64, f64)> {
        self.ends.get(step).copied().ok_or_else(|| format!("{step} did not run").into())
    }

    /// How many requests a step sent, chunks apart.
    pub fn requests(&self, step: &str) -> Requests {
        let sent = self.transcript.iter().filter(|record| record["step"] == step && !is_chunk(record));
        let times: Vec<f64> = sent
            .filter_map(|record| record["time"].as_str()?.parse::<jiff::Timestamp>().ok())
            .map(|time| time.as_millisecond() as f64 / 1000.0 * self.speed)
            .collect();
        let begun = times.iter().copied().fold(f64::INFINITY, f64::min);
        let last = times.iter().copied().fold(0.0, f64::max);
        let from = begun + LATE_S;
        let late: Vec<f64> = times.iter().copied().filter(|time| *time >= from).collect();
        let minutes = (last - from) / 60.0;
        let within = |start: f64| late.iter().filter(|time| (start..start + 60.0).contains(*time)).count();
        Requests {
            all: times.len(),
            late_a_minute: (minutes >= 1.0).then(|| late.len() as f64 / minutes),
            late_at_most: (minutes >= 1.0).then(|| late.iter().map(|start| within(*start)).max()).flatten(),
        }
    }
}

/// Looks are quick in the first minutes of a wait: what a long one costs is counted once five have passed, in site seconds.
const LATE_S: f64 = 300.0;

/// What a step asked for.
pub struct Requests {
    pub all: usize,
    /// On average and at most in a minute of site time, once it had waited for five and for another one at least.
    pub late_a_minute: Option<f64>,
    pub late_at_most: Option<usize>,
}

fn is_chunk(record: &Value) -> bool {
    let operation = record["operation"].as_str().unwrap_or_default();
    ["chunk", "upload_template", "ApplicationPackage", "application-package"]
        .iter()
        .any(|part| operation.contains(part) && record["changes"] == true)
}

/// The first file of that name below the folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    let here = entries.iter().find(|path| path.file_name().is_some_and(|found| found == name));
    here.cloned().or_else(|| entries.iter().filter(|path| path.is_dir()).find_map(|path| find(path, name)))
}
