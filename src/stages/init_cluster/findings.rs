//! What the scanned hosts prove about the plan: PLAN-701 to PLAN-707 (planning-sheet §8.8).

use super::disks::{self, Layout, Media};
use crate::{
    plan::{
        Diagnostic, Finding, Plan, Severity,
        model::{Host, Vds},
    },
    stages::hardware::{Hardware, Nic},
};

/// Below this a storage NIC is worth a warning (bit/s).
const STORAGE_SPEED: u64 = 10_000_000_000;

/// Everything at once, in plan order; `scanned` is parallel to the plan's hosts.
pub fn findings(plan: &Plan, scanned: &[Hardware]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (host, hardware) in plan.hosts.iter().zip(scanned) {
        found.extend(nics(plan, host, hardware));
        found.extend(disks(plan, host, hardware));
        found.extend(version(plan, host, hardware));
        found.extend(serial(host, hardware));
    }
    found.extend(twin_uuids(plan, scanned));
    found.extend(mixed_media(plan, scanned));
    found.into_iter().map(Finding::diagnostic).collect()
}

fn nics(plan: &Plan, host: &Host, hardware: &Hardware) -> Vec<Finding> {
    let vds = &plan.vds;
    let all = [Some(&vds.mgmt), Some(&vds.storage), vds.backup.as_ref(), vds.business.as_ref()];
    let mut found = Vec::new();
    for switch in all.into_iter().flatten() {
        for name in &switch.nics.value {
            let storage = std::ptr::eq(switch, &vds.storage);
            match hardware.nic(name) {
                None => found.push(about("PLAN-701", switch, host, name)),
                Some(nic) if !nic.link_up => found.push(about("PLAN-705", switch, host, name)),
                Some(nic) if storage && is_slow(nic) => found.push(about("PLAN-706", switch, host, name)),
                Some(_) => {}
            }
        }
    }
    found
}

fn about(rule: &'static str, switch: &Vds, host: &Host, nic: &str) -> Finding {
    Finding::new(rule).at(&switch.nics.cell).value(nic).arg("host", &host.hostname.value)
}

fn is_slow(nic: &Nic) -> bool {
    nic.speed.is_some_and(|speed| speed < STORAGE_SPEED)
}

fn disks(plan: &Plan, host: &Host, hardware: &Hardware) -> Vec<Finding> {
    let architecture = &plan.cluster.storage_architecture;
    let about = |rule: &'static str| {
        Finding::new(rule).at(&architecture.cell).value(&architecture.raw).arg("host", &host.hostname.value)
    };
    let mut found = Vec::new();
    if hardware.disks.iter().filter(|disk| disk.function == "boot").count() != 1 {
        found.push(about("PLAN-702.boot"));
    }
    match disks::layout(hardware, architecture.value) {
        Err(media) => found.push(about("PLAN-702").arg("media", &media.name())),
        Ok(Layout { media: media @ Media::NvmeSsdHdd, .. }) => {
            found.push(about("PLAN-702.three").severity(Severity::Warning).arg("media", &media.name()));
        }
        Ok(_) => {}
    }
    found
}

/// The plan's version is free text after `版本`; case and spaces do not matter.
fn version(plan: &Plan, host: &Host, hardware: &Hardware) -> Option<Finding> {
    let planned = plan.cluster.smtx_version.as_ref()?;
    let plain = |text: &str| text.split_whitespace().collect::<String>().to_lowercase();
    let differs = plain(planned) != plain(&hardware.version);
    differs.then(|| {
        Finding::new("PLAN-703")
            .at(&planned.cell)
            .value(&planned.value)
            .arg("host", &host.hostname.value)
            .arg("found", &hardware.version)
    })
}

fn serial(host: &Host, hardware: &Hardware) -> Option<Finding> {
    let planned = host.serial.as_ref()?;
    let plain = |text: &str| text.split_whitespace().collect::<String>().to_lowercase();
    let differs = plain(planned) != plain(&hardware.serial);
    differs.then(|| {
        Finding::new("PLAN-707")
            .at(&planned.cell)
            .value(&planned.value)
            .arg("host", &host.hostname.value)
            .arg("found", &hardware.serial)
    })
}

/// Two addresses of one host, or cloned system disks: the cluster would miss a node.
fn twin_uuids(plan: &Plan, scanned: &[Hardware]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (later, hardware) in scanned.iter().enumerate() {
        let earlier = scanned[..later].iter().position(|other| other.host_uuid == hardware.host_uuid);
        let Some((host, twin)) = plan.hosts.get(later).zip(earlier.and_then(|at| plan.hosts.get(at))) else {
            continue;
        };
        found.push(
            Finding::new("PLAN-704")
                .at(&host.mgmt_ip.cell)
                .value(host.mgmt_ip.to_string())
                .related([&twin.mgmt_ip.cell])
                .arg("host", &host.hostname.value)
                .arg("uuid", &hardware.host_uuid),
        );
    }
    found
}

/// All hosts should fall into the same row of table 6.3.
fn mixed_media(plan: &Plan, scanned: &[Hardware]) -> Option<Finding> {
    let architecture = &plan.cluster.storage_architecture;
    let media = |host: &Hardware| disks::layout(host, architecture.value).ok().map(|layout| layout.media);
    let first = media(scanned.first()?)?;
    let (odd, other) =
        plan.hosts.iter().zip(scanned).find_map(|(host, hardware)| {
            Some((host, media(hardware)?)).filter(|(_, media)| *media != first)
        })?;
    Some(
        Finding::new("PLAN-702.mixed")
            .severity(Severity::Warning)
            .at(&architecture.cell)
            .value(&architecture.raw)
            .arg("host", &odd.hostname.value)
            .arg("media", &other.name())
            .arg("first", &first.name()),
    )
}
