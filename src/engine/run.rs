//! A run: selected stages, in the order of their dependencies, with everything that happens told and recorded.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use super::{
    advice::Advice,
    attempt::{Attempt, Ended},
    cancel::Cancel,
    change::change,
    clock::Clock,
    context::Context,
    corrections,
    crash::{CrashPlan, CrashPoint},
    critical::{critical_path, ways_ahead},
    event::{EventKind, Level, Outcome, PlanIdentity, RunSummary, Sink},
    expectation::{Expectation, expectation},
    facts::Facts,
    forecast::{self, Lengths},
    handle::{Circumstances, Handle, millis},
    inputs::{Inputs, SecretKey},
    journal::Journal,
    lock::Lock,
    once::once,
    outline,
    plain::{check, repeat, wait},
    question::Answerer,
    schedule::Schedule,
    select::Selection,
    service::{Service, Turn},
    settle::{self, Settle},
    stage::{Runbook, Stage, check_runbook},
    step::StepKind,
    tally::{Critical, Tally},
    verify::verify,
    window::Window,
    world::World,
};
use crate::{
    failure::{Effect, Failure, Kind, Result},
    messages::message,
};

/// What a run works with.
pub struct Setup {
    pub journal: Journal,
    /// Records secret plan fields; lies beside the journal.
    pub key: SecretKey,
    pub sinks: Vec<Rc<dyn Sink>>,
    pub answerer: Rc<dyn Answerer>,
    pub clock: Clock,
    pub cancel: Cancel,
    /// Kept alive (its heartbeat too) while the run lasts.
    pub lock: Option<Lock>,
}

/// What the operator asked for.
#[derive(Clone, Default)]
pub struct Options {
    pub selection: Selection,
    pub settle: Vec<Settle>,
    /// Finished steps (`stage.step`) to do again, because the plan was corrected.
    pub redo: Vec<String>,
    /// Rehearsals only: no two steps side by side; the runbook's own order.
    pub in_order: bool,
    pub simulated: bool,
    pub run_folder: Option<PathBuf>,
    /// Passed on to the first event.
    pub plan: Option<PlanIdentity>,
    /// When the site may be changed; `None`: at any time.
    pub window: Option<Window>,
    /// Rehearsals only.
    pub crash: CrashPlan,
    pub advice: Advice,
}

/// Runs the selected stages. Everything that happens is told to the sinks, the end too; the summary is the
/// `RunFinished` event's. Only a command line or runbook that makes no sense ends it before any event.
pub async fn run<W: World + 'static>(
    world: &W,
    stages: &[Stage<W>],
    setup: Setup,
    options: &Options,
) -> RunSummary {
    let clock = setup.clock.clone();
    let tally = Rc::new(Tally::default());
    let (context, key, lock) = Context::of(setup, options, tally.clone());
    let started = clock.elapsed();
    let (mut failure, critical) = match Runner::new(world, stages, &context, &key, options) {
        Ok(runner) => (runner.run(lock).await, runner.critical(&tally)),
        Err(failure) => (Some(failure), Critical::default()),
    };
    // A run in which the journal could not keep up did not end well, whatever its steps say.
    let broken = context.broken.borrow_mut().take();
    failure = failure.or(broken);
    let summary = tally.summary(failure, millis(clock.elapsed().saturating_sub(started)), critical);
    if let Err(failure) = context.record(EventKind::RunFinished(summary.clone())) {
        let summary = RunSummary {
            exit_code: if summary.failure.is_some() { summary.exit_code } else { failure.kind.exit_code() },
            failure: summary.failure.or(Some(failure)),
            ..summary
        };
        context.show(EventKind::RunFinished(summary.clone()));
        return summary;
    }
    summary
}

/// Everything a run needs to start any of its steps.
pub(super) struct Runner<'a, W: World> {
    pub book: Runbook<'a, W>,
    /// Per node: the operator selected its stage.
    pub selected: Vec<bool>,
    /// Per node: selected, or looked at because a selected one needs it.
    pub part: Vec<bool>,
    pub context: &'a Rc<Context>,
    world: &'a W,
    inputs: Vec<Inputs>,
    pub options: &'a Options,
    services: RefCell<HashMap<String, Arc<Service>>>,
    /// Per node: how long it should take, and the length of the longest chain that begins with it.
    pub expected: Vec<Option<Expectation>>,
    lengths: Lengths,
    ahead: Vec<Duration>,
    providers: Rc<Vec<(String, String)>>,
}

