//! Stage 07, verify: every setting that the run was to make, read back and put beside the plan.
//!
//! An area is one way to the site. Its readers are one file each: the rows as data, each with the place in an
//! answer that shows it.

mod cloudtower;
mod fisheye;
pub mod row;
pub mod ssh;
pub mod table;
mod workbook;

use super::world::World;
use crate::engine::Steps;

pub fn steps() -> Steps<World> {
    Steps::new()
        .verify("fisheye", fisheye::read)
        .verify("cloudtower", cloudtower::read)
        .verify("ssh", ssh::read)
        .verify("workbook", workbook::read)
}
