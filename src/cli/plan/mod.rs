//! `voyager plan …`: what the workbook says and what is wrong with it.

pub mod check;
mod export;
pub mod findings;
mod named;
mod show;
mod template;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

pub use self::named::named;
use super::{Ended, session::Session};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{self, CheckOptions, Diagnostic, Plan, Source},
};

#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    #[command(about = "cli.about.plan-check")]
    Check(check::PlanCheck),
    #[command(about = "cli.about.plan-show")]
    Show(PlanFile),
    #[command(about = "cli.about.plan-template")]
    Template(template::PlanTemplate),
    #[command(about = "cli.about.plan-export")]
    Export(export::PlanExport),
}

/// The workbook, with or without `--plan` before it.
#[derive(Args, Debug)]
pub struct PlanFile {
    #[arg(value_name = "PLAN", required_unless_present = "option", help = "cli.option.plan")]
    positional: Option<PathBuf>,
    #[arg(long = "plan", value_name = "PLAN", conflicts_with = "positional", help = "cli.option.plan")]
    option: Option<PathBuf>,
}

impl PlanFile {
    pub fn path(&self) -> &Path {
        self.positional.as_deref().or(self.option.as_deref()).unwrap_or(Path::new(""))
    }
}

pub fn run(session: &Session, command: PlanCommand) -> Result<Ended> {
    match command {
        PlanCommand::Check(options) => check::run(session, &options),
        PlanCommand::Show(file) => show::run(session, file.path()),
        PlanCommand::Template(options) => template::run(session, &options),
        PlanCommand::Export(options) => export::run(session, &options),
    }
}

/// A valid plan, what was found besides errors, and the file it was read from.
pub struct Loaded {
    pub plan: Plan,
    pub findings: Vec<Diagnostic>,
    pub source: Option<Source>,
}

/// The valid plan at `path`; else tells every finding and fails with [`Kind::Plan`].
pub fn load(session: &Session, path: &Path, options: &CheckOptions) -> Result<Loaded> {
    let checked = plan::check(path, options);
    let invalid = checked.has_errors() || checked.plan.is_none();
    if invalid && session.json() {
        session.print_json(&checked.json(session.screen.lang));
    }
    findings::lines(session, &checked.diagnostics).iter().for_each(|line| session.screen.aside(line));
    match checked.plan {
        Some(plan) if !invalid => Ok(Loaded { plan, findings: checked.diagnostics, source: checked.source }),
        _ => Err(Failure::new(Kind::Plan, message("cli.plan.doing", &[]))
            .at(path.display())
            .answer(findings::count(&checked.diagnostics))
            .advise(message("cli.plan.advice", &[("plan", &path.display())]))),
    }
}
