//! What every display of a run can do.

use crate::engine::event::Sink;

/// A display of one run. It lives in the task of the run and is awaited by nobody: at the end it is closed.
pub trait Display: Sink {
    /// Says something about the run itself, above whatever is live.
    fn say(&self, line: &str);

    /// One second has passed.
    fn tick(&self) {}

    /// Leaves the terminal to a prompt until `resume`; what happens meanwhile is shown then.
    fn pause(&self) {}

    fn resume(&self) {}

    /// Leaves the terminal for good.
    fn close(&self) {}
}

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings, failures and the result.
    Quiet,
    #[default]
    Normal,
    /// Also probes, intents and what was learnt.
    Verbose,
}
