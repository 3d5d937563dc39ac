//! What a simulated site counted, as lines: the effects a rehearsal really had.

use std::collections::BTreeMap;

use crate::{
    messages::message,
    sim::{
        Ledger,
        ledger::{Tally, VolumeEntry},
    },
    text::Text,
    units,
};

/// One deployment, each VLAN, every password, every upload: each with how often it happened.
pub fn lines(ledger: &Ledger) -> Vec<Text> {
    let mut lines = vec![message("cli.ledger.head", &[("changes", &ledger.change_count())])];
    lines.push(message("cli.ledger.deployments", &[("count", &ledger.deployments.count)]));
    lines.push(message("cli.ledger.vds", &[("list", &list(&ledger.vds))]));
    lines.push(message("cli.ledger.networks", &[("list", &list(&ledger.networks))]));
    lines.push(message("cli.ledger.passwords", &[("list", &list(&ledger.password_changes))]));
    lines.extend(ledger.volumes.values().filter(|volume| volume.size > 0).map(volume));
    if !ledger.breaches.is_empty() {
        lines.push(message("cli.ledger.breaches", &[("count", &ledger.breaches.len())]));
    }
    lines
}

/// `a ×1, b ×2`; a dash for nothing.
fn list(tallies: &BTreeMap<String, Tally>) -> String {
    let items: Vec<String> = tallies.iter().map(|(name, tally)| format!("{name} ×{}", tally.count)).collect();
    if items.is_empty() { "-".to_owned() } else { items.join(", ") }
}

fn volume(volume: &VolumeEntry) -> Text {
    let digest = volume.sha256.as_deref().unwrap_or("-");
    message(
        "cli.ledger.volume",
        &[
            ("name", &volume.name),
            ("size", &units::bytes(volume.size)),
            ("new", &volume.chunks_new),
            ("repeated", &volume.chunks_repeated),
            ("digest", &digest),
        ],
    )
}
