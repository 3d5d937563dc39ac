//! `voyager plan export PLAN`: the plan for other programs; secrets masked unless asked for.

use std::io::Write;

use serde_json::json;

use super::load;
use crate::{
    cli::{Ended, arguments::PlanExport, platform, session::Session},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{CheckOptions, view},
};

pub fn run(session: &Session, options: &PlanExport) -> Result<Ended> {
    let (plan, _) = load(session, options.file.path(), &CheckOptions::default())?;
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
