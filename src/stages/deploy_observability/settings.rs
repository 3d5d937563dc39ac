//! `deploy-observability.settings`: what CloudTower and the guest show of Observability, beside the plan.

use super::{
    dns::wanted,
    found::{Found, INSTANCE, find, planned},
    guest, media,
    package::PACKAGE,
    system_service::KIND,
};
use crate::{
    clients::tower::{Instance, InstancePackage, Observability, TowerReader, Vlan},
    engine::{event::Setting, handle::Handle},
    failure::Result,
    messages::message,
    plan::model::RoutedNetwork,
    stages::{
        facts::CLUSTER,
        verify::{
            row::{Row, Wanted},
            ssh::resolver,
            table::Table,
        },
        vm_networks,
        world::WorldRead,
    },
};

const MADE_BY: &str = "deploy-observability.instance";

type Rows<'a> = Vec<Wanted<'a, Observability>>;

pub async fn read(world: &WorldRead, handle: &Handle) -> Result<Vec<Setting>> {
    let mut table = Table::default();
    if let Err(why) = planned(&world.plan) {
        table.not_planned(Row::blank("observability.ip"), why);
        return Ok(table.into_settings(handle));
    }
    let tower = world.tower(handle);
    let all = version(world, handle, &tower, &mut table).await?;
    name(world, handle, &tower, &mut table).await?;
    let mut rows = machine(world, handle);
    rows.extend(associations(world, handle, &mut table));
    table.ask(rows, tower.observability(), || tower.last_read()).await?;
    network(world, handle, &tower, all.as_ref(), &mut table).await?;
    resolver(world, handle, &mut table).await?;
    unreadable(world, &mut table);
    Ok(table.into_settings(handle))
}

/// The one that the run made or found, whatever it has become since.
fn ours(world: &WorldRead, handle: &Handle, all: &Observability) -> Option<Instance> {
    let known = handle.fact(&INSTANCE);
    if let Some(known) = all.instances.iter().find(|one| known.as_ref() == Some(&one.id)) {
        return Some(known.clone());
    }
    match find(&world.plan, handle, all) {
        Found::Ours(instance) => Some(*instance),
        Found::Nothing | Found::Other(_) => None,
    }
}

fn shown<'a>(
    world: &'a WorldRead,
    handle: &'a Handle,
    row: Row,
    show: impl Fn(&Instance) -> Option<String> + 'a,
) -> Wanted<'a, Observability> {
    row.shown(move |all: &Observability| show(&ours(world, handle, all)?).filter(|found| !found.is_empty()))
}

/// `1.4.2` is planned, CloudTower adds the release. The media decide what is sent.
async fn version(
    world: &WorldRead,
    handle: &Handle,
    tower: &TowerReader,
    table: &mut Table,
) -> Result<Option<Observability>> {
    let bare = |version: &str| version.trim_start_matches(['v', 'V']).to_owned();
    let sent = handle.fact(&PACKAGE).map(|package| bare(&package.version));
    let row = match (&world.plan.observability.version, &sent) {
        (Some(planned), _) => Row::at("observability.version", &planned.cell, &bare(&planned.value)),
        (None, sent) => Row::blank("observability.version").planned_as(sent.as_deref().unwrap_or_default()),
    };
    let row = row.made_by(MADE_BY).beginning();
    let rows = vec![shown(world, handle, row, move |found| {
        found.bundle_application_package.as_ref().map(|package| bare(&package.version))
    })];
    let all = table.ask(rows, tower.observability(), || tower.last_read()).await?;
    let found = all.as_ref().and_then(|all| ours(world, handle, all)?.bundle_application_package);
    let of_media = |package: &InstancePackage| match media::file(world, &package.arch) {
        Ok(Some(file)) => media::server_version(&file) == package.version,
        Ok(None) | Err(_) => false,
    };
    if found.as_ref().is_some_and(of_media) {
        table.keep_last(message("stages.verify.media_version", &[]));
    }
    Ok(all)
}

/// One that was there already keeps its name.
async fn name(world: &WorldRead, handle: &Handle, tower: &TowerReader, table: &mut Table) -> Result<()> {
    let row = Row::of("observability.vm_name", &world.plan.observability.vm_name).made_by(MADE_BY);
    let rows = vec![shown(world, handle, row.ignoring_case(), |found| Some(found.name.clone()))];
    table.ask(rows, tower.observability(), || tower.last_read()).await?;
    if !handle.acted(MADE_BY) {
        table.keep_last(message("stages.observability.other_name", &[]));
    }
    Ok(())
}

