//! The engine: runs stages of steps over a world it knows nothing about, and keeps the checkpoint.
//!
//! It knows neither the plan nor HTTP. Steps say *what* (a probe, an act); the engine alone decides about
//! resuming, repeating, proving, waiting, asking and recording (DESIGN §4).

mod admission;
pub mod advice;
mod attempt;
pub mod cancel;
mod change;
pub mod clock;
mod context;
mod corrections;
pub mod crash;
mod critical;
pub mod event;
pub mod expectation;
pub mod facts;
pub mod forecast;
pub mod handle;
pub mod inputs;
pub mod journal;
pub mod lock;
pub mod manifest;
mod once;
pub mod outline;
mod plain;
pub mod platform;
pub mod question;
pub mod run;
mod schedule;
pub mod select;
mod service;
pub mod setting;
pub mod settle;
pub mod stage;
pub mod step;
pub mod survey;
mod tally;
mod verify;
mod view;
mod waiting;
pub mod window;
pub mod world;

pub use advice::{Advice, Earlier};
pub use cancel::{Cancel, Reason};
pub use clock::Clock;
pub use crash::{CrashPlan, CrashPoint};
pub use event::{Event, EventKind, Outcome};
pub use facts::{Fact, Facts};
pub use handle::Handle;
pub use inputs::SecretKey;
pub use journal::Journal;
pub use lock::Lock;
pub use manifest::{StageManifest, StepManifest};
pub use question::{Answer, Question};
pub use run::{Options, Setup, run};
pub use select::Selection;
pub use service::{Slot, Turn};
pub use settle::Settle;
pub use stage::{Stage, check_runbook};
pub use step::{ChangeProbe, Difference, OnceProbe, Sent, Steps, WaitProbe};
pub use survey::{StepState, survey};
pub use window::Window;
pub use world::{Content, FieldValue, World};

#[cfg(test)]
mod tests;
