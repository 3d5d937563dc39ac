//! Outlines of the runbook: for the first event of a run, and for `stages`.

use super::{
    critical::critical_path,
    event::{RunOutline, StageOutline, StepOutline},
    handle::millis,
    run::{Options, Runner},
    stage::{Runbook, Stage},
    world::World,
};
use crate::{failure::Result, text::Text};

/// Version of the event schema; grows with every change that a reader could notice.
pub const SCHEMA: &str = "1.0";

/// The runbook as `stages` lists it.
#[derive(Clone, Debug)]
pub struct Listing {
    pub steps: Vec<StepListing>,
    /// Full ids of the chain of steps that takes longest, as far as is expected, and how long.
    pub critical: Vec<String>,
    pub length: std::time::Duration,
    /// The longest chain at a slow site.
    pub slow: std::time::Duration,
}

/// One step of it.
#[derive(Clone, Debug)]
pub struct StepListing {
    /// `stage.step`.
    pub id: String,
    pub title: Text,
    /// `check`, `change`, `repeat`, `once` or `wait`.
    pub kind: &'static str,
    /// Full ids of the steps, and whole stages, that it comes after.
    pub after: Vec<String>,
    /// Steps and whole stages that must be over first, however they ended.
    pub ends: Vec<String>,
    pub timeout: std::time::Duration,
    pub expected: Option<std::time::Duration>,
    /// Pessimistic length.
    pub slow: std::time::Duration,
    pub uses: Vec<String>,
    /// Those whose old value stays at the site when the step is done again.
    pub stays: Vec<String>,
    pub service: Option<String>,
    /// The step at whose end the site may be left alone again; its own, where nothing else is said.
    pub boundary: String,
    /// Why it can neither be taken back nor left half-way.
    pub no_return: Option<Text>,
}

/// The whole runbook in order, stage by stage.
pub fn listing<W: World + 'static>(stages: &[Stage<W>]) -> Result<Listing> {
    let book = Runbook::new(stages)?;
    let list = |node: &super::stage::Node<'_, W>| StepListing {
        id: node.step.id.clone(),
        title: node.step.manifest.title.clone(),
        kind: node.step.kind.name(),
        after: match &node.step.manifest.after {
            Some(names) => names.clone(),
            None => node.after.iter().map(|&at| book.nodes[at].step.id.clone()).collect(),
        },
        ends: node.step.manifest.ends.clone(),
        timeout: node.step.manifest.timeout,
        expected: node.step.manifest.expected,
        slow: node.step.manifest.slow(),
        boundary: node.step.manifest.boundary.clone().unwrap_or_else(|| node.step.id.clone()),
        no_return: node.step.manifest.no_return.clone(),
        uses: node.step.manifest.uses.clone(),
        stays: node.step.manifest.stays.clone(),
        service: node.step.manifest.service.clone(),
    };
    let expected: Vec<_> =
        book.nodes.iter().map(|node| node.step.manifest.expected.unwrap_or_default()).collect();
    let (critical, length) = critical_path(&book.before(), &expected);
    let slow: Vec<_> = book.nodes.iter().map(|node| node.step.manifest.slow()).collect();
    let (_, slow) = critical_path(&book.before(), &slow);
    let critical = critical.into_iter().map(|at| book.nodes[at].step.id.clone()).collect();
    Ok(Listing { steps: book.nodes.iter().map(list).collect(), critical, length, slow })
}

/// What a run is about to do: the stages and steps that take part.
pub(super) fn of_run<W: World + 'static>(runner: &Runner<'_, W>, options: &Options) -> RunOutline {
    let journal = runner.context.journal.borrow();
    let stages = runner.book.stages.iter().enumerate().filter_map(|(at, stage)| {
        let of_stage = |node: &usize| runner.book.nodes[*node].stage == at && runner.part[*node];
        let nodes: Vec<usize> = (0..runner.part.len()).filter(of_stage).collect();
        let first = *nodes.first()?;
        Some(StageOutline {
            id: stage.manifest.id.clone(),
            number: stage.manifest.number,
            title: stage.manifest.title.clone(),
            selected: runner.selected[first],
            steps: nodes.iter().map(|&node| of_step(runner, node)).collect(),
        })
    });
    RunOutline {
        schema: SCHEMA.to_owned(),
        run: journal.run().to_owned(),
        site: journal.site().to_owned(),
        simulated: options.simulated,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        run_folder: options.run_folder.clone(),
        plan: options.plan.clone(),
        stages: stages.collect(),
    }
}

fn of_step<W: World + 'static>(runner: &Runner<'_, W>, node: usize) -> StepOutline {
    let step = runner.book.nodes[node].step;
    let expected = runner.expected[node];
    StepOutline {
        id: step.id.clone(),
        title: step.manifest.title.clone(),
        expected_ms: expected.map(|expected| millis(expected.time)),
        past: expected.map_or(0, |expected| expected.seen),
        limit_ms: millis(step.manifest.timeout),
    }
}
