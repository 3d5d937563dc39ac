//! Stage 04, deploy-cloudtower: from an ISO image on a laptop to a CloudTower that answers (api-fisheye §7, §8,
//! api-cloudtower §2, §3).

mod account;
pub(super) mod guest;
mod guest_agent;
mod guest_network;
pub(super) mod image;
mod installer;
mod licence;
pub mod media;
mod network;
mod organization;
pub(super) mod resolv_conf;
mod tower_ntp;
mod vm;
mod web;
mod write_back;

pub use self::vm::cloudtower_answers;
use super::{jobs, patience::patient, world::World};
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
        .change("account", patient(account::probe), account::act)
        .change("organization", patient(organization::probe), organization::act)
        .change("tower-ntp", patient(tower_ntp::probe), tower_ntp::act)
        .check("licence", licence::check)
        .change("write-back", patient(write_back::probe), write_back::act)
}
