//! `voyager plan show PLAN`: what was understood, value by value, with its cell and its origin.

use std::path::Path;

use serde_json::json;

use super::load;
use crate::{
    cli::{Ended, session::Session},
    failure::Result,
    messages::message,
    plan::{CheckOptions, Origin, view},
    text::Text,
    ui::table::Table,
};

pub fn run(session: &Session, path: &Path) -> Result<Ended> {
    let plan = load(session, path, &CheckOptions::default())?.plan;
    let entries = view::entries(&plan);
    if session.json() {
        let values: Vec<_> = entries
            .iter()
            .map(|entry| {
                json!({
                    "key": entry.key,
                    "cell": entry.cell.as_ref().map(ToString::to_string),
                    "raw": entry.raw,
                    "value": entry.shown(),
                    "origin": entry.origin,
                })
            })
            .collect();
        session.print_json(&json!({"schema": "1.0", "values": values}));
        return Ok(Ended::Well);
    }
    let headings = [
        message("cli.show.key", &[]),
        message("cli.show.cell", &[]),
        message("cli.show.raw", &[]),
        message("cli.show.value", &[]),
        message("cli.show.origin", &[]),
    ];
    let mut table = Table::new(&headings.each_ref().map(|heading| session.screen.say(heading)));
    for entry in entries {
        let cell = entry.cell.as_ref().map(ToString::to_string).unwrap_or_default();
        let origin = session.screen.say(&origin(entry.origin)).to_owned();
        let value = entry.shown();
        table.row(vec![entry.key, cell, entry.raw, value, origin]);
    }
    table.lines(session.screen.width).iter().for_each(|line| session.screen.line(line));
    Ok(Ended::Well)
}

fn origin(origin: Option<Origin>) -> Text {
    match origin {
        None => message("cli.show.blank", &[]),
        Some(Origin::Cell) => message("cli.show.from-cell", &[]),
        Some(Origin::Formula) => message("cli.show.from-formula", &[]),
        Some(Origin::Default) => message("cli.show.from-default", &[]),
        Some(Origin::Derived) => message("cli.show.derived", &[]),
    }
}
