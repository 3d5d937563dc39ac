//! Stage 01, prepare: looks at the plan, the media and the site, and changes nothing.

mod clock;
mod media;
mod plan;
mod report;
mod site;
mod targets;

use super::world::World;
use crate::engine::Steps;

pub fn steps() -> Steps<World> {
    Steps::new().check("plan", plan::check).check("media", media::check).check("site", site::check)
}
