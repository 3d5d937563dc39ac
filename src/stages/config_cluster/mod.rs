//! Stage 03, config-cluster: the settings of the new cluster, in the order of api-fisheye §10.

mod business_vds;
mod cpu_model;
mod dns;
mod host_passwords;
mod ipmi;
mod ntp;
mod root_account;
mod serial;
mod tools_image;
mod vip;
mod vlans;
mod write_back;

use super::{jobs, world::World};
use crate::engine::Steps;

pub use vip::VIP;

pub fn steps() -> Steps<World> {
    Steps::new()
        .change("root-account", root_account::probe, root_account::act)
        .change_followed("vip", vip::probe, vip::act, jobs::follow)
        .repeat("dns", dns::act)
        .repeat("ntp", ntp::act)
        .repeat("ipmi", ipmi::act)
        .change_followed("business-vds", business_vds::probe, business_vds::act, jobs::follow)
        .change("vlans", vlans::probe, vlans::act)
        .change("cpu-model", cpu_model::probe, cpu_model::act)
        .repeat("tools-image", tools_image::act)
        .check("serial", serial::check)
        .change("write-back", write_back::probe, write_back::act)
        .change("host-passwords", host_passwords::probe, host_passwords::act)
}
