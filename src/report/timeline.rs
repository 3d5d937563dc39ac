//! When which step ran: bars over the time in which somebody was at work, run after run.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::fold::Logged;
use crate::{
    engine::event::{EventKind, Outcome, StageOutline},
    text::Text,
};

/// The axis is labelled at its beginning and after each of so many equal parts.
pub const TICKS: u8 = 6;

/// All bars over one axis. The time between two runs is left out of it.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Length of the axis, site time.
    pub length: Duration,
    /// Where each run begins on the axis.
    pub runs: Vec<(String, Duration)>,
    pub lanes: Vec<Lane>,
}

/// A stage, or a step of it.
#[derive(Clone, Debug)]
pub struct Lane {
    pub title: Text,
    pub is_stage: bool,
    pub bars: Vec<Bar>,
}

#[derive(Clone, Debug)]
pub struct Bar {
    /// On the axis, site time.
    pub start: Duration,
    pub end: Duration,
    pub shade: Shade,
    /// When it began, for people.
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shade {
    Stage,
    /// Looked, and found nothing to do.
    Looked,
    /// Acted, or waited for what an act brings.
    Worked,
    Failed,
    /// Nothing tells how it ended.
    Open,
}

/// One run's place on the axis.
struct Stretch {
    run: String,
    from: Timestamp,
    /// The axis before it, in real time.
    before: Duration,
    length: Duration,
}

pub fn of(log: &[Logged], runbook: &[StageOutline], simulated: bool) -> Timeline {
    let stretches = stretches(log);
    let speed = if simulated { speed(log) } else { 1.0 };
    let place = |run: &str, at: Timestamp| {
        let stretch = stretches.iter().find(|stretch| stretch.run == run);
        let (before, from) = stretch.map_or((Duration::ZERO, at), |stretch| (stretch.before, stretch.from));
        (before + since(from, at)).mul_f64(speed)
    };
    let mut open: BTreeMap<&str, (&str, Timestamp)> = BTreeMap::new();
    let mut bars: BTreeMap<&str, Vec<Bar>> = BTreeMap::new();
    for Logged { run, event } in log {
        match &event.kind {
            EventKind::StepStarted { step } => drop(open.insert(step, (run, event.at))),
            EventKind::StepFinished { step, outcome, .. } => {
                let Some((_, at)) = open.remove(step.as_str()) else { continue };
                let shade = shade(outcome);
                let bar = Bar { start: place(run, at), end: place(run, event.at), shade, at };
                bars.entry(step).or_default().push(bar);
            }
            _ => {}
        }
    }
    for (step, (run, at)) in open {
        let last = log.iter().rfind(|line| line.run == run).map_or(at, |line| line.event.at);
        let bar = Bar { start: place(run, at), end: place(run, last), shade: Shade::Open, at };
        bars.entry(step).or_default().push(bar);
    }
    let real: Duration = stretches.iter().map(|stretch| stretch.length).sum();
    Timeline {
        length: real.mul_f64(speed),
        runs: stretches.iter().map(|stretch| (stretch.run.clone(), stretch.before.mul_f64(speed))).collect(),
        lanes: runbook.iter().flat_map(|stage| lanes(stage, &mut bars)).collect(),
    }
}

/// A stage's lane and those of its steps; none of a stage that never ran.
fn lanes(stage: &StageOutline, bars: &mut BTreeMap<&str, Vec<Bar>>) -> Vec<Lane> {
    let steps: Vec<Lane> = stage
        .steps
        .iter()
        .filter_map(|step| {
            let bars = bars.remove(step.id.as_str())?;
            Some(Lane { title: step.title.clone(), is_stage: false, bars })
        })
        .collect();
    let all = || steps.iter().flat_map(|lane| &lane.bars);
    let Some(first) = all().min_by_key(|bar| bar.start) else { return Vec::new() };
    let end = all().map(|bar| bar.end).max().unwrap_or(first.end);
    let whole = Bar { start: first.start, end, shade: Shade::Stage, at: first.at };
    let title = format!("{:02} ", stage.number);
    let title = Text::new(title.clone() + &stage.title.zh, title + &stage.title.en);
    std::iter::once(Lane { title, is_stage: true, bars: vec![whole] }).chain(steps).collect()
}

fn shade(outcome: &Outcome) -> Shade {
    match outcome {
        Outcome::Failed { .. } => Shade::Failed,
        Outcome::Changed | Outcome::Sent | Outcome::Ready | Outcome::Settled { .. } => Shade::Worked,
        _ => Shade::Looked,
    }
}

fn stretches(log: &[Logged]) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for Logged { run, event } in log {
        match all.last_mut() {
            Some(last) if last.run == *run => last.length = last.length.max(since(last.from, event.at)),
            _ => {
                let before = all.iter().map(|stretch| stretch.length).sum();
                all.push(Stretch { run: run.clone(), from: event.at, before, length: Duration::ZERO });
            }
        }
    }
    all
}

/// How much faster than the wall clock the rehearsal's time ran, from the steps that say how long they took.
fn speed(log: &[Logged]) -> f64 {
    let mut began: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let (mut site, mut real) = (0.0, 0.0);
    for Logged { event, .. } in log {
        match &event.kind {
            EventKind::StepStarted { step } => drop(began.insert(step, event.at)),
            EventKind::StepFinished { step, elapsed_ms, .. } => {
                let Some(at) = began.remove(step.as_str()) else { continue };
                site += *elapsed_ms as f64 / 1000.0;
                real += since(at, event.at).as_secs_f64();
            }
            _ => {}
        }
    }
    if real > 0.0 && site > real { site / real } else { 1.0 }
}

/// Zero when the clock was set back meanwhile.
fn since(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
