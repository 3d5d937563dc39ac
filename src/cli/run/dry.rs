//! `run --dry-run`: rehearses the plan at full speed on a twin in this process and lists every request that would
//! change something. Nothing is contacted and nothing is kept.

use std::{path::Path, rc::Rc, time::Duration};

use serde_json::{Value, json};

use super::{Cluster, asked::Asked, names::Names, unattended};
use crate::{
    cli::{
        Ended, cells, media,
        plan::Loaded,
        reach::Reach,
        session::Session,
        site_folder::{Identity, SiteFolder},
        world::{self, Kept},
    },
    clients::{
        limits::Limits,
        trust::InMemory,
        wire::{Memory, Record},
    },
    engine::{
        self, Journal, Stage, World as _,
        forecast::{Course, Forecast, forecast},
        journal::FileStorage,
    },
    failure::{Failure, Result},
    messages::message,
    plan::Plan,
    stages::world::World,
    text::Text,
};

/// As fast as the engine's shortest wait allows.
const FULL_SPEED: f64 = 2000.0;

/// One line of the list: a request, or a series that differs in nothing but its chunk.
struct Line {
    step: String,
    record: Record,
    times: usize,
}

pub async fn run(cluster: &Cluster<'_>, asked: Asked, loaded: Loaded) -> Result<Ended> {
    let Cluster { session, options, config, stages, .. } = *cluster;
    let twin = options.twin.options(FULL_SPEED, ([127, 0, 0, 1], 0).into())?;
    // The twin is in this process: what it does not answer within a second is silent.
    let silent_probe = config.limits.silent_probe.min(Duration::from_secs(1));
    let reach = Reach::twin(&loaded.plan, twin, Limits { silent_probe, ..config.limits }).await?;
    let rest = rest(cluster, &asked, &loaded.plan)?;
    let given = media::folder(options.site.media.as_deref(), config);
    // Without media a stand-in lies in memory where the system has a place for that, and is gone afterwards.
    let stand_in = if given.is_none() { Some(scratch()?) } else { None };
    if let Some(folder) = &stand_in {
        media::stand_in(folder.path(), &loaded.plan)?;
    }
    let media = given.or_else(|| stand_in.as_ref().map(|folder| folder.path().to_owned()));
    let redactor = world::redactor(&loaded.plan, &reach);
    let requests = Memory::default();
    let transfers = cluster.transfers.clone();
    let kept = Kept { media, transfers, workbook: None, run_folder: None, site_folder: None, papers: None };
    let world = world::build(loaded, config, &reach, InMemory, requests.clone(), redactor, kept)?;

    let names = Rc::new(Names::of(world.plan()));
    let journal = Journal::in_memory("dry-run", "dry-run")?;
    let setup = unattended(session, journal, reach.speed(), true, vec![names.clone()]);
    let end = engine::run(&world, stages, setup, &asked.options(true, None, None)?).await;
    reach.close().await;

    let lines = lines(requests.records(), stages);
    if session.json() {
        let records: Vec<Value> = lines.iter().map(|line| record(line, &names, &world, stages)).collect();
        session.print_json(&json!({
            "schema": "1.0",
            "complete": end.exit_code == 0,
            "requests": records,
            "rest": told(&rest.0),
        }));
    } else {
        show(session, &lines, &names, &world, stages);
        let (forecast, end) = &rest;
        let stops = end.as_ref().map(|end| forecast.stops(end));
        for said in std::iter::once(forecast.lengths()).chain(stops) {
            session.screen.line(&session.screen.wrapped(session.screen.say(&said), 0));
        }
    }
    match end.failure {
        Some(failure) => Err(failure),
        None => Ok(Ended::Run(end.exit_code)),
    }
}

/// How long the rest takes at the site as an earlier run left it, and where the window would stop it: its end.
fn rest(cluster: &Cluster<'_>, asked: &Asked, plan: &Plan) -> Result<(Forecast, Option<Text>)> {
    let Cluster { options, stages, .. } = *cluster;
    let scheduled = options.window.resolve(true, 1.0)?;
    let identity = Identity::of(plan, None);
    let journal = match SiteFolder::find(&options.site.artifacts(cluster.plan, false), &identity)? {
        Some(site) => Journal::snapshot(Box::new(FileStorage::new(site.journal())), &site.key, "dry-run")?,
        None => Journal::in_memory(&identity.key(), "dry-run")?,
    };
    let left = scheduled.window.as_ref().map(|window| window.left(scheduled.dates.now()));
    let forecast = forecast(stages, &asked.selection, &journal, left)?;
    Ok((forecast, scheduled.window.map(|window| window.closes_at())))
}

fn told(forecast: &Forecast) -> Value {
    let course = |course: &Course| {
        let stop = course.stop.as_ref();
        json!({"length_ms": course.length.as_millis() as u64, "stops_before": stop.map(|stop| &stop.step)})
    };
    json!({"usual": course(&forecast.usual), "slow": course(&forecast.slow)})
}

fn scratch() -> Result<tempfile::TempDir> {
    let (memory, usual) = (Path::new("/dev/shm"), std::env::temp_dir());
    let folder = if memory.is_dir() { memory } else { &usual };
    tempfile::tempdir_in(folder)
        .map_err(|error| Failure::on_disk(message("cli.media.stand-in", &[]), folder.display(), &error))
}

/// The changing requests, step by step in the order of the runbook; those of a step that differ in their chunk only are
/// one line. Which of two steps side by side sends first is chance, and says nothing.
fn lines(records: Vec<Record>, stages: &[Stage<World>]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for record in records.into_iter().filter(|record| record.changes) {
        let step = record.step.clone().unwrap_or_default();
        let same = |line: &&mut Line| line.step == step && line.record.operation == record.operation;
        match lines.iter_mut().rev().find(same).filter(|_| is_chunk(&record)) {
            Some(series) => series.times += 1,
            None => lines.push(Line { step, record, times: 1 }),
        }
    }
    let manifests = stages.iter().map(|stage| &stage.manifest);
    let steps =
        manifests.flat_map(|stage| stage.steps.iter().map(move |step| format!("{}.{}", stage.id, step.id)));
    let order: Vec<String> = steps.collect();
    lines.sort_by_key(|line| order.iter().position(|step| *step == line.step));
    lines
}

fn is_chunk(record: &Record) -> bool {
    record.path.contains("chunk_num=")
        || record.request.as_ref().is_some_and(|body| body.contains("chunk of "))
}

fn show(session: &Session, lines: &[Line], names: &Names, world: &World, stages: &[Stage<World>]) {
    let screen = &session.screen;
    let outline = names.outline();
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
        screen.line(&format!("  {method} {address} {}{times}", names.path(path)));
        if let Some(body) = &line.record.request {
            screen.line(&format!("    {}", screen.wrapped(&names.body(body), 4)));
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
        "path": names.path(&line.record.path),
        "body": line.record.request.as_ref().map(|body| names.body(body)),
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
