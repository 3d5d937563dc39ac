//! From the log to the acceptance: the latest word on every setting and step, up to one moment.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    acceptance::{
        Acceptance, FoundRow, ProductRow, RunRow, SettingRow, StageRow, Standing, StepEnd, StepRow, Warning,
    },
    timeline,
    transfers::Transfer,
    words,
};
use crate::{
    engine::event::{
        Difference, Event, EventKind, Facts, Level, Outcome, PlanIdentity, Proofs, StageOutline, Verdict,
    },
    messages::message,
    text::Text,
};

/// An event of the journal with the run that it belongs to.
#[derive(Clone, Debug)]
pub struct Logged {
    pub run: String,
    pub event: Event,
}

/// What an acceptance is made of.
pub struct Sources<'a> {
    /// The site key.
    pub site: &'a str,
    /// Every event of the site in order, the run that it is about last. See [`Sources::until`].
    pub log: &'a [Logged],
    /// The whole runbook, so that what never ran is named too.
    pub runbook: &'a [StageOutline],
    pub transfers: Vec<Transfer>,
}

impl<'a> Sources<'a> {
    /// The part of a log that the papers of `run` rest on: all up to its end, or up to the (last) beginning of the step
    /// that writes them, so that papers made again later are the same. `None`: no such run.
    pub fn until(log: &'a [Logged], run: &str, papers: &str) -> Option<&'a [Logged]> {
        let last = log.iter().rposition(|line| line.run == run)?;
        let written = log.iter().rposition(|line| {
            line.run == run && matches!(&line.event.kind, EventKind::StepStarted { step } if step == papers)
        });
        Some(&log[..written.unwrap_or(last + 1)])
    }

    /// `None` when the log holds no run.
    pub fn acceptance(self) -> Option<Acceptance> {
        let mut fold = Fold::default();
        self.log.iter().for_each(|line| fold.take(line));
        let run = fold.runs.pop()?;
        let at = self.log.last().map_or(run.started, |line| line.event.at);
        let stages: Vec<StageRow> = self.runbook.iter().map(|stage| fold.stage(stage)).collect();
        let titles = self.runbook.iter().flat_map(|stage| &stage.steps);
        let order: BTreeMap<&str, usize> =
            titles.enumerate().map(|(at, step)| (step.id.as_str(), at)).collect();
        let mut settings = fold.settings;
        // Stable: within an area the rows keep the order in which they were read.
        settings.sort_by_key(|row| order.get(row.read_by.as_str()).copied().unwrap_or(usize::MAX));
        Some(Acceptance {
            site: self.site.to_owned(),
            earlier: fold.runs,
            plan: fold.plan,
            at,
            settings,
            products: products(&stages, &fold.facts),
            stages,
            found: found(&fold.facts),
            inspection: fold.facts.get("inspection").map(|fact| fact.value.clone()),
            timeline: timeline::of(self.log, self.runbook, run.simulated),
            transfers: self.transfers,
            warnings: fold.warnings,
            run,
        })
    }
}

/// A fact with where it comes from.
struct Learnt {
    value: Value,
    step: String,
    at: Timestamp,
}

#[derive(Default)]
struct Fold {
    runs: Vec<RunRow>,
    plan: Option<PlanIdentity>,
    settings: Vec<SettingRow>,
    steps: BTreeMap<String, Known>,
    proofs: Proofs,
    facts: BTreeMap<String, Learnt>,
    /// Of the newest run.
    warnings: Vec<Warning>,
    /// Steps that began in some run and have no end yet.
    begun: BTreeSet<String>,
}

#[derive(Default)]
struct Known {
    end: Option<(Outcome, Timestamp, u64)>,
    run: String,
    differences: Vec<Difference>,
    settled_in: Option<String>,
}

impl Fold {
    fn take(&mut self, line: &Logged) {
        let Logged { run, event } = line;
        self.proofs.learn(&event.kind);
        match &event.kind {
            EventKind::RunStarted(outline) => {
                self.plan = outline.plan.clone().or(self.plan.take());
                self.warnings.clear();
                self.runs.push(RunRow {
                    id: run.clone(),
                    started: event.at,
                    simulated: outline.simulated,
                    version: outline.version.clone(),
                    end: None,
                });
            }
            EventKind::RunFinished(summary) => {
                if let Some(last) = self.runs.last_mut() {
                    last.end = Some(summary.clone());
                }
            }
            EventKind::StepStarted { step } => {
                self.settings.retain(|row| row.read_by != *step);
                self.begun.insert(step.clone());
                let known = self.steps.entry(step.clone()).or_default();
                known.run.clone_from(run);
                known.differences.clear();
            }
            EventKind::Intent { step } => {
                let made = self.settings.iter_mut().filter(|row| row.setting.made_by.as_ref() == Some(step));
                made.filter(|row| row.standing != Standing::NotPlanned)
                    .for_each(|row| row.standing = Standing::Outdated);
            }
            EventKind::Probed {
                step, verdict: Verdict::Differs | Verdict::Conflict, differences, ..
            } => {
                self.steps.entry(step.clone()).or_default().differences.clone_from(differences);
            }
            EventKind::Setting { step, setting } => {
                let (setting, standing) = (setting.as_ref().clone(), Standing::of(setting));
                self.settings.push(SettingRow { read_by: step.clone(), setting, standing });
            }
            EventKind::Note { step, level: Level::Warning, text } => {
                self.warnings.push(Warning { step: step.clone(), text: text.clone() });
            }
            EventKind::StepFinished { step, outcome, facts, elapsed_ms } => {
                self.finished(run, event.at, step, outcome, *elapsed_ms);
                self.learn(step, event.at, facts);
            }
            _ => {}
        }
    }

