//! `voyager stages`: the runbook, with what each step needs and how long it may take.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};

use super::{Ended, session::Session};
use crate::{
    engine::{Stage, StageManifest, StepManifest},
    failure::Result,
    messages::message,
    stages::{registry, world::World},
    ui::table::Table,
    units,
};

#[derive(Args, Debug)]
pub struct StagesOptions {
    #[arg(long, help = "cli.option.graph")]
    graph: bool,
}

pub fn run(session: &Session, options: &StagesOptions) -> Result<Ended> {
    let stages = registry::stages(&BTreeMap::new())?;
    if options.graph {
        graph(&stages).iter().for_each(|line| session.screen.line(line));
    } else if session.json() {
        session
            .print_json(&json!({"schema": "1.0", "stages": stages.iter().map(record).collect::<Vec<_>>()}));
    } else {
        stages.iter().for_each(|stage| show(session, stage));
    }
    Ok(Ended::Well)
}

fn show(session: &Session, stage: &Stage<World>) {
    let kinds = stage.kinds();
    let stage = &stage.manifest;
    let screen = &session.screen;
    screen.line(&format!("{:02} {}  {}", stage.number, stage.id, screen.say(&stage.title)));
    let headings = [
        message("cli.stages.step", &[]),
        message("cli.stages.kind", &[]),
        message("cli.stages.title", &[]),
        message("cli.stages.needs", &[]),
        message("cli.stages.expected", &[]),
        message("cli.stages.limit", &[]),
    ];
    let mut table = Table::new(&headings.each_ref().map(|heading| screen.say(heading)));
    for ((position, step), kind) in stage.steps.iter().enumerate().zip(kinds) {
        table.row(vec![
            step.id.clone(),
            kind.to_owned(),
            screen.say(&step.title).to_owned(),
            [needs(stage, position), step.ends.clone()].concat().join(", "),
            step.expected.map(units::duration).unwrap_or_default(),
            units::duration(step.timeout),
        ]);
    }
    let width = screen.width.map(|width| width.saturating_sub(2));
    table.lines(width).iter().for_each(|line| screen.line(&format!("  {line}")));
    screen.line("");
}

/// The steps that must have ended well before: those named, else the one before it in the stage.
fn needs(stage: &StageManifest, position: usize) -> Vec<String> {
    match &stage.steps[position].after {
        Some(after) => after.clone(),
        None if !stage.steps[position].ends.is_empty() => Vec::new(),
        None if position > 0 => vec![format!("{}.{}", stage.id, stage.steps[position - 1].id)],
        None => Vec::new(),
    }
}

fn record(stage: &Stage<World>) -> Value {
    let kinds = stage.kinds();
    let stage = &stage.manifest;
    let step = |((position, step), kind): ((usize, &StepManifest), &'static str)| {
        json!({
            "id": format!("{}.{}", stage.id, step.id),
            "kind": kind,
            "title": step.title,
            "after": needs(stage, position),
            "ends": step.ends,
            "uses": step.uses,
            "expected_ms": step.expected.map(|time| time.as_millis() as u64),
            "timeout_ms": step.timeout.as_millis() as u64,
            "service": step.service,
        })
    };
    let steps: Vec<Value> = stage.steps.iter().enumerate().zip(kinds).map(step).collect();
    json!({"id": stage.id, "number": stage.number, "title": stage.title, "steps": steps})
}

/// The dependencies in the language of Graphviz.
fn graph(stages: &[Stage<World>]) -> Vec<String> {
    let stages: Vec<&StageManifest> = stages.iter().map(|stage| &stage.manifest).collect();
    let mut lines = vec!["digraph runbook {".to_owned(), "  rankdir=LR;".to_owned()];
    for stage in &stages {
        lines.push(format!(
            "  subgraph \"cluster_{}\" {{ label=\"{:02} {}\";",
            stage.id, stage.number, stage.id
        ));
        lines.extend(
            stage
                .steps
                .iter()
                .map(|step| format!("    \"{}.{}\" [label=\"{}\"];", stage.id, step.id, step.id)),
        );
        lines.push("  }".to_owned());
    }
    for stage in &stages {
        for (position, step) in stage.steps.iter().enumerate() {
            let to = format!("{}.{}", stage.id, step.id);
            lines.extend(needs(stage, position).iter().map(|from| format!("  \"{from}\" -> \"{to}\";")));
        }
    }
    lines.push("}".to_owned());
    lines
}
