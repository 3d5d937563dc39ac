//! `init-cluster.scan`: every planned host, side by side. A missing host stops the run: fewer hosts than
//! planned are never deployed.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::{
    clients::fisheye::{self, Reader, Verdict},
    engine::{Facts, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::model::Host,
    stages::{
        facts::{HOSTS, lines, reason},
        hardware::{Disk, Hardware, Nic},
        init_cluster::host_ip::NEIGHBOURS,
        world::WorldRead,
    },
    text::Text,
    units,
};

/// Between two attempts (api-fisheye §3.1).
const PAUSE: Duration = Duration::from_secs(1);

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    let cluster = world.cluster(handle);
    // A host that is deployed, or just being deployed, may refuse the scan (site-behaviour §3.1, §3.2); the
    // journal knows what it was.
    if let Some(hosts) =
        handle.fact(&HOSTS).filter(|hosts: &Vec<Hardware>| hosts.len() == world.plan.hosts.len())
        && (handle.under_way() || matches!(cluster.deploy_verify().await?, Verdict::Deployed))
    {
        handle.note(message("stages.scan.known", &[("count", &hosts.len())]));
        return Ok(Facts::none().with(&HOSTS, &hosts));
    }
    let hosts = scan(world, handle, &cluster).await?;
    let facts = neighbours(handle, &cluster, &hosts).await;
    Ok(facts.with(&HOSTS, &hosts))
}

/// All hosts in plan order; each result is told when it arrives, all failures together at the end.
async fn scan(world: &WorldRead, handle: &Handle, cluster: &Reader) -> Result<Vec<Hardware>> {
    let mut awaited: Vec<&Host> = world.plan.hosts.iter().collect();
    handle.waits_for(awaiting(&awaited));
    let mut scans = stream::iter(world.plan.hosts.iter())
        .map(|host| async move { (host, scan_host(world, handle, cluster, host).await) })
        .buffer_unordered(world.settings.parallel_hosts.max(1));
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    while let Some((host, result)) = scans.next().await {
        awaited.retain(|other| other.index != host.index);
        if !awaited.is_empty() {
            handle.waits_for(awaiting(&awaited));
        }
        match result {
            Ok(hardware) => {
                handle.note(told(host, &hardware));
                found.push((host.index, hardware));
            }
            Err(why) => {
                let (name, address) = (&host.hostname.value, &host.mgmt_ip.value);
                let args: [(&str, &dyn crate::text::Say); 4] =
                    [("host", name), ("address", address), ("cell", &host.mgmt_ip.cell), ("why", &why)];
                missing.push((host.index, message("stages.scan.missing", &args)));
            }
        }
    }
    if missing.is_empty() {
        found.sort_by_key(|(index, _)| *index);
        return Ok(found.into_iter().map(|(_, hardware)| hardware).collect());
    }
    missing.sort_by_key(|(index, _)| *index);
    let missing: Vec<Text> = missing.into_iter().map(|(_, text)| text).collect();
    let doing =
        message("stages.scan.doing", &[("count", &missing.len()), ("total", &world.plan.hosts.len())]);
    Err(Failure::new(Kind::Site, doing)
        .answer(lines(&missing))
        .meaning(message("stages.scan.nothing_deployed", &[]))
        .advise(message("stages.scan.advice", &[])))
}

/// The hosts that have not answered yet.
fn awaiting(hosts: &[&Host]) -> Text {
    let places = hosts.iter().map(|host| format!("{} {}", host.hostname.value, host.mgmt_ip.value));
    let places = places.collect::<Vec<_>>().join(", ");
    message("stages.scan.awaited", &[("count", &hosts.len()), ("hosts", &places)])
}

/// A few attempts within the scan limit each.
async fn scan_host(
    world: &WorldRead,
    handle: &Handle,
    cluster: &Reader,
    host: &Host,
) -> Result<Hardware, Text> {
    let limit = world.settings.scan;
    let mut last = Text::default();
    for attempt in 0..world.settings.scan_attempts.max(1) {
        if attempt > 0 {
            handle.clock().sleep(PAUSE).await;
        }
        last = match handle.clock().within(limit, cluster.scan_host(host.mgmt_ip.value)).await {
            Some(Ok(scanned)) => return hardware(scanned).map_err(incomplete),
            Some(Err(failure)) => reason(&failure),
            None => message("stages.scan.silent", &[("limit", &units::duration(limit))]),
        };
    }
    Err(last)
}

fn incomplete(field: &str) -> Text {
    message("stages.scan.incomplete", &[("field", &field)])
}

/// The fields that later steps need, or the name of the first that is missing or odd (api-fisheye §3.1).
fn hardware(host: fisheye::Host) -> Result<Hardware, &'static str> {
    if host.host_uuid.len() < 32 {
        return Err("host_uuid");
    }
    if host.nics.is_empty() || host.nics.iter().any(|nic| nic.name.is_empty() || nic.hwaddr.is_empty()) {
        return Err("ifaces");
    }
    let sound = |disk: &fisheye::Disk| !disk.drive.is_empty() && disk.size > 0 && disk.medium().is_some();
    if host.disks.is_empty() || !host.disks.iter().all(sound) {
        return Err("disks");
    }
    let nics = host.nics.into_iter().map(|nic| Nic {
        name: nic.name,
        ipv4: nic.ipv4,
        ipv6: nic.ipv6,
        link_up: nic.physical_link_up,
        speed: nic.speed,
    });
    let disks = host.disks.into_iter().map(|disk| Disk {
        drive: disk.drive,
        function: disk.function,
        model: disk.model,
        serial: disk.serial,
        size: disk.size,
        kind: disk.kind.to_ascii_uppercase(),
    });
    Ok(Hardware {
        host_uuid: host.host_uuid,
        serial: host.sn,
        version: format!("{}{}", host.version, host.patch_version),
        arch: host.arch,
        nics: nics.collect(),
        disks: disks.collect(),
    })
}

fn told(host: &Host, hardware: &Hardware) -> Text {
    let (name, version, disks) = (&host.hostname.value, &hardware.version, hardware.disks.len());
    message("stages.scan.found", &[("host", name), ("version", version), ("disks", &disks)])
}

/// What the first host sees on its own network: a better source of addresses, and a sight of strangers. The call
/// finds nothing in many layouts (api-fisheye §3.2), so a failure of it is no more than that.
async fn neighbours(handle: &Handle, cluster: &Reader, hosts: &[Hardware]) -> Facts {
    let seen = match cluster.scan_cluster().await {
        Ok(seen) => seen,
        Err(failure) => {
            handle.note(message("stages.scan.no_neighbours", &[("why", &reason(&failure))]));
            return Facts::none();
        }
    };
    for stranger in seen.iter().filter(|seen| !hosts.iter().any(|host| host.host_uuid == seen.host_uuid)) {
        let args: [(&str, &dyn crate::text::Say); 2] =
            [("name", &stranger.hostname), ("serial", &stranger.sn)];
        handle.warn(message("stages.scan.stranger", &args));
    }
    let known = seen.into_iter().filter(|seen| seen.host_ip.contains('%'));
    Facts::none().with(&NEIGHBOURS, &known.map(|seen| (seen.host_uuid, seen.host_ip)).collect())
}
