//! Stage 02, init-cluster: scans the hosts, judges their disks, deploys once and follows to the verdict.

mod deploy;
mod disks;
mod findings;
mod follow;
mod host_ip;
mod layout;
mod payload;
mod question;
mod scan;
#[cfg(test)]
mod tests;

use super::world::World;
use crate::engine::Steps;

pub fn steps() -> Steps<World> {
    Steps::new().check("scan", scan::check).check("layout", layout::check).once_followed(
        "deploy",
        deploy::probe,
        deploy::act,
        follow::follow,
    )
}
