//! `voyager plan check PLAN…`: all findings with sheet and cell, those between several plans too; exit 3 when one of
//! them is an error.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{findings, named};
use crate::{
    cli::{Ended, session::Session},
    failure::{Kind, Result},
    messages::message,
    plan::{
        self, CheckOptions, Checked, Plan, Severity,
        between::{self, Collision},
    },
    ui::screen::Tint,
};

#[derive(Args, Debug)]
pub struct PlanCheck {
    #[arg(value_name = "PLAN", required_unless_present = "option", help = "cli.option.checked-plans")]
    positional: Vec<PathBuf>,
    #[arg(
        long = "plan",
        value_name = "PLAN",
        conflicts_with = "positional",
        help = "cli.option.checked-plans"
    )]
    option: Vec<PathBuf>,
    #[arg(long, help = "cli.option.strict")]
    strict: bool,
}

pub fn run(session: &Session, options: &PlanCheck) -> Result<Ended> {
    let given: Vec<PathBuf> = options.positional.iter().chain(&options.option).cloned().collect();
    let check =
        |path: &Path| plan::check(path, &CheckOptions { strict: options.strict, ..CheckOptions::default() });
    let invalid = match named(&given)?.as_slice() {
        [path] => {
            let checked = check(path);
            if session.json() {
                session.print_json(&checked.json(session.screen.lang));
            } else {
                show(session, path, &checked);
            }
            checked.has_errors()
        }
        plans => {
            let checked: Vec<(&PathBuf, Checked)> = plans.iter().map(|path| (path, check(path))).collect();
            several(session, &checked, options.strict)
        }
    };
    Ok(if invalid { Ended::As(Kind::Plan) } else { Ended::Well })
}

fn show(session: &Session, path: &Path, checked: &Checked) {
    findings::lines(session, &checked.diagnostics).iter().for_each(|line| session.screen.line(line));
    let count = findings::count(&checked.diagnostics);
    let (last, tint) = if checked.has_errors() {
        (message("cli.plan.invalid", &[("plan", &path.display()), ("count", &count)]), Tint::Bad)
    } else {
        (message("cli.plan.valid", &[("plan", &path.display()), ("count", &count)]), Tint::Good)
    };
    session.screen.line(&session.screen.tint(tint, session.screen.say(&last)));
}

/// Each plan, and what they take from each other; a plan that is not valid is compared with none.
fn several(session: &Session, checked: &[(&PathBuf, Checked)], strict: bool) -> bool {
    let valid = checked.iter().filter_map(|(path, checked)| Some((path.as_path(), checked.plan.as_ref()?)));
    let mut collisions = collisions(valid);
    for collision in collisions.iter_mut().filter(|_| strict) {
        collision.severity = Severity::Error;
    }
    let not_compared: Vec<&PathBuf> =
        checked.iter().filter(|(_, checked)| checked.plan.is_none()).map(|(path, _)| *path).collect();
    if session.json() {
        let lang = session.screen.lang;
        let plans = checked.iter().map(|(path, checked)| {
            let mut plan = checked.json(lang);
            plan["file"] = json!(path);
            plan
        });
        let plans: Vec<_> = plans.collect();
        let collisions: Vec<_> = collisions.iter().map(|collision| collision.json(lang)).collect();
        session.print_json(&json!({
            "schema": "1.0", "plans": plans, "collisions": collisions, "not_compared": not_compared,
        }));
    } else {
        for (path, checked) in checked {
            let session = session.of_cluster(&path.display().to_string(), path);
            show(&session, path, checked);
        }
        findings::between(session, &collisions).iter().for_each(|line| session.screen.line(line));
        let tint = if hinders(&collisions) { Tint::Bad } else { Tint::Good };
        session.screen.line(&session.screen.tint(tint, session.screen.say(&count(&collisions))));
        if !not_compared.is_empty() {
            let plans =
                not_compared.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
            let said = message("cli.plan.not-compared", &[("plans", &plans)]);
            session.screen.line(&session.screen.tint(Tint::Warn, session.screen.say(&said)));
        }
    }
    checked.iter().any(|(_, checked)| checked.has_errors()) || hinders(&collisions)
}

/// What valid plans take from each other; each is named as it was on the command line.
pub fn collisions<'p>(plans: impl Iterator<Item = (&'p Path, &'p Plan)>) -> Vec<Collision> {
    let named: Vec<_> = plans.map(|(path, plan)| (path.display().to_string(), plan)).collect();
    between::collisions(&named)
}

/// Whether one of them is an error.
pub fn hinders(collisions: &[Collision]) -> bool {
    collisions.iter().any(|collision| collision.severity == Severity::Error)
}

/// `between the plans: 2 errors, 1 warning`.
pub fn count(collisions: &[Collision]) -> crate::text::Text {
    let of = |severity| collisions.iter().filter(|collision| collision.severity == severity).count();
    let args: [(&str, &dyn crate::text::Say); 2] =
        [("errors", &of(Severity::Error)), ("warnings", &of(Severity::Warning))];
    message("cli.plan.between", &args)
}
