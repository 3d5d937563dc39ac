//! A run: selected stages, in the order of their dependencies, with everything that happens told and recorded.

use std::{path::PathBuf, rc::Rc};

use super::{
    cancel::Cancel,
    clock::Clock,
    crash::CrashPlan,
    event::{RunSummary, Sink},
    inputs::SecretKey,
    journal::Journal,
    question::Answerer,
    select::Selection,
    settle::Settle,
    stage::Stage,
    world::World,
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
    pub lock: Option<super::lock::Lock>,
}

/// What the operator asked for.
#[derive(Clone, Default)]
pub struct Options {
    pub selection: Selection,
    pub settle: Vec<Settle>,
    /// Finished steps (`stage.step`) to do again, because the plan was corrected.
    pub redo: Vec<String>,
    pub simulated: bool,
    pub run_folder: Option<PathBuf>,
    /// Rehearsals only.
    pub crash: CrashPlan,
}

/// Runs the selected stages. Everything that happens is told to the sinks, the end too; the summary is the
/// `RunFinished` event's.
pub async fn run<W: World + 'static>(
    world: &W,
    stages: &[Stage<W>],
    setup: Setup,
    options: &Options,
) -> RunSummary {
    let _ = (world, stages, setup, options);
    RunSummary {
        exit_code: 1,
        changed: 0,
        already_done: 0,
        sent: 0,
        skipped: 0,
        warnings: 0,
        failure: None,
        elapsed_ms: 0,
    }
}
