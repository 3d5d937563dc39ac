//! `voyager runs`: what was run here, from the journals.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{
    Ended,
    run::plan_folder,
    session::Session,
    site_folder::{self, SiteFolder},
};
use crate::{
    engine::{
        Journal,
        event::{Proof, Proofs},
        journal::{FileStorage, state::RunRecord},
    },
    failure::Result,
    messages::message,
    text::Text,
    ui::table::Table,
    units,
};

#[derive(Args, Debug)]
pub struct RunsOptions {
    #[arg(
        long,
        value_name = "PLAN",
        env = "VOYAGER_PLAN",
        hide_env_values = true,
        help = "cli.option.runs-plan"
    )]
    pub(super) plan: Option<PathBuf>,
    #[arg(
        long,
        value_name = "DIR",
        env = "VOYAGER_ARTIFACTS",
        hide_env_values = true,
        help = "cli.option.artifacts"
    )]
    artifacts: Option<PathBuf>,
}

/// A run, and what has been read back of the steps it only sent, by it or by a later run.
struct Past {
    site: String,
    run: RunRecord,
    proved: Vec<String>,
    refuted: Vec<String>,
}

impl Past {
    fn of(site: &str, run: &RunRecord, proofs: &Proofs) -> Self {
        let with = |proof| run.sent.iter().filter(|step| proofs.of(step) == proof).cloned().collect();
        Self {
            site: site.to_owned(),
            run: run.clone(),
            proved: with(Proof::Proved),
            refuted: with(Proof::Refuted),
        }
    }
}

pub fn run(session: &Session, options: &RunsOptions) -> Result<Ended> {
    let mut runs = Vec::new();
    for base in bases(options) {
        for path in site_folder::all(&base)? {
            let site = SiteFolder::at(&path);
            let journal = Journal::snapshot(Box::new(FileStorage::new(site.journal())), &site.key, "runs")?;
            let state = journal.state();
            runs.extend(state.runs.iter().map(|run| Past::of(&site.key, run, &state.proofs)));
        }
    }
    if session.json() {
        let records: Vec<Value> = runs.iter().map(record).collect();
        session.print_json(&json!({"schema": "1.0", "runs": records}));
    } else if runs.is_empty() {
        session.screen.line(session.screen.say(&message("cli.runs.none", &[])));
    } else {
        show(session, &runs);
    }
    Ok(Ended::Well)
}

/// Beside the plan, and where rehearsals lie.
pub(super) fn bases(options: &RunsOptions) -> Vec<PathBuf> {
    if let Some(folder) = &options.artifacts {
        return vec![folder.clone()];
    }
    let beside =
        options.plan.as_deref().map(plan_folder).unwrap_or(std::path::Path::new("")).join("artifacts");
    let simulated: PathBuf = ["artifacts", "simulated"].iter().collect();
    vec![beside, simulated]
}

fn show(session: &Session, runs: &[Past]) {
    let screen = &session.screen;
    let headings = [
        message("cli.runs.run", &[]),
        message("cli.runs.plan", &[]),
        message("cli.runs.site", &[]),
        message("cli.runs.end", &[]),
        message("cli.runs.changed", &[]),
        message("cli.runs.sent", &[]),
        message("cli.runs.time", &[]),
        message("cli.runs.folder", &[]),
    ];
    let mut table = Table::new(&headings.each_ref().map(|heading| screen.say(heading)));
    for past @ Past { site, run, .. } in runs {
        let (end, changed, time) = match &run.finished {
            None => (message("cli.runs.unfinished", &[]), String::new(), String::new()),
            Some(end) => {
                let word = if end.exit_code == 0 {
                    message("cli.runs.done", &[])
                } else {
                    message("cli.runs.stopped", &[("code", &end.exit_code)])
                };
                let time = units::duration(std::time::Duration::from_millis(end.elapsed_ms));
                (word, end.changed.to_string(), time)
            }
        };
        let folder = run.run_folder.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let end = screen.say(&end).to_owned();
        let sent = screen.say(&sent(past)).to_owned();
        let plan = run.plan.clone().unwrap_or_default();
        table.row(vec![run.id.clone(), plan, site.clone(), end, changed, sent, time, folder]);
    }
    table.lines(screen.width).iter().for_each(|line| screen.line(line));
}

/// How many steps were only sent, and how many of them have been read back since.
fn sent(past: &Past) -> Text {
    let (sent, proved, refuted) = (past.run.sent.len(), past.proved.len(), past.refuted.len());
    match (proved, refuted) {
        (0, 0) => Text::same(sent),
        (_, 0) => message("cli.runs.proved", &[("sent", &sent), ("proved", &proved)]),
        _ => message("cli.runs.refuted", &[("sent", &sent), ("proved", &proved), ("refuted", &refuted)]),
    }
}

fn record(past: &Past) -> Value {
    let Past { site, run, proved, refuted } = past;
    json!({
        "run": run.id,
        "plan": run.plan,
        "site": site,
        "started": run.started,
        "simulated": run.simulated,
        "version": run.version,
        "folder": run.run_folder,
        "sent": run.sent,
        "proved": proved,
        "refuted": refuted,
        "finished": run.finished,
    })
}
