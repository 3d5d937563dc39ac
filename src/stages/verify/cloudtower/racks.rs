//! Where the hosts stand (api-cloudtower §10).

use crate::{
    clients::tower::TowerReader,
    failure::Result,
    messages::message,
    stages::{
        config_cloudtower::{
            placement::{Place, Topology, places, work},
            topology,
        },
        verify::{
            row::{Row, Wanted},
            table::Table,
        },
        world::WorldRead,
    },
};

pub async fn read(world: &WorldRead, tower: &TowerReader, cluster: &str, table: &mut Table) -> Result<()> {
    let places = places(&world.plan);
    if places.is_empty() {
        table.not_planned(Row::blank("hosts[].rack"), message("stages.racks.none", &[]));
        return Ok(());
    }
    let rows = places.iter().map(place).collect();
    table.ask(rows, topology(tower, cluster), || tower.last_read()).await?;
    Ok(())
}

fn place<'a>(place: &'a Place<'a>) -> Wanted<'a, Topology> {
    let key = format!("hosts[{}].rack", place.host.index);
    let row = match &place.host.rack_u_start {
        Some(start) => Row::at(key, &start.cell, place),
        None => Row::derived(key, message("stages.verify.place", &[]), place),
    };
    let row = row.titled(message("stages.verify.place", &[])).whose(&place.host.hostname.value);
    row.made_by("config-cloudtower.racks").shown(|found: &Topology| {
        let left = work(&[*place], found);
        let moves = left.chassis_moves.iter().chain(&left.node_moves).next();
        match moves {
            Some(one) => Some(one.from.clone()).filter(|from| from != "-"),
            None => (left.unknown.is_empty() && !left.makes()).then(|| place.to_string()),
        }
    })
}
