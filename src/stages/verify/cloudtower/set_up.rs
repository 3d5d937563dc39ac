//! Organization, datacenter, NTP of CloudTower itself, and its licence (api-cloudtower §3, §4).

use crate::{
    clients::tower::{Datacenter, Licence, Organization, TowerReader},
    engine::handle::Handle,
    failure::Result,
    messages::message,
    stages::{
        facts::TOWER_SERIAL,
        verify::{
            row::{Row, set},
            table::Table,
        },
        world::WorldRead,
    },
};

pub async fn read(world: &WorldRead, handle: &Handle, tower: &TowerReader, table: &mut Table) -> Result<()> {
    organization(world, handle, tower, table).await?;
    let name = &world.plan.project.datacenter_name;
    let row = Row::of("project.datacenter_name", name).made_by("attach-cluster.datacenter");
    let row = row.shown(|all: &Vec<Datacenter>| all.first().map(|one| one.name.clone()));
    table.ask(vec![row], tower.datacenters(&name.value), || tower.last_read()).await?;
    match world.plan.ntp.servers.first() {
        Some(first) => {
            let planned = set(world.plan.ntp.servers.iter().map(|server| server.value.to_lowercase()));
            let title = message("stages.tower.ntp_what", &[]);
            let row = Row::at("cloudtower.ntp", &first.cell, &planned).titled(title);
            let row = row.made_by("deploy-cloudtower.tower-ntp").shown(|servers: &Vec<String>| {
                let servers = set(servers.iter().map(|server| server.to_lowercase()));
                Some(servers).filter(|servers| !servers.is_empty())
            });
            table.ask(vec![row], tower.ntp_servers(), || tower.last_read()).await?;
        }
        None => {
            let row = Row::derived("cloudtower.ntp", message("stages.tower.ntp_what", &[]), "");
            table.not_planned(row, message("stages.ntp.none", &[]));
        }
    }
    licence(world, handle, tower, table).await
}

const ORGANIZATION: &str = "deploy-cloudtower.organization";

/// An organization that was there already is kept, whatever its name (site-behaviour §10 ORG-OTHER).
async fn organization(
    world: &WorldRead,
    handle: &Handle,
    tower: &TowerReader,
    table: &mut Table,
) -> Result<()> {
    let planned = &world.plan.project.customer_name;
    let title = message("stages.verify.organization", &[]);
    let row = Row::of("project.customer_name", planned).titled(title);
    let row = row.made_by(ORGANIZATION).shown(|all: &Vec<Organization>| {
        let named = all.iter().find(|one| one.name == planned.value);
        named.or_else(|| all.first()).map(|one| one.name.clone())
    });
    table.ask(vec![row], tower.organizations(), || tower.last_read()).await?;
    if !handle.acted(ORGANIZATION) {
        table.keep_last(message("stages.verify.other_organization", &[]));
    }
    Ok(())
}

async fn licence(world: &WorldRead, handle: &Handle, tower: &TowerReader, table: &mut Table) -> Result<()> {
    let row = || Row::derived("cloudtower.licence", message("stages.tower.serial_what", &[]), "");
    let held = world.plan.cloudtower.serial.as_ref().map(|serial| serial.value.clone());
    match handle.fact(&TOWER_SERIAL).or(held) {
        Some(serial) => {
            let row = row().planned_as(&serial).ignoring_case();
            let row = row.shown(|licence: &Option<Licence>| Some(licence.as_ref()?.serial.clone()));
            table.ask(vec![row], tower.licence(), || tower.last_read()).await?;
        }
        None => table.unread([row()], &message("stages.verify.no_serial", &[])),
    }
    Ok(())
}
