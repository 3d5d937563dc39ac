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
        journal::{FileStorage, state::RunRecord},
    },
    failure::Result,
    messages::message,
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
    plan: Option<PathBuf>,
    #[arg(
        long,
        value_name = "DIR",
        env = "VOYAGER_ARTIFACTS",
        hide_env_values = true,
        help = "cli.option.artifacts"
    )]
    artifacts: Option<PathBuf>,
}

pub fn run(session: &Session, options: &RunsOptions) -> Result<Ended> {
    let mut runs = Vec::new();
    for base in bases(options) {
        for path in site_folder::all(&base)? {
            let site = SiteFolder::at(&path);
            let journal = Journal::snapshot(Box::new(FileStorage::new(site.journal())), &site.key, "runs")?;
            runs.extend(journal.state().runs.iter().map(|run| (site.key.clone(), run.clone())));
        }
    }
    if session.json() {
        let records: Vec<Value> = runs.iter().map(|(site, run)| record(site, run)).collect();
        session.print_json(&json!({"schema": "1.0", "runs": records}));
    } else if runs.is_empty() {
        session.screen.line(session.screen.say(&message("cli.runs.none", &[])));
    } else {
        show(session, &runs);
    }
    Ok(Ended::Well)
}

/// Beside the plan, and where rehearsals lie.
fn bases(options: &RunsOptions) -> Vec<PathBuf> {
    if let Some(folder) = &options.artifacts {
        return vec![folder.clone()];
    }
    let beside =
        options.plan.as_deref().map(plan_folder).unwrap_or(std::path::Path::new("")).join("artifacts");
    let simulated: PathBuf = ["artifacts", "simulated"].iter().collect();
    vec![beside, simulated]
}

fn show(session: &Session, runs: &[(String, RunRecord)]) {
    let screen = &session.screen;
    let headings = [
        message("cli.runs.run", &[]),
        message("cli.runs.site", &[]),
        message("cli.runs.end", &[]),
        message("cli.runs.changed", &[]),
        message("cli.runs.time", &[]),
        message("cli.runs.folder", &[]),
    ];
    let mut table = Table::new(&headings.each_ref().map(|heading| screen.say(heading)));
    for (site, run) in runs {
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
        table.row(vec![run.id.clone(), site.clone(), screen.say(&end).to_owned(), changed, time, folder]);
    }
    table.lines(screen.width).iter().for_each(|line| screen.line(line));
}

fn record(site: &str, run: &RunRecord) -> Value {
    json!({
        "run": run.id,
        "site": site,
        "started": run.started,
        "simulated": run.simulated,
        "version": run.version,
        "folder": run.run_folder,
        "finished": run.finished,
    })
}
