//! `voyager plan export PLAN`: the plan for other programs; secrets masked unless asked for.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

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
    // Before anything is read: whatever lies there, the workbook itself above all, is not ours to replace.
    if let Some(path) = options.to.as_ref().filter(|path| path.symlink_metadata().is_ok()) {
        return Err(failure(path).answer(message("cli.export.exists", &[])));
    }
    let plan = load(session, options.file.path(), &CheckOptions::default())?.plan;
    let plan = if options.with_secrets { view::json_with_secrets(&plan) } else { view::json(&plan) };
    let text = format!("{:#}\n", json!({"schema": "1.0", "plan": plan}));
    match &options.to {
        None => session.screen.raw(text.as_bytes()),
        Some(path) => {
            platform::only_new_private_file(path)
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|error| failure(path).because(&error))?;
            // Standard output is the plan's alone.
            let written = message("cli.export.written", &[("file", &path.display())]);
            session.screen.aside(session.screen.say(&written));
        }
    }
    Ok(Ended::Well)
}

fn failure(path: &Path) -> Box<Failure> {
    Failure::new(Kind::Local, message("cli.export.doing", &[]))
        .at(path.display())
        .advise(message("cli.export.advice", &[]))
}
