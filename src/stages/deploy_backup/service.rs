//! `deploy-backup.service`: the service, made exactly once (api-applications §3.5).

use futures_util::future::join_all;

use super::{
    SERVICE,
    network::{Management, StorageIp, storage_leg},
    not_planned,
    package::PACKAGE,
    storage_network::STORAGE_NETWORK,
};
use crate::{
    clients::{
        dial::Endpoint,
        probe::Reach,
        tower::{BackupService, Leg, NewBackupService, ServiceStatus, TowerReader, application_name},
    },
    engine::{ChangeProbe, Fact, Facts, World as _, handle::Handle},
    failure::{Effect, Failure, Kind, Result},
    messages::message,
    stages::{
        facts::CLUSTER,
        vm_networks,
        world::{World, WorldRead},
    },
    text::{Say, Text},
};

/// Tasks that had installed a service of this name before ours was made.
pub const EARLIER: Fact<Vec<String>> = Fact::new("backup_earlier_tasks");

/// What CloudTower calls the task that installs the service (§3.6).
pub fn installation(name: &str) -> String {
    format!("Install Application {}", application_name(name))
}

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let Some(management) = Management::of(&world.plan)? else {
        return Ok(ChangeProbe::NotNeeded(not_planned()));
    };
    let settings = &world.services.backup;
    // Told before anything is made, and in a dry run.
    StorageIp::of(&world.plan, management.ip.value, settings.storage_ip)?;
    if let Some(service) = find(world, &world.tower(handle)).await? {
        if service.management_network_ip != management.ip.value.to_string() {
            let args: [(&str, &dyn Say); 4] = [
                ("name", &service.name),
                ("found", &service.management_network_ip),
                ("planned", &management.ip.value),
                ("cell", &management.ip.cell),
            ];
            handle.warn(message("stages.backup.other_address", &args));
        }
        if matches!(service.status, ServiceStatus::Bad(_)) {
            return Err(failed(handle, &service.name, &service.status));
        }
        let facts = Facts::none().with(&SERVICE, &service.id);
        return Ok(ChangeProbe::Done(match handle.remembered(&EARLIER) {
            Some(earlier) => facts.with(&EARLIER, &earlier),
            None => facts,
        }));
    }
    if !handle.begun()
        && let Some(stranger) = stranger(world, &management).await
    {
        return Ok(ChangeProbe::Conflict(stranger));
    }
    Ok(ChangeProbe::Absent)
}

/// The service with the planned address, else the one with its name.
pub async fn find(world: &WorldRead, tower: &TowerReader) -> Result<Option<BackupService>> {
    let Some(ip) = &world.plan.backup.ip else { return Ok(None) };
    let name = &world.services.backup.service_name;
    Ok(pick(tower.backup_services(name, ip.value).await?, name, &ip.value.to_string()))
}

/// The service that is meant, of those that have the name or the address.
pub fn pick(mut listed: Vec<BackupService>, name: &str, ip: &str) -> Option<BackupService> {
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    let at = listed.iter().position(|one| one.management_network_ip == ip);
    let at = at.or_else(|| listed.iter().position(|one| one.name == name));
    at.map(|at| listed.swap_remove(at))
}

/// An installation that ended badly is for the operator to look at: nothing is removed by itself.
pub fn failed(handle: &Handle, name: &str, status: &ServiceStatus) -> Box<Failure> {
    Failure::new(Kind::Site, handle.manifest().title.clone())
        .at(name)
        .answer(Text::same(status))
        .meaning(message("stages.backup.failed", &[("name", &name)]))
        .advise(message("stages.backup.failed_advice", &[("name", &name)]))
}

/// Nothing of ours stands there yet, so that nobody may answer at its address.
async fn stranger(world: &WorldRead, management: &Management<'_>) -> Option<Text> {
    let ip = management.ip;
    let reach = join_all([443, 22].map(|port| world.dialler.probe(Endpoint::new(ip.value, port)))).await;
    let args: [(&str, &dyn Say); 2] = [("address", &ip.value), ("cell", &ip.cell)];
    reach.iter().any(Reach::occupied).then(|| message("stages.backup.address_taken", &args))
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let plan = world.plan();
    let Some(Management { ip, row }) = Management::of(plan)? else { return Ok(()) };
    let settings = &world.read().services.backup;
    let storage = StorageIp::of(plan, ip.value, settings.storage_ip)?;
    let (package, cluster) = (handle.need(&PACKAGE)?, handle.need(&CLUSTER)?);
    let storage_network = handle.need(&STORAGE_NETWORK)?;
    let tower = world.tower(handle);
    let network = vm_networks::find(plan, &tower, &cluster, row).await?.id;
    if matches!(storage, StorageIp::Derived(_)) {
        let args: [(&str, &dyn Say); 2] =
            [("address", &storage.address()), ("network", &plan.networks.storage.subnet.value.trunc())];
        handle.note(message("stages.backup.derived", &args));
    }
    let new = NewBackupService {
        name: &settings.service_name,
        package: &package.id,
        cluster: &cluster,
        management: Leg {
            ip: ip.value,
            mask: row.subnet.value.netmask(),
            gateway: row.gateway.value,
            network,
        },
        storage: storage_leg(plan, storage, storage_network),
    };
    if handle.remembered(&EARLIER).is_none() {
        let known = tower.tasks_described(&[&installation(&settings.service_name)], None).await?;
        handle.remember(&EARLIER, &known.into_iter().map(|task| task.id).collect())?;
    }
    let made = tower.create_backup_service(&new).await;
    if made.as_ref().is_err_and(|failure| failure.effect == Effect::None) {
        handle.forget_remembered()?;
    }
    made.map(drop)
}
