//! `run --dry-run`: rehearses the plan at full speed on a twin in this process and lists every request that would
//! change something. Nothing is contacted and nothing is kept.

use std::{cell::RefCell, collections::BTreeMap, path::Path, rc::Rc};

use serde_json::{Value, json};

use super::{RunOptions, asked::Asked};
use crate::{
    cli::{
        Ended, cells,
        config::Config,
        media,
        plan::Loaded,
        reach::Reach,
        session::Session,
        stop,
        world::{self, Kept},
    },
    clients::{
        trust::InMemory,
        wire::{Memory, Record},
    },
    engine::{
        self, Cancel, Clock, Journal, SecretKey, Stage, World as _,
        event::{Event, EventKind, Facts, Sink},
    },
    failure::{Failure, Kind, Result},
    messages::message,
    stages::world::World,
    ui::{display::Display, ndjson::Ndjson, outline::Outline, prompts::Prompts},
};

/// As fast as the engine's shortest wait allows.
const FULL_SPEED: f64 = 2000.0;

/// One line of the list: a request, or a series that differs in nothing but its chunk.
struct Line {
    step: String,
    record: Record,
    times: usize,
}

pub async fn run(
    session: &Session,
    options: &RunOptions,
    config: &Config,
    stages: &[Stage<World>],
    asked: Asked,
    loaded: Loaded,
) -> Result<Ended> {
    let twin = options.twin.options(FULL_SPEED, ([127, 0, 0, 1], 0).into())?;
    let reach = Reach::twin(&loaded.plan, twin, config.limits).await?;
    let given = media::folder(options.site.media.as_deref(), config);
    // Without media a stand-in lies in memory where the system has a place for that, and is gone afterwards.
    let stand_in = if given.is_none() { Some(scratch()?) } else { None };
    if let Some(folder) = &stand_in {
        media::stand_in(folder.path())?;
    }
    let media = given.or_else(|| stand_in.as_ref().map(|folder| folder.path().to_owned()));
    let redactor = world::redactor(&loaded.plan, &reach);
    let requests = Memory::default();
    let kept = Kept { media, workbook: None, run_folder: None };
    let world = world::build(loaded, config, &reach, InMemory, requests.clone(), redactor, kept)?;

    let names = Rc::new(Names::default());
    let cancel = Cancel::new();
    stop::listen(&cancel);
    let display: Rc<dyn Display> = Rc::new(Ndjson::new(session.screen.clone()));
    let setup = engine::Setup {
        journal: Journal::in_memory("dry-run", "dry-run")?,
        key: SecretKey::random(),
        sinks: vec![names.clone()],
        answerer: Rc::new(Prompts::new(session.screen.clone(), display, true, None)),
        clock: Clock::scaled(reach.speed()),
        cancel,
        lock: None,
    };
    let end = engine::run(&world, stages, setup, &asked.options(true, None)?).await;
    reach.close().await;

    let lines = lines(requests.records());
    if session.json() {
        let records: Vec<Value> = lines.iter().map(|line| record(line, &names, &world, stages)).collect();
        session.print_json(&json!({"schema": "1.0", "complete": end.exit_code == 0, "requests": records}));
    } else {
        show(session, &lines, &names, &world, stages);
    }
    match end.failure {
        Some(failure) => Err(failure),
        None => Ok(Ended::Run(end.exit_code)),
    }
}

fn scratch() -> Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.map_err(|error| Failure::new(Kind::Local, message("cli.media.stand-in", &[])).because(&error))
}

/// The changing requests in order; neighbours that differ in their chunk only are one line.
fn lines(records: Vec<Record>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for record in records.into_iter().filter(|record| record.changes) {
        let step = record.step.clone().unwrap_or_default();
        match lines.last_mut() {
            Some(last)
                if last.step == step && is_chunk(&record) && last.record.operation == record.operation =>
            {
                last.times += 1;
            }
            _ => lines.push(Line { step, record, times: 1 }),
        }
    }
    lines
}

fn is_chunk(record: &Record) -> bool {
    record.operation.contains("chunk")
}