    fn finished(&mut self, run: &str, at: Timestamp, step: &str, outcome: &Outcome, elapsed_ms: u64) {
        self.begun.remove(step);
        let known = self.steps.entry(step.to_owned()).or_default();
        match outcome {
            // Says nothing about the site; what an earlier run found still stands.
            Outcome::NotRun { .. } if known.end.is_some() => return,
            Outcome::Settled { done } => known.settled_in = done.then(|| run.to_owned()),
            Outcome::Changed | Outcome::Failed { .. } => known.settled_in = None,
            _ => {}
        }
        known.run = run.to_owned();
        known.end = Some((outcome.clone(), at, elapsed_ms));
    }

    fn learn(&mut self, step: &str, at: Timestamp, facts: &Facts) {
        for (name, value) in facts.iter() {
            let learnt = Learnt { value: value.clone(), step: step.to_owned(), at };
            self.facts.insert(name.to_owned(), learnt);
        }
    }

    fn stage(&self, stage: &StageOutline) -> StageRow {
        let steps = stage.steps.iter().map(|step| {
            let known = self.steps.get(&step.id);
            let ended = known.and_then(|known| known.end.as_ref());
            StepRow {
                id: step.id.clone(),
                title: step.title.clone(),
                end: match ended {
                    _ if self.begun.contains(&step.id) => StepEnd::Open,
                    Some((outcome, ..)) => StepEnd::Ended(outcome.clone()),
                    None => StepEnd::Never,
                },
                run: known.map(|known| known.run.clone()),
                at: ended.map(|(_, at, _)| *at),
                elapsed_ms: ended.map_or(0, |(.., elapsed_ms)| *elapsed_ms),
                differences: known.map(|known| known.differences.clone()).unwrap_or_default(),
                settled_in: known.and_then(|known| known.settled_in.clone()),
                proof: self.proofs.of(&step.id),
            }
        });
        StageRow { number: stage.number, title: stage.title.clone(), steps: steps.collect() }
    }
}

/// The stage of products that are not installed, and its step that is about none of them.
const PRODUCTS: &str = "deploy-packages.";
const READ_BACK: &str = "deploy-packages.settings";

/// How far each product of that stage has come: in the words of its fact, where its step has left one.
fn products(stages: &[StageRow], facts: &BTreeMap<String, Learnt>) -> Vec<ProductRow> {
    let steps = stages.iter().flat_map(|stage| &stage.steps);
    let steps = steps.filter(|step| step.id.starts_with(PRODUCTS) && step.id != READ_BACK);
    let row = |step: &StepRow| {
        let good = matches!(step.end, StepEnd::Ended(Outcome::Changed | Outcome::AlreadyDone));
        let fact = facts.values().find(|fact| fact.step == step.id).filter(|_| good);
        let told = fact.and_then(|fact| serde_json::from_value::<Text>(fact.value["told"].clone()).ok());
        let otherwise = || words::reason(step).unwrap_or_else(|| words::end(step).0);
        ProductRow {
            step: step.id.clone(),
            title: step.title.clone(),
            left_to_do: !matches!(step.end, StepEnd::Never),
            told: told.unwrap_or_else(otherwise),
        }
    };
    steps.map(row).collect()
}

/// Serials and versions among the facts: those of each host, then every fact that is named so.
fn found(facts: &BTreeMap<String, Learnt>) -> Vec<FoundRow> {
    let mut rows = Vec::new();
    let mut push = |title: Text, value: &str, fact: &Learnt| {
        rows.push(FoundRow { title, value: value.to_owned(), step: fact.step.clone(), at: fact.at });
    };
    let word = |name: &str| match name {
        "cluster_serial" => message("report.found.cluster-serial", &[]),
        "tower_serial" => message("report.found.tower-serial", &[]),
        "tower_version" => message("report.found.tower-version", &[]),
        other => Text::same(other.replace('_', " ")),
    };
    for (name, fact) in facts {
        let telling = name.ends_with("serial") || name.ends_with("version");
        if let (true, Some(value)) = (telling, fact.value.as_str()) {
            push(word(name), value, fact);
        }
    }
    let hosts = facts.get("hosts");
    let list = hosts.and_then(|fact| fact.value.as_array()).into_iter().flatten();
    for (index, host) in list.enumerate() {
        let Some(fact) = hosts else { break };
        let number = index + 1;
        if let Some(serial) = host["serial"].as_str() {
            push(message("report.found.host-serial", &[("number", &number)]), serial, fact);
        }
        if let Some(version) = host["version"].as_str() {
            push(message("report.found.host-version", &[("number", &number)]), version, fact);
        }
    }
    rows
}
