//! The rules of planning-sheet §8 that look at more than one cell, one file per group.

use super::{CheckOptions, diagnostic::Finding, draft::Draft, reading::Reading};

mod addresses;
mod cluster;
mod components;
pub mod file;
mod hosts;
mod networks;
mod racks;
mod services;
mod switches;

/// Runs every rule over the draft.
pub fn check(draft: &Draft, reading: &Reading<'_>, options: &CheckOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    hosts::check(draft, reading, &mut findings);
    addresses::check(draft, &mut findings);
    networks::check(draft, &mut findings);
    switches::check(draft, reading, &mut findings);
    cluster::check(draft, &mut findings);
    components::check(draft, options, reading, &mut findings);
    services::check(draft, reading, &mut findings);
    racks::check(draft, &mut findings);
    findings
}
