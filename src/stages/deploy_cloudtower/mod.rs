//! Stage 04, deploy-cloudtower: from an ISO image on a laptop to a CloudTower that answers (api-fisheye §7, §8,
//! api-cloudtower §2, §3).

mod guest;
mod guest_agent;
mod guest_network;
mod image;
mod installer;
pub mod media;
mod network;
mod resolv_conf;
mod vm;
mod web;

pub use self::vm::cloudtower_answers;
use super::{jobs, world::World};
use crate::engine::Steps;

pub fn steps() -> Steps<World> {
    Steps::new()
        .check("media", media::check)
        .change("image", image::probe, image::act)
        .once_followed("vm", vm::probe, vm::act, jobs::follow)
        .wait("guest-agent", guest_agent::wait)
        .change_followed("guest-network", guest_network::probe, guest_network::act, jobs::follow)
        .change("resolv-conf", resolv_conf::probe, resolv_conf::act)
        .change_followed("installer", installer::probe, installer::act, installer::follow)
        .wait("web", web::wait)
}
