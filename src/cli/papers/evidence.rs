//! `report --verify`: whether the papers of a run still rest on what they name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use super::{PastRun, seal};
use crate::{
    engine::{
        event::{EventKind, Evidence},
        journal::line,
    },
    failure::Result,
    messages::message,
    report::Logged,
    stages::handover::Papers,
    text::Text,
};

/// What was checked, and what does not hold.
#[derive(Debug, Default)]
pub struct Checked {
    /// Lines of the journal whose chain holds.
    pub lines: usize,
    /// Exchanges named as evidence that lie in a transcript as they are named.
    pub exchanges: usize,
    /// Papers that are what the journal gives.
    pub papers: usize,
    pub broken: Vec<Text>,
}

/// # Errors
/// A chain that is broken is a failure of its own (`Kind::Checkpoint`), because nothing after it can be believed.
pub fn check(past: &PastRun) -> Result<Checked> {
    let log = past.log()?;
    let mut checked = Checked { lines: log.len(), ..Checked::default() };
    checked.broken.extend(seal::broken(past)?);
    // Later runs' last lines are covered by nothing but their own seals.
    let runs: BTreeSet<&str> = log.iter().map(|line| line.run.as_str()).collect();
    for run in runs.into_iter().filter(|run| *run != past.run) {
        let other = PastRun::new(past.site.clone(), run);
        if seal::is_sealed(&other) {
            checked.broken.extend(seal::broken(&other)?);
        }
    }
    exchanges(past, &log, &mut checked)?;
    papers(past, &mut checked)?;
    Ok(checked)
}

/// Every exchange that a row of the papers, or a look of this run, names.
fn exchanges(past: &PastRun, log: &[Logged], checked: &mut Checked) -> Result<()> {
    let mut transcripts: BTreeMap<&str, Option<BTreeSet<String>>> = BTreeMap::new();
    for (run, evidence) in named(log, &past.run) {
        let lines = match transcripts.get(run) {
            Some(known) => known,
            None => {
                let text = past.transcript(run)?;
                let digests =
                    text.map(|text| text.lines().map(|line| line::digest(line.as_bytes())).collect());
                transcripts.entry(run).or_insert(digests)
            }
        };
        match lines {
            Some(lines) if lines.contains(&evidence.sha256) => checked.exchanges += 1,
            Some(_) => {
                let Evidence { method, path, at, .. } = evidence;
                let args: &[(&str, &dyn crate::text::Say)] =
                    &[("run", &run), ("method", method), ("path", path), ("at", at)];
                checked.broken.push(message("cli.verify.evidence", args));
            }
            None => {
                let lost = message("cli.verify.no-transcript", &[("run", &run)]);
                if !checked.broken.contains(&lost) {
                    checked.broken.push(lost);
                }
            }
        }
    }
    Ok(())
}

/// The exchanges that settings rest on, those of the newest reading of each area; and every look of the run itself.
/// A local file changes by right, so its digest is told and not held against it.
fn named<'a>(log: &'a [Logged], run: &str) -> Vec<(&'a str, &'a Evidence)> {
    let mut settings: BTreeMap<&str, Vec<(&str, &Evidence)>> = BTreeMap::new();
    let mut looks = Vec::new();
    let upto = log.iter().rposition(|line| line.run == run).map_or(0, |at| at + 1);
    for Logged { run: of, event } in &log[..upto] {
        match &event.kind {
            EventKind::StepStarted { step } => drop(settings.remove(step.as_str())),
            EventKind::Setting { step, setting } => {
                let rows = settings.entry(step).or_default();
                rows.extend(setting.evidence.as_ref().map(|evidence| (of.as_str(), evidence)));
            }
            EventKind::Probed { evidence: Some(evidence), .. } if of == run => {
                looks.push((of.as_str(), evidence));
            }
            _ => {}
        }
    }
    let all = settings.into_values().flatten().chain(looks);
    all.filter(|(_, evidence)| evidence.method != "FILE").collect()
}

/// The papers that lie in the run folder, against what the journal gives now.
fn papers(past: &PastRun, checked: &mut Checked) -> Result<()> {
    let folder = Papers::folder(past);
    for paper in past.make()? {
        let path = folder.join(&paper.name);
        match fs::read(&path) {
            Ok(found) if found == paper.content => checked.papers += 1,
            Ok(_) => {
                checked.broken.push(message("cli.verify.paper", &[("file", &path.display())]));
            }
            // Never made, or in one language only.
            Err(_) => {}
        }
    }
    Ok(())
}
