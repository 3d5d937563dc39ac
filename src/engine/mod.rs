//! The engine: runs stages of steps over a world it knows nothing about, and keeps the checkpoint.
//!
//! It knows neither the plan nor HTTP. Steps say *what* (a probe, an act); the engine alone decides about
//! resuming, repeating, proving, waiting, asking and recording (DESIGN §4).

pub mod event;
pub mod facts;
pub mod handle;
pub mod manifest;
pub mod question;
pub mod step;
pub mod world;

pub use event::{Event, EventKind, Outcome};
pub use facts::{Fact, Facts};
pub use manifest::{StageManifest, StepManifest};
pub use question::{Answer, Question};
pub use step::{ChangeProbe, Difference, OnceProbe, Sent, Steps, WaitProbe};
pub use world::{Content, FieldValue, World};
