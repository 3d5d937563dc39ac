//! `voyager plan …`: what the workbook says and what is wrong with it.

mod check;
mod export;
mod findings;
mod show;

use std::path::Path;

use super::{Ended, arguments::PlanCommand, session::Session};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{self, CheckOptions, Plan, Source},
};

pub fn run(session: &Session, command: PlanCommand) -> Result<Ended> {
    match command {
        PlanCommand::Check(options) => check::run(session, &options),
        PlanCommand::Show(file) => show::run(session, file.path()),
        PlanCommand::Export(options) => export::run(session, &options),
    }
}

/// The valid plan at `path`; else tells every finding and fails with [`Kind::Plan`].
pub fn load(session: &Session, path: &Path, options: &CheckOptions) -> Result<(Plan, Option<Source>)> {
    let checked = plan::check(path, options);
    let invalid = checked.has_errors() || checked.plan.is_none();
    if invalid && session.json() {
        session.print_json(&checked.json(session.screen.lang));
    }
    findings::lines(session, &checked.diagnostics).iter().for_each(|line| session.screen.aside(line));
    match checked.plan {
        Some(plan) if !invalid => Ok((plan, checked.source)),
        _ => Err(Failure::new(Kind::Plan, message("cli.plan.doing", &[]))
            .at(path.display())
            .answer(findings::count(&checked.diagnostics))
            .advise(message("cli.plan.advice", &[("plan", &path.display())]))),
    }
}
