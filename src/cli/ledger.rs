//! What a simulated site counted, as lines: the effects a rehearsal really had.

use std::{collections::BTreeMap, fmt::Display, path::Path};

use super::media;
use crate::{
    messages::message,
    sim::{
        Ledger,
        ledger::{PackageUpload, Tally, VolumeEntry},
    },
    text::{Say, Text},
    units,
};

/// One deployment, each VLAN, every password, every upload, the VM: each with how often it happened. What was
/// reassembled is compared with the file of the same name in the `media` folder.
pub fn lines(ledger: &Ledger, media: Option<&Path>) -> Vec<Text> {
    let mut lines = vec![message("cli.ledger.head", &[("changes", &ledger.change_count())])];
    lines.push(message("cli.ledger.deployments", &[("count", &ledger.deployments.count)]));
    lines.push(message("cli.ledger.vds", &[("list", &list(&ledger.vds))]));
    lines.push(message("cli.ledger.networks", &[("list", &list(&ledger.networks))]));
    lines.push(message("cli.ledger.passwords", &[("list", &list(&ledger.password_changes))]));
    let uploads = ledger.volumes.values().filter(|volume| volume.size > 0);
    lines.extend(uploads.map(|entry| volume(entry, media)));
    lines.push(message("cli.ledger.vms", &[("list", &list(&ledger.vms))]));
    lines.push(message(
        "cli.ledger.guest",
        &[
            ("resolv", &ledger.resolv_conf_writes.count),
            ("preinstall", &ledger.preinstalls.count),
            ("installer", &ledger.installer_starts.count),
        ],
    ));
    lines.extend(tower(ledger));
    lines.extend(ledger.packages.values().map(|upload| package(upload, media)));
    lines.extend(add_ons(ledger));
    lines.push(message(
        "cli.ledger.inspection",
        &[
            ("jobs", &ledger.inspection_jobs.count),
            ("exports", &ledger.inspection_exports.count),
            ("downloads", &ledger.inspection_downloads.count),
        ],
    ));
    if !ledger.breaches.is_empty() {
        lines.push(message("cli.ledger.breaches", &[("count", &ledger.breaches.len())]));
    }
    lines
}

/// What CloudTower was told to make and to change.
fn tower(ledger: &Ledger) -> [Text; 4] {
    let graphs: u64 = ledger.graphs.values().map(|tally| tally.count).sum();
    let repeated = graphs.saturating_sub(ledger.graphs.len() as u64);
    [
        message(
            "cli.ledger.tower",
            &[
                ("users", &ledger.root_users.count),
                ("organizations", &list(&ledger.organizations)),
                ("datacenters", &list(&ledger.datacenters)),
                ("clusters", &list(&ledger.connections)),
            ],
        ),
        message(
            "cli.ledger.boards",
            &[("views", &list(&ledger.views)), ("graphs", &graphs), ("repeated", &repeated)],
        ),
        message(
            "cli.ledger.tower-settings",
            &[("policies", &ledger.settings_writes.count), ("alerts", &list(&ledger.alert_writes))],
        ),
        message(
            "cli.ledger.racks",
            &[
                ("racks", &list(&ledger.racks)),
                ("chassis", &list(&ledger.chassis)),
                ("moves", &list(&ledger.moves)),
            ],
        ),
    ]
}

/// What was made of the packages.
fn add_ons(ledger: &Ledger) -> [Text; 2] {
    [
        message(
            "cli.ledger.observability",
            &[
                ("instances", &list(&ledger.observability_instances)),
                ("clusters", &ledger.observability_clusters.count),
                ("services", &ledger.system_services.count),
                ("traffic", &ledger.traffic_writes.count),
            ],
        ),
        message(
            "cli.ledger.backup",
            &[
                ("services", &list(&ledger.backup_services)),
                ("networks", &list(&ledger.tower_networks)),
                ("clusters", &list(&ledger.backup_clusters)),
            ],
        ),
    ]
}

/// `a ×1, b ×2`; a dash for nothing.
fn list<K: Display>(tallies: &BTreeMap<K, Tally>) -> String {
    let items: Vec<String> = tallies.iter().map(|(name, tally)| format!("{name} ×{}", tally.count)).collect();
    if items.is_empty() { "-".to_owned() } else { items.join(", ") }
}

fn volume(volume: &VolumeEntry, media: Option<&Path>) -> Text {
    let digest = volume.sha256.as_deref().unwrap_or("-");
    let verdict = match (volume.deleted > 0, volume.open) {
        (true, _) => message("cli.ledger.deleted", &[]),
        (false, true) => message("cli.ledger.open", &[]),
        (false, false) => compared(digest, &volume.name, media),
    };
    upload(&volume.name, volume.size, (volume.chunks_new, volume.chunks_repeated), digest, &verdict)
}

fn package(package: &PackageUpload, media: Option<&Path>) -> Text {
    let digest = package.sha256.as_deref().unwrap_or("-");
    let verdict = match (package.cancelled, package.complete) {
        (true, _) => message("cli.ledger.deleted", &[]),
        (false, false) => message("cli.ledger.open", &[]),
        (false, true) => compared(digest, &package.name, media),
    };
    let chunks = (package.chunks_stored, package.chunks_repeated);
    upload(&package.name, package.bytes, chunks, digest, &verdict)
}

/// Whether what the site put together is the file of that name.
fn compared(digest: &str, name: &str, media: Option<&Path>) -> Text {
    match media.and_then(|folder| media::sha256(folder, name)) {
        Some(file) if file == digest => message("cli.ledger.equal", &[]),
        Some(_) => message("cli.ledger.different", &[]),
        None => message("cli.ledger.no-file", &[]),
    }
}

fn upload(name: &str, bytes: u64, (new, repeated): (u64, u64), digest: &str, verdict: &Text) -> Text {
    let size = units::bytes(bytes);
    let args: [(&str, &dyn Say); 6] = [
        ("name", &name),
        ("size", &size),
        ("new", &new),
        ("repeated", &repeated),
        ("digest", &digest),
        ("verdict", verdict),
    ];
    message("cli.ledger.volume", &args)
}
