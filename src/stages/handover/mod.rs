//! Stage 14, handover: the acceptance pack of the run, written into its folder and read back.
//!
//! What the papers say is made elsewhere, from the log; this stage knows them by a trait and sees to it that they lie
//! where they should. They change nothing at the site, so the step is a check: it passes when they are there.

mod pack;

pub use pack::{Paper, Papers, keep};

use super::world::World;
use crate::engine::Steps;

/// The step that writes the papers: they tell of everything before it.
pub const PACK: &str = "handover.pack";

pub fn steps() -> Steps<World> {
    Steps::new().check("pack", pack::check)
}