fn show(session: &Session, lines: &[Line], names: &Names, world: &World, stages: &[Stage<World>]) {
    let screen = &session.screen;
    let outline = names.outline.borrow();
    let mut step = "";
    for line in lines {
        if line.step != step {
            step = &line.step;
            let title = outline.title(step, screen.lang);
            screen.line(&format!("{title} ({step})"));
            let cells = cells::ranges(&cells_of(step, world, stages));
            if !cells.is_empty() {
                let from = message("cli.dry.cells", &[("cells", &cells.join(", "))]);
                screen.line(&format!("    {}", screen.wrapped(screen.say(&from), 6)));
            }
        }
        let times = if line.times > 1 { format!(" ×{}", line.times) } else { String::new() };
        let Record { method, address, path, .. } = &line.record;
        screen.line(&format!("  {method} {address} {}{times}", names.name(path)));
        if let Some(body) = &line.record.request {
            screen.line(&format!("    {}", screen.wrapped(&names.name(body), 4)));
        }
    }
    let count: usize = lines.iter().map(|line| line.times).sum();
    screen.line(screen.say(&message("cli.dry.count", &[("count", &count)])));
}

fn record(line: &Line, names: &Names, world: &World, stages: &[Stage<World>]) -> Value {
    json!({
        "step": line.step,
        "operation": line.record.operation,
        "address": line.record.address,
        "method": line.record.method,
        "path": names.name(&line.record.path),
        "body": line.record.request.as_ref().map(|body| names.name(body)),
        "times": line.times,
        "cells": cells_of(&line.step, world, stages),
    })
}

/// The cells that the plan fields of a step come from.
fn cells_of(id: &str, world: &World, stages: &[Stage<World>]) -> Vec<String> {
    let Some((stage, step)) = id.split_once('.') else { return Vec::new() };
    let stage = stages.iter().find(|known| known.manifest.id == stage);
    let step = stage.and_then(|stage| stage.manifest.steps.iter().find(|known| known.id == step));
    let fields = step.map(|step| step.uses.as_slice()).unwrap_or_default();
    let mut cells = Vec::new();
    for cell in fields.iter().filter_map(|field| world.field(field)).flat_map(|field| field.cells) {
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    cells
}

/// What only the real site can know is shown by name: values that steps learnt from the twin.
#[derive(Default)]
struct Names {
    outline: RefCell<Outline>,
    /// Value → name; longer values first when replaced.
    learnt: RefCell<BTreeMap<String, String>>,
}

impl Names {
    fn learn(&self, facts: &Facts) {
        for (name, value) in facts.iter() {
            self.learn_value(name, value);
        }
    }

    fn learn_value(&self, name: &str, value: &Value) {
        match value {
            Value::String(text) if is_identifier(text) => {
                self.learnt.borrow_mut().entry(text.clone()).or_insert_with(|| name.to_owned());
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn_value(name, item)),
            Value::Object(fields) => fields.iter().for_each(|(field, value)| {
                self.learn_value(&format!("{name}.{field}"), value);
            }),
            _ => {}
        }
    }

    fn name(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (value, name) in self.learnt.borrow().iter().rev() {
            text = text.replace(value, &format!("<{name}>"));
        }
        unnamed_uuids(&text)
    }
}

impl Sink for Names {
    fn event(&self, event: &Event) {
        self.outline.borrow_mut().learn(event);
        match &event.kind {
            EventKind::StepFinished { facts, .. } => self.learn(facts),
            EventKind::Remembered { name, value, .. } => self.learn_value(name, value),
            _ => {}
        }
    }
}

/// Long and without a meaning in the plan: UUIDs, job and volume ids. Names and addresses are shorter or spoken.
fn is_identifier(text: &str) -> bool {
    text.len() >= 16 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// UUIDs that no fact names.
fn unnamed_uuids(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let candidate =
            rest.get(..36).filter(|part| uuid::Uuid::try_parse(part).is_ok() && part.contains('-'));
        if candidate.is_some() {
            out.push_str("<uuid>");
            rest = &rest[36..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_the_twin_are_shown_by_name_and_others_as_uuid() {
        let names = Names::default();
        names.learn_value("vds_uuid", &json!("0a1b2c3d-0000-4000-8000-000000000001"));
        let path = "/api/v2/vds/0a1b2c3d-0000-4000-8000-000000000001/x/99999999-0000-4000-8000-000000000002";
        assert_eq!(names.name(path), "/api/v2/vds/<vds_uuid>/x/<uuid>");
        names.learn_value("cluster", &json!("HCI-1"));
        assert_eq!(names.name("HCI-1"), "HCI-1", "names of the plan stay");
    }
}
