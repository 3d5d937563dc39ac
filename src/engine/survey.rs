//! A survey: every probe, no act. What `diff` shows.

use std::rc::Rc;

use super::{
    context::Context,
    event::{Agreement, EventKind, Outcome, Setting, Verdict},
    facts::Facts,
    outline,
    run::{Options, Runner, Setup},
    stage::{Stage, Step},
    step::{Difference, StepKind},
    tally::{Critical, Tally},
    verify,
    view::View,
    world::World,
};
use crate::{
    failure::{Failure, Result},
    messages::message,
    text::Text,
};

/// What the survey saw of one step.
#[derive(Clone, Debug)]
pub struct StepState {
    /// `stage.step`.
    pub step: String,
    pub title: Text,
    /// `None`: not looked at (a check, or a step without a probe); the reason tells.
    pub verdict: Option<Verdict>,
    pub differences: Vec<Difference>,
    pub reason: Option<Text>,
    /// What a verification read back.
    pub settings: Vec<Setting>,
    /// Why it could not be looked at; the survey goes on.
    pub failure: Option<Box<Failure>>,
}

/// Probes every selected step that has a probe, in order; not those that come after a `once` step that is unproved:
/// what they would look at is not there, and looking for it takes its time. Give it a journal in memory (`Journal::snapshot`):
/// facts that one probe finds serve the next. An error: the survey itself could not go on.
pub async fn survey<W: World + 'static>(
    world: &W,
    stages: &[Stage<W>],
    setup: Setup,
    options: &Options,
) -> Result<Vec<StepState>> {
    let tally = Rc::new(Tally::default());
    let clock = setup.clock.clone();
    let started = clock.elapsed();
    // Its own lock, if any, is held to the end.
    let (context, key, _lock) = Context::of(setup, options, tally.clone());
    let runner = Runner::new(world, stages, &context, &key, options)?;
    context.record(EventKind::RunStarted(outline::of_run(&runner, options)))?;
    let mut seen = Vec::new();
    // Steps that make what later ones work on, and that nothing shows to have happened.
    let mut missing: Vec<usize> = Vec::new();
    for at in (0..runner.selected.len()).filter(|&at| runner.selected[at]) {
        let needed = runner.book.needs_of([at]);
        let state = match missing.iter().find(|&&before| needed[before]) {
            Some(&before) => {
                let title = &runner.book.nodes[before].step.manifest.title;
                let step = runner.book.nodes[at].step;
                StepState {
                    reason: Some(message("engine.survey.rests-on", &[("step", title)])),
                    ..unseen(step)
                }
            }
            None => look(&runner, at).await?,
        };
        if state.verdict == Some(Verdict::Unproved) {
            missing.push(at);
        }
        seen.push(state);
    }
    let elapsed = super::handle::millis(clock.elapsed().saturating_sub(started));
    context.record(EventKind::RunFinished(tally.summary(None, elapsed, Critical::default())))?;
    Ok(seen)
}

fn unseen<W: World>(step: &Step<W>) -> StepState {
    StepState {
        step: step.id.clone(),
        title: step.manifest.title.clone(),
        verdict: None,
        differences: Vec::new(),
        reason: None,
        settings: Vec::new(),
        failure: None,
    }
}

async fn look<W: World + 'static>(runner: &Runner<'_, W>, at: usize) -> Result<StepState> {
    let context = runner.context;
    let step = runner.book.nodes[at].step;
    let mut state = unseen(step);
    if let StepKind::Verify { read } = &step.kind {
        context.record(EventKind::StepStarted { step: step.id.clone() })?;
        let attempt = runner.attempt(at);
        match verify::read_once(&attempt, read).await {
            Ok(settings) => {
                verify::tell(&attempt, &settings)?;
                (state.verdict, state.settings) = (Some(overall(&settings)), settings);
            }
            Err(failure) if failure.kind.is_stop() => return Err(failure),
            Err(failure) => (state.verdict, state.failure) = (Some(Verdict::Unknown), Some(failure)),
        }
        context.record(not_run(&step.id, message("engine.survey.only", &[])))?;
        return Ok(state);
    }
    let Some(probe) = step.kind.probe() else {
        let sent = context.journal.borrow().state().step(&step.id).and_then(|record| record.finished.clone());
        state.reason = Some(match (step.kind.acts(), sent) {
            (false, _) => message("engine.survey.check", &[]),
            (true, Some(_)) => message("engine.survey.sent", &[]),
            (true, None) => message("engine.survey.unsent", &[]),
        });
        return Ok(state);
    };
    context.record(EventKind::StepStarted { step: step.id.clone() })?;
    let attempt = runner.attempt(at);
    let end = match attempt.survey(&probe).await {
        Ok(view) => {
            let View { verdict, facts, differences, reason } = view;
            (state.verdict, state.differences, state.reason) = (verdict, differences, reason);
            if verdict == Some(Verdict::Done) {
                let step = step.id.clone();
                EventKind::StepFinished { step, outcome: Outcome::AlreadyDone, facts, elapsed_ms: 0 }
            } else {
                let reason = message("engine.survey.only", &[]);
                not_run(&step.id, reason)
            }
        }
        Err(failure) if failure.kind.is_stop() => return Err(failure),
        Err(failure) => {
            state.verdict = Some(Verdict::Unknown);
            state.failure = Some(failure);
            not_run(&step.id, message("engine.survey.only", &[]))
        }
    };
    context.record(end)?;
    Ok(state)
}

/// What the rows of a verification come to.
fn overall(settings: &[Setting]) -> Verdict {
    let any = |wanted: &[Agreement]| settings.iter().any(|row| wanted.contains(&row.verdict));
    if any(&[Agreement::Differs, Agreement::Missing]) {
        Verdict::Differs
    } else if any(&[Agreement::Unread]) {
        Verdict::Unknown
    } else {
        Verdict::Done
    }
}

fn not_run(step: &str, reason: Text) -> EventKind {
    let outcome = Outcome::NotRun { reason };
    EventKind::StepFinished { step: step.to_owned(), outcome, facts: Facts::none(), elapsed_ms: 0 }
}
