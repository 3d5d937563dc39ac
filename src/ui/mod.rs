//! What the operator sees: displays of events, prompts for questions, tables and failures.
//!
//! Displays consume events and write to any `Write`, so that each can be tested without a terminal. Nothing
//! here knows a stage, a client or a plan.

pub mod bars;
pub mod columns;
pub mod display;
pub mod failure;
pub mod fleet;
pub mod lines;
pub mod live;
pub mod ndjson;
pub mod outline;
pub mod progress;
pub mod prompts;
pub mod screen;
pub mod sentences;
pub mod settings;
pub mod summary;
pub mod table;
pub mod told;
pub mod typing;

#[cfg(test)]
pub(crate) mod testing;

pub use display::{Display, Verbosity};
pub use screen::Screen;