fn machine<'a>(world: &'a WorldRead, handle: &'a Handle) -> Rows<'a> {
    const RUNNING: &str = "deploy-observability.running";
    let status = Row::derived("observability.status", message("stages.observability.status", &[]), "SUCCESS");
    let vm = Row::derived("observability.vm", message("stages.observability.vm", &[]), "RUNNING");
    let mut rows = vec![
        shown(world, handle, status.made_by(RUNNING), |found| Some(found.status.clone())),
        shown(world, handle, vm.made_by(RUNNING), |found| {
            Some(crate::stages::verify::row::set(found.vms().map(|vm| &vm.status)))
        }),
    ];
    let Some(ip) = &world.plan.observability.ip else { return rows };
    rows.push(shown(world, handle, Row::of("observability.ip", ip).made_by(MADE_BY), |found| {
        Some(found.ip().to_owned())
    }));
    if let Some(RoutedNetwork { subnet, gateway, .. }) = vm_networks::row(&world.plan, ip.value) {
        let mask = Row::at("observability.netmask", &subnet.cell, &subnet.value.netmask());
        let mask = mask.titled(message("stages.observability.netmask", &[])).made_by(MADE_BY);
        rows.push(shown(world, handle, mask, |found| Some(found.vm_spec.as_ref()?.subnet_mask.clone())));
        let gateway = Row::at("observability.gateway", &gateway.cell, &gateway.value);
        let gateway = gateway.titled(message("stages.observability.gateway", &[])).made_by(MADE_BY);
        rows.push(shown(world, handle, gateway, |found| Some(found.vm_spec.as_ref()?.gateway.clone())));
    }
    rows
}

fn associations<'a>(world: &'a WorldRead, handle: &'a Handle, table: &mut Table) -> Rows<'a> {
    let id = handle.fact(&CLUSTER).unwrap_or_default();
    let cluster = &world.plan.cluster.name;
    let row = Row::at("observability.cluster", &cluster.cell, &cluster.value);
    let row = row.titled(message("stages.observability.association", &[]));
    let of_cluster = id.clone();
    let associated = shown(world, handle, row.made_by("deploy-observability.cluster"), move |found| {
        let entry = found.connected(&of_cluster)?;
        entry.observability_connected_cluster.as_ref()?;
        entry.cluster.as_ref().map(|cluster| cluster.name.clone())
    });
    let title = message("stages.observability.service", &[]);
    let row = Row::derived("observability.system_service", title, KIND);
    let service = shown(world, handle, row.made_by("deploy-observability.system-service"), |found| {
        let known = found.connected_system_services.iter().find(|service| service.kind == KIND);
        known.map(|service| service.kind.clone())
    });
    let title = message("stages.observability.traffic_what", &[]);
    let row = Row::derived("observability.traffic", title, true).made_by("deploy-observability.traffic");
    if !world.services.obs.traffic_visualization {
        table.not_planned(row, message("stages.observability.traffic_off", &[]));
        return vec![associated, service];
    }
    let traffic = shown(world, handle, row, move |found| {
        let association = found.connected(&id)?.observability_connected_cluster.as_ref()?;
        Some(association.traffic_enabled.to_string())
    });
    vec![associated, service, traffic]
}

/// CloudTower tells an id; the name stands in its list of networks.
async fn network(
    world: &WorldRead,
    handle: &Handle,
    tower: &TowerReader,
    all: Option<&Observability>,
    table: &mut Table,
) -> Result<()> {
    let Some(row) =
        world.plan.observability.ip.as_ref().and_then(|ip| vm_networks::row(&world.plan, ip.value))
    else {
        return Ok(());
    };
    let cluster = handle.fact(&CLUSTER).unwrap_or_default();
    let wanted = match vm_networks::find(&world.plan, tower, &cluster, row).await {
        Ok(vlan) => vlan.name,
        Err(_) => row.name.value.clone(),
    };
    let setting = Row::at("observability.network", &row.name.cell, &wanted);
    let setting = setting.titled(message("stages.observability.network", &[])).made_by(MADE_BY);
    let id = all.and_then(|all| ours(world, handle, all)?.vm_spec).map(|spec| spec.vlan_id);
    let wanted = setting.shown(move |vlans: &Vec<Vlan>| {
        let id = id.as_ref()?;
        Some(vlans.iter().find(|vlan| vlan.id == *id)?.name.clone())
    });
    table.ask(vec![wanted], tower.vlans(&cluster), || tower.last_read()).await?;
    Ok(())
}

async fn resolver(world: &WorldRead, handle: &Handle, table: &mut Table) -> Result<()> {
    let title = message("stages.observability.dns_what", &[]);
    let (Some(first), Some(ip)) = (world.plan.dns.servers.first(), &world.plan.observability.ip) else {
        table.not_planned(Row::derived("observability.dns", title, ""), message("stages.dns.none", &[]));
        return Ok(());
    };
    let row = Row::at("observability.dns", &first.cell, &wanted(&world.plan).join(", "));
    let row = row.titled(title).made_by("deploy-observability.dns");
    resolver::show(table, row, guest::look(world, handle, ip.value).await).await
}

/// What no known call reads: its NTP servers, and its serial (api-applications §§2.9, 2.10).
fn unreadable(world: &WorldRead, table: &mut Table) {
    let title = message("stages.observability.ntp_what", &[]);
    match world.plan.ntp.servers.first() {
        None => {
            table.not_planned(Row::derived("observability.ntp", title, ""), message("stages.ntp.none", &[]))
        }
        Some(first) => {
            let all = world.plan.ntp.servers.iter().map(|server| server.value.as_str()).collect::<Vec<_>>();
            let row = Row::at("observability.ntp", &first.cell, &all.join(", ")).titled(title);
            let why = message("stages.observability.ntp_unreadable", &[]);
            table.unreadable(row.made_by("deploy-observability.ntp"), why);
        }
    }
    table.unreadable(Row::blank("observability.serial"), message("stages.observability.no_serial", &[]));
}
