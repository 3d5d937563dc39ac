//! `deploy-backup.settings`: the service as CloudTower shows it, beside what was planned.

use std::collections::BTreeMap;

use super::{
    cluster::CONNECTED,
    network::{Management, NETWORK, StorageIp, storage_switch},
    not_planned,
    package::PACKAGE,
    service::pick,
};
use crate::{
    clients::tower::{BackupService, RunningService, TowerReader, Vlan},
    engine::{event::Setting, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        editions,
        facts::CLUSTER,
        verify::{
            row::{Row, Wanted},
            table::{Table, unanswered},
        },
        vm_networks,
        world::WorldRead,
    },
    text::Text,
};

const SERVICE_STEP: &str = "deploy-backup.service";

/// A row of the service's own answer.
type Shown<'a> = Wanted<'a, Option<BackupService>>;

pub async fn read(world: &WorldRead, handle: &Handle) -> Result<Vec<Setting>> {
    let mut table = Table::default();
    let Some(management) = Management::of(&world.plan)? else {
        table.not_planned(Row::blank("backup.ip"), not_planned());
        return Ok(table.into_settings(handle));
    };
    let tower = world.tower(handle);
    let cluster = handle.need(&CLUSTER)?;
    let name = &world.services.backup.service_name;
    storage_network(world, &tower, &cluster, &mut table).await?;
    let networks = match networks(world, &tower, &cluster, &management).await {
        Ok(networks) => networks,
        Err(failure) => {
            table.close(unanswered(failure)?);
            Networks::default()
        }
    };
    let ip = management.ip.value;
    let rows = rows(world, &management, &networks, &cluster)?;
    let question = async { Ok(pick(tower.backup_services(name, ip).await?, name, &ip.to_string())) };
    let service = table.ask(rows, question, || tower.last_read()).await?.flatten();
    let id = service.map(|service| service.id).unwrap_or_default();
    let rows = vec![package(handle), association(world, &cluster)];
    table.ask(rows, tower.backup_service(&id), || tower.last_read()).await?;
    Ok(table.into_settings(handle))
}

/// The VM networks of the cluster by their ids, and the one that the management leg belongs in.
#[derive(Default)]
struct Networks {
    names: BTreeMap<String, String>,
    management: String,
}

impl Networks {
    fn name(&self, id: &str) -> Option<String> {
        self.names.get(id).cloned().or_else(|| Some(id.to_owned()).filter(|id| !id.is_empty()))
    }
}

async fn networks(
    world: &WorldRead,
    tower: &TowerReader,
    cluster: &str,
    management: &Management<'_>,
) -> Result<Networks> {
    let ours = vm_networks::find(&world.plan, tower, cluster, management.row).await?;
    let listed = tower.vlans(cluster).await?;
    let names = listed.into_iter().map(|vlan| (vlan.id, vlan.name)).collect();
    Ok(Networks { names, management: ours.name })
}

async fn storage_network(
    world: &WorldRead,
    tower: &TowerReader,
    cluster: &str,
    table: &mut Table,
) -> Result<()> {
    let planned = &world.plan.networks.storage.vlan_id;
    let row = Row::at("backup.storage_vlan", &planned.cell, &planned.value)
        .titled(message("stages.backup.storage_vlan", &[("name", &NETWORK)]))
        .made_by("deploy-backup.storage-network")
        .shown(|found: &Vec<Vlan>| Some(found.first()?.vlan_id.to_string()));
    let question = async {
        let vdses = tower.vdses(cluster).await?;
        tower.vlans_on(&storage_switch(&world.plan, &vdses)?.id, NETWORK).await
    };
    table.ask(vec![row], question, || tower.last_read()).await?;
    Ok(())
}

