//! `voyager plan check PLAN`: all findings with sheet and cell; exit 3 when one of them is an error.

use clap::Args;

use super::{PlanFile, findings};
use crate::{
    cli::{Ended, session::Session},
    failure::{Kind, Result},
    messages::message,
    plan::{self, CheckOptions},
    ui::screen::Tint,
};

#[derive(Args, Debug)]
pub struct PlanCheck {
    #[command(flatten)]
    pub file: PlanFile,
    #[arg(long, help = "cli.option.strict")]
    pub strict: bool,
}

pub fn run(session: &Session, options: &PlanCheck) -> Result<Ended> {
    let path = options.file.path();
    let checked = plan::check(path, &CheckOptions { strict: options.strict, ..CheckOptions::default() });
    let invalid = checked.has_errors();
    if session.json() {
        session.print_json(&checked.json(session.screen.lang));
    } else {
        findings::lines(session, &checked.diagnostics).iter().for_each(|line| session.screen.line(line));
        let count = findings::count(&checked.diagnostics);
        let (last, tint) = if invalid {
            (message("cli.plan.invalid", &[("plan", &path.display()), ("count", &count)]), Tint::Bad)
        } else {
            (message("cli.plan.valid", &[("plan", &path.display()), ("count", &count)]), Tint::Good)
        };
        session.screen.line(&session.screen.tint(tint, session.screen.say(&last)));
    }
    Ok(if invalid { Ended::As(Kind::Plan) } else { Ended::Well })
}
