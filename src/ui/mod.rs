//! What the operator sees: displays of events, prompts for questions, tables and failures.
//!
//! Displays consume events and write to any `Write`, so that each can be tested without a terminal. Nothing
//! here knows a stage, a client or a plan.

pub mod columns;
pub mod failure;
pub mod screen;
pub mod table;

pub use screen::Screen;
