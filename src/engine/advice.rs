//! How to go on, in the words of whoever started the run: the engine knows steps, not command lines.

use crate::{messages::message, text::Text};

/// What a failure of the engine's own advises.
#[derive(Clone, Debug)]
pub struct Advice {
    /// After a stop or a failure that the same command overcomes.
    pub again: Text,
    pub earlier: Earlier,
}

/// How to run an earlier stage that is lacking; commands are literal.
#[derive(Clone, Debug)]
pub enum Earlier {
    /// This command, with the stage named.
    Alone(String),
    /// The site does not outlast the run: this command runs everything from the start.
    FromTheStart(String),
}

impl Default for Advice {
    fn default() -> Self {
        let again = message("engine.stop.go-on", &[]);
        Self { again, earlier: Earlier::Alone("voyager run".to_owned()) }
    }
}

impl Earlier {
    /// What to do where `stage` (its id) is lacking.
    pub fn advice(&self, stage: &str) -> Text {
        match self {
            Self::Alone(command) => {
                message("engine.lacking.run-stage", &[("command", command), ("stage", &stage)])
            }
            Self::FromTheStart(command) => message("engine.lacking.from-start", &[("command", command)]),
        }
    }
}
