//! `voyager plan template FILE`: a blank workbook to fill in.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{Ended, session::Session},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::template::write_template,
};

#[derive(Args, Debug)]
pub struct PlanTemplate {
    #[arg(value_name = "FILE", default_value = "plan.xlsx", help = "cli.option.template-file")]
    file: PathBuf,
}

pub fn run(session: &Session, options: &PlanTemplate) -> Result<Ended> {
    let file = &options.file;
    // A filled-in workbook is hours of work: never replaced.
    if file.exists() {
        return Err(Failure::new(Kind::Local, message("cli.template.doing", &[]))
            .at(file.display())
            .answer(message("cli.template.exists", &[]))
            .advise(message("cli.template.advice", &[])));
    }
    write_template(file).map_err(|failure| failure.advise(message("cli.template.advice", &[])))?;
    let said = message("cli.template.written", &[("file", &file.display())]);
    if session.json() {
        session.print_json(&serde_json::json!({"schema": "1.0", "template": file}));
    } else {
        session.screen.line(session.screen.say(&said));
    }
    Ok(Ended::Well)
}