impl<'a, W: World + 'static> Runner<'a, W> {
    pub fn new(
        world: &'a W,
        stages: &'a [Stage<W>],
        context: &'a Rc<Context>,
        key: &SecretKey,
        options: &'a Options,
    ) -> Result<Self> {
        check_runbook(stages, |field| world.field(field).is_some())?;
        let book = Runbook::new(stages)?;
        let by_stage = options.selection.resolve(stages)?;
        let selected: Vec<bool> = book.nodes.iter().map(|node| by_stage[node.stage]).collect();
        // A verification looks for itself, and tells of what is not done.
        let proves = |at: &usize| matches!(book.nodes[*at].step.kind, StepKind::Verify { .. });
        let needed = book.needs_of((0..selected.len()).filter(|at| selected[*at] && !proves(at)));
        // A check of an earlier stage proves nothing that its later steps do not.
        let looked_at = |at: usize| needed[at] && !book.nodes[at].step.kind.only_reads();
        let part = (0..selected.len()).map(|at| selected[at] || looked_at(at)).collect();
        let inputs = book.nodes.iter();
        let inputs =
            inputs.map(|node| Inputs::of(&node.step.manifest.uses, key, |name| world.field(name))).collect();
        let gives = |node: &super::stage::Node<'_, W>| {
            let step = node.step.id.clone();
            node.step.manifest.gives.iter().map(|fact| (fact.clone(), step.clone())).collect::<Vec<_>>()
        };
        let providers = Rc::new(book.nodes.iter().flat_map(gives).collect());
        let state = context.journal.borrow();
        let expect = |node: &super::stage::Node<'_, W>| {
            expectation(&node.step.manifest, state.state().step(&node.step.id))
        };
        let expected: Vec<Option<Expectation>> = book.nodes.iter().map(expect).collect();
        drop(state);
        let window_lengths = Lengths::of(&book, &expected);
        let lengths: Vec<Duration> =
            expected.iter().map(|known| known.map_or(Duration::ZERO, |known| known.time)).collect();
        let ahead = ways_ahead(&book.before(), &lengths);
        let services = RefCell::default();
        let runner = Self {
            book,
            selected,
            part,
            context,
            world,
            inputs,
            options,
            services,
            expected,
            lengths: window_lengths,
            ahead,
            providers,
        };
        runner.check_names()?;
        Ok(runner)
    }

    /// Refuses step names on the command line that the runbook does not know.
    fn check_names(&self) -> Result<()> {
        let settled = self.options.settle.iter().map(|settle| settle.step.as_str());
        let redone = self.options.redo.iter().map(String::as_str);
        for name in settled.clone().chain(redone).chain(self.options.crash.step()) {
            let Some(at) = self.book.find(name) else {
                return Err(Failure::new(Kind::Usage, message("engine.select.selecting", &[]))
                    .meaning(message("engine.select.unknown-step", &[("name", &name)]))
                    .advise(message("engine.select.list", &[])));
            };
            if settled.clone().any(|step| step == name)
                && !matches!(self.book.nodes[at].step.kind, StepKind::Once { .. })
            {
                return Err(Failure::new(Kind::Usage, message("engine.settle.settling", &[("step", &name)]))
                    .meaning(message("engine.settle.not-once", &[])));
            }
        }
        Ok(())
    }

    async fn run(&self, lock: Option<Lock>) -> Option<Box<Failure>> {
        match self.begin(lock.as_ref()) {
            Ok(()) => Schedule::new(self).run(lock).await,
            Err(failure) => Some(failure),
        }
    }

    /// The longest chain of the steps, as long as they took.
    fn critical(&self, tally: &Tally) -> Critical {
        let took: Vec<Duration> = self.book.nodes.iter().map(|node| tally.took(&node.step.id)).collect();
        let (chain, length) = critical_path(&self.book.before(), &took);
        let chain = chain.into_iter().filter(|&at| !took[at].is_zero());
        Critical { steps: chain.map(|at| self.book.nodes[at].step.id.clone()).collect(), length }
    }

    /// Tells what will happen, applies the operator's word, and compares the plan with the recorded one.
    fn begin(&self, lock: Option<&Lock>) -> Result<()> {
        let torn = self.context.journal.borrow().torn();
        self.context.record(EventKind::RunStarted(outline::of_run(self, self.options)))?;
        let say = |level, text| EventKind::Note { step: String::new(), level, text };
        if let Some(bytes) = torn {
            let text = message("engine.journal.torn", &[("bytes", &bytes)]);
            self.context.record(say(Level::Warning, text))?;
        }
        if let Some(dead) = lock.and_then(Lock::inherited) {
            let args: [(&str, &dyn crate::text::Say); 3] =
                [("run", &dead.run), ("pid", &dead.pid), ("heartbeat", &dead.heartbeat)];
            // An ordinary thing after a crash, and nothing to look after.
            self.context.record(say(Level::Info, message("engine.lock.inherited", &args)))?;
        }
        for settle in &self.options.settle {
            self.settle(settle)?;
        }
        if let Some(window) = &self.context.window {
            let left = window.left(self.context.clock.date());
            let forecast = forecast::of(&self.book, &self.open(), &self.lengths, Some(left));
            self.context.record(say(Level::Info, forecast.lengths()))?;
            self.context.record(say(Level::Info, forecast.stops(&window.closes_at())))?;
        }
        corrections::admit(self.world, &self.book, &self.part, &self.inputs, &self.options.redo, self.context)
    }

    /// Per node: whether it is still to be done, as far as the journal knows.
    fn open(&self) -> Vec<bool> {
        let journal = self.context.journal.borrow();
        let ended = |id: &str| forecast::ended(journal.state().step(id));
        let nodes = self.book.nodes.iter().zip(&self.part);
        nodes.map(|(node, part)| *part && (node.step.kind.only_reads() || !ended(&node.step.id))).collect()
    }

    fn settle(&self, settle: &Settle) -> Result<()> {
        let Some(at) = self.book.find(&settle.step) else { return Ok(()) };
        let (outcome, facts) = settle::end(settle, &self.book.nodes[at].step.manifest)?;
        let step = settle.step.clone();
        let record = self.context.journal.borrow().state().step(&step).cloned();
        let taken_back = matches!(outcome, Outcome::Settled { done: false });
        let Some(record) = record.filter(|record| record.open_intent || (record.settled && taken_back))
        else {
            // The same command may be run again after it did its work.
            let text = message("engine.settle.nothing-open", &[]);
            return self.context.record(EventKind::Note { step, level: Level::Info, text });
        };
        self.context.record(EventKind::StepStarted { step: step.clone() })?;
        let end = EventKind::StepFinished { step, outcome, facts, elapsed_ms: 0 };
        // It happened with what it was begun with; the plan may have been corrected since.
        let inputs = record.inputs().unwrap_or(&self.inputs[at]).clone();
        self.context.record_with(end, Some(inputs), None)
    }

    /// The attempt at one step, as the journal stands now.
    pub fn attempt(&self, at: usize) -> Attempt<'a, W> {
        let step = self.book.nodes[at].step;
        Attempt {
            world: self.world,
            step,
            handle: Handle::new(
                step.id.clone(),
                step.manifest.clone(),
                self.context.clone(),
                self.providers.clone(),
                Circumstances {
                    dependents: self.book.dependents_of(at),
                    anew: self.options.redo.contains(&step.id),
                    begun_before: self.is_open(&step.id),
                    need: self.book.need(at, &self.part, &self.lengths),
                    turn: self.turn(at),
                    expected: self.expected[at].map(|expected| expected.time),
                },
            ),
            before: self.context.journal.borrow().state().step(&step.id).cloned(),
            inputs: self.inputs[at].clone(),
            redo: self.options.redo.contains(&step.id),
            needed_only: !self.selected[at],
            refused: Cell::new(false),
            begun: Cell::new(false),
            put_off: Cell::new(false),
        }
    }

    fn turn(&self, at: usize) -> Turn {
        let step = self.book.nodes[at].step;
        match &step.manifest.service {
            Some(name) => {
                let service = self.services.borrow_mut().entry(name.clone()).or_default().clone();
                Turn::at(service, at, self.ahead[at])
            }
            None => Turn::free(),
        }
    }

    /// Runs one step from its start to its recorded end.
    pub async fn step(&self, attempt: &Attempt<'a, W>) -> Result<()> {
        let step = &attempt.step.id;
        let started = self.context.clock.elapsed();
        let ended = match self.context.record(EventKind::StepStarted { step: step.clone() }) {
            Ok(()) => run_kind(attempt).await,
            Err(failure) => Err(failure),
        };
        attempt.ended();
        // Its own time: what it waited for its turn is another step's.
        let begun = started + attempt.handle.in_line();
        let elapsed_ms = millis(self.context.clock.elapsed().saturating_sub(begun));
        match ended {
            Ok((outcome, facts)) => {
                self.context.crash.at(step, CrashPoint::BeforeOutcome).await;
                let end = EventKind::StepFinished { step: step.clone(), outcome, facts, elapsed_ms };
                if let Err(failure) = self.context.record_with(end, Some(attempt.inputs.clone()), None) {
                    return Err(self.fail(attempt, failure, elapsed_ms));
                }
                self.context.crash.at(step, CrashPoint::AfterOutcome).await;
                Ok(())
            }
            Err(failure) if attempt.put_off.get() && !self.is_open(step) => {
                let reason = failure.meaning.clone().unwrap_or_default();
                let outcome = Outcome::NotRun { reason };
                let end =
                    EventKind::StepFinished { step: step.clone(), outcome, facts: Facts::none(), elapsed_ms };
                self.context.report(end);
                Err(failure)
            }
            Err(failure) => Err(self.fail(attempt, failure, elapsed_ms)),
        }
    }

    /// Whether the act of a step was begun and nobody knows how it ended.
    fn is_open(&self, step: &str) -> bool {
        self.context.journal.borrow().state().step(step).is_some_and(|record| record.open_intent)
    }

    /// Records a bad end. An intent stays open unless the site refused the act.
    pub fn fail(&self, attempt: &Attempt<'_, W>, mut failure: Box<Failure>, elapsed_ms: u64) -> Box<Failure> {
        let step = &attempt.step.id;
        let open = self.is_open(step);
        failure.effect = if open && !attempt.refused.get() { Effect::Unknown } else { Effect::None };
        if failure.at.is_none() {
            failure.at = Some(step.clone());
        }
        // Whoever failed knows best what to do next. Where it said nothing, the answer of the site names what is wrong.
        if failure.advice.is_empty() && !failure.kind.is_stop() && failure.kind != Kind::Bug {
            if failure.answer.is_some() {
                failure = failure.advise(message("engine.run.mend", &[]));
            }
            failure = failure.advise(self.context.advice.again.clone());
        }
        let outcome = Outcome::Failed { failure: failure.clone() };
        let end = EventKind::StepFinished { step: step.clone(), outcome, facts: Facts::none(), elapsed_ms };
        if self.context.record(end.clone()).is_err() {
            // The journal is what failed, most likely; the displays learn of the end all the same.
            self.context.show(end);
        }
        failure
    }
}

async fn run_kind<W: World>(attempt: &Attempt<'_, W>) -> Ended {
    match &attempt.step.kind {
        StepKind::Check { check: look } => check(attempt, look).await,
        StepKind::Change { probe, act, follow } => change(attempt, probe, act, follow.as_ref()).await,
        StepKind::Repeat { act } => repeat(attempt, act).await,
        StepKind::Once { probe, act, follow } => once(attempt, probe, act, follow.as_ref()).await,
        StepKind::Wait { probe } => wait(attempt, probe).await,
        StepKind::Verify { read } => verify(attempt, read).await,
    }
}