fn rows<'a>(
    world: &'a WorldRead,
    management: &Management<'_>,
    networks: &'a Networks,
    cluster: &'a str,
) -> Result<Vec<Shown<'a>>> {
    let Management { ip, row } = management;
    let storage_ip = StorageIp::of(&world.plan, ip.value, world.services.backup.storage_ip)?.address();
    let storage = &world.plan.networks.storage.subnet;
    let mask = row.subnet.value.netmask();
    let own = |key: &str, title: Text, planned: &dyn ToString| {
        Row::derived(format!("backup.{key}"), title, planned.to_string()).made_by(SERVICE_STEP)
    };
    Ok(vec![
        shown(own("name", message("stages.backup.name", &[]), &world.services.backup.service_name), |one| {
            Some(one.name.clone())
        }),
        shown(own("status", message("stages.backup.status", &[]), &"RUNNING"), |one| {
            Some(one.status.to_string())
        }),
        shown(Row::of("backup.ip", ip).made_by(SERVICE_STEP), |one| text(&one.management_network_ip)),
        shown(
            Row::at("backup.mask", &row.subnet.cell, &mask)
                .titled(message("stages.backup.mask", &[]))
                .made_by(SERVICE_STEP),
            |one| text(&one.management_network_subnet_mask),
        ),
        shown(
            Row::at("backup.gateway", &row.gateway.cell, &row.gateway.value)
                .titled(message("stages.backup.gateway", &[]))
                .made_by(SERVICE_STEP),
            |one| text(&one.management_network_gateway),
        ),
        shown(own("network", message("stages.backup.network", &[]), &networks.management), |one| {
            networks.name(&one.management_network_vlan)
        }),
        shown(own("storage_type", message("stages.backup.storage_type", &[]), &"NEW_NIC"), |one| {
            text(&one.storage_network_type)
        }),
        shown(own("storage_ip", message("stages.backup.storage_address", &[]), &storage_ip), |one| {
            text(&one.storage_network_ip)
        }),
        shown(
            Row::at("backup.storage_mask", &storage.cell, &storage.value.netmask())
                .titled(message("stages.backup.storage_mask", &[]))
                .made_by(SERVICE_STEP),
            |one| text(&one.storage_network_subnet_mask),
        ),
        shown(own("storage_network", message("stages.backup.storage_network", &[]), &NETWORK), |one| {
            networks.name(&one.storage_network_vlan)
        }),
        shown(own("backup_type", message("stages.backup.backup_type", &[]), &"MANAGEMENT"), |one| {
            text(&one.backup_network_type)
        }),
        shown(own("backup_ip", message("stages.backup.backup_address", &[]), &ip.value), |one| {
            text(&one.backup_network_ip)
        }),
        shown(own("backup_mask", message("stages.backup.backup_mask", &[]), &mask), |one| {
            text(&one.backup_network_subnet_mask)
        }),
        shown(
            own("backup_gateway", message("stages.backup.backup_gateway", &[]), &row.gateway.value),
            |one| text(&one.backup_network_gateway),
        ),
        shown(
            own("backup_network", message("stages.backup.backup_network", &[]), &networks.management),
            |one| networks.name(&one.backup_network_vlan),
        ),
        shown(own("connected", message("stages.backup.connected", &[]), &CONNECTED), move |one| {
            let leg = one.network_status.iter().find(|status| status.cluster == cluster);
            leg.and_then(|leg| text(&leg.status))
        }),
    ])
}

fn shown<'a>(row: Row, find: impl Fn(&BackupService) -> Option<String> + 'a) -> Shown<'a> {
    row.shown(move |service: &Option<BackupService>| find(service.as_ref()?))
}

fn text(found: &str) -> Option<String> {
    Some(found.to_owned()).filter(|found| !found.is_empty())
}

/// The version that the run has put there, or found; by number, because spellings differ.
fn package<'a>(handle: &Handle) -> Wanted<'a, Option<RunningService>> {
    let planned = handle.fact(&PACKAGE).map(|package| package.version).unwrap_or_default();
    let row = Row::derived("backup.package", message("stages.backup.package", &[]), &planned);
    row.made_by(SERVICE_STEP).shown(move |service: &Option<RunningService>| {
        let version = &service.as_ref()?.application.as_ref()?.package.as_ref()?.version;
        let same = editions::compare(version, &planned).is_eq();
        Some(if same { planned.clone() } else { version.clone() })
    })
}

fn association<'a>(world: &'a WorldRead, cluster: &'a str) -> Wanted<'a, Option<RunningService>> {
    let row = Row::of("backup.cluster", &world.plan.cluster.name)
        .titled(message("stages.backup.association", &[]))
        .made_by("deploy-backup.cluster");
    row.shown(move |service: &Option<RunningService>| {
        let found = service.as_ref()?.backup_clusters.iter().find(|one| one.id == cluster)?;
        Some(if found.name.is_empty() { world.plan.cluster.name.value.clone() } else { found.name.clone() })
    })
}
