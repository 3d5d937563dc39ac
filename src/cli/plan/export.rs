//! `voyager plan export PLAN`: the plan for other programs; secrets masked unless asked for.

use std::{io::Write, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::{PlanFile, load};
use crate::{
    cli::{Ended, platform, session::Session},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{CheckOptions, view},
};

#[derive(Args, Debug)]
pub struct PlanExport {
    #[command(flatten)]
    pub file: PlanFile,
    #[arg(long, help = "cli.option.with-secrets")]
    pub with_secrets: bool,
    #[arg(long, value_name = "FILE", help = "cli.option.export-to")]
    pub to: Option<PathBuf>,
}

pub fn run(session: &Session, options: &PlanExport) -> Result<Ended> {
    let plan = load(session, options.file.path(), &CheckOptions::default())?.plan;
    let plan = if options.with_secrets { view::json_with_secrets(&plan) } else { view::json(&plan) };
    let text = format!("{:#}\n", json!({"schema": "1.0", "plan": plan}));
    match &options.to {
        None => session.screen.raw(text.as_bytes()),
        Some(path) => platform::new_private_file(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| {
            Failure::new(Kind::Local, message("cli.export.doing", &[])).at(path.display()).because(&error)
        })?,
    }
    Ok(Ended::Well)
}
