//! `config-cloudtower.racks`: racks and chassis as planned, and hosts in them (api-cloudtower §10). Racks and empty
//! chassis are made at once; what moves a host shifts data, and is done only where the operator says so.

use super::placement::{Move, Place, Topology, Work, chassis_for, places, work};
use crate::{
    clients::tower::{NewChassis, NewRack, Rack, TowerReader},
    engine::{ChangeProbe, Difference, Facts, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::CLUSTER,
        tasks,
        world::{World, WorldRead},
    },
};

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let places = places(&world.plan);
    if places.is_empty() {
        return Ok(ChangeProbe::NotNeeded(message("stages.racks.none", &[])));
    }
    let cluster = handle.need(&CLUSTER)?;
    let found = topology(&world.tower(handle), &cluster).await?;
    let left = work(&places, &found);
    if let Some(host) = left.unknown.first() {
        let name = &host.hostname.value;
        return Ok(ChangeProbe::Unknown(message("stages.racks.no_node", &[("host", name)])));
    }
    let moving = world.settings.move_nodes;
    Ok(if !left.makes() && left.moves() == 0 {
        ChangeProbe::Done(Facts::none())
    } else if left.makes() || moving {
        ChangeProbe::Differs(differences(&left, moving))
    } else {
        let hosts: Vec<String> =
            moves(&left).map(|one| format!("{} ({})", one.to.host.hostname.value, one.to)).collect();
        let args: [(&str, &dyn crate::text::Say); 2] =
            [("count", &hosts.len()), ("hosts", &hosts.join(", "))];
        let only = message("stages.racks.not_moved", &args);
        handle.warn(only.clone());
        ChangeProbe::NotNeeded(only)
    })
}

pub async fn topology(tower: &TowerReader, cluster: &str) -> Result<Topology> {
    Ok(Topology {
        racks: tower.racks(cluster).await?,
        chassis: tower.chassis(cluster).await?,
        nodes: tower.nodes(cluster).await?,
    })
}

fn differences(left: &Work<'_>, moving: bool) -> Vec<Difference> {
    let made = |what, planned: String, cell| Difference { what, found: "-".to_owned(), planned, cell };
    let racks = left.racks.iter().map(|(name, height)| {
        made(message("stages.racks.rack", &[("name", name)]), format!("{height}U"), None)
    });
    let chassis = left.chassis.iter().map(|place| {
        let what = message("stages.racks.chassis", &[("host", &place.host.hostname.value)]);
        made(what, place.to_string(), cell(place))
    });
    let moves = moves(left).filter(|_| moving).map(|one| Difference {
        what: message("stages.racks.host", &[("host", &one.to.host.hostname.value)]),
        found: one.from.clone(),
        planned: one.to.to_string(),
        cell: cell(&one.to),
    });
    racks.chain(chassis).chain(moves).collect()
}

fn moves<'a>(left: &'a Work<'a>) -> impl Iterator<Item = &'a Move<'a>> {
    left.chassis_moves.iter().chain(&left.node_moves)
}

fn cell(place: &Place<'_>) -> Option<String> {
    place.host.rack_u_start.as_ref().map(|start| start.cell.to_string())
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let cluster = handle.need(&CLUSTER)?;
    let tower = world.tower(handle);
    let places = places(world.plan());
    let left = work(&places, &topology(&tower, &cluster).await?);
    if !left.racks.is_empty() {
        let zone = tower.zones(&cluster).await?.into_iter().next().ok_or_else(|| lacking(handle))?;
        let new: Vec<NewRack<'_>> = left
            .racks
            .iter()
            .map(|(name, height)| NewRack {
                name,
                height: *height,
                cluster_id: &cluster,
                zone_topo_id: &zone.id,
            })
            .collect();
        let begun = tower.create_racks(&new).await?;
        tasks::finish(world.read(), handle, &begun).await?;
    }
    let racks = tower.racks(&cluster).await?;
    if !left.chassis.is_empty() {
        let new: Result<Vec<NewChassis<'_>>> = left
            .chassis
            .iter()
            .map(|place| {
                Ok(NewChassis {
                    name: &place.host.hostname.value,
                    height: place.height,
                    position: place.position,
                    cluster: &cluster,
                    rack: rack_of(place, &racks).ok_or_else(|| lacking(handle))?,
                })
            })
            .collect();
        let begun = tower.create_chassis(&new?).await?;
        tasks::finish(world.read(), handle, &begun).await?;
    }
    if !world.read().settings.move_nodes {
        return Ok(());
    }
    for Move { id, to, .. } in &left.chassis_moves {
        let rack = rack_of(to, &racks).ok_or_else(|| lacking(handle))?;
        let begun = tower.move_chassis(id, rack, to.position).await?;
        tasks::finish(world.read(), handle, &begun).await?;
    }
    if left.node_moves.is_empty() {
        return Ok(());
    }
    let chassis = tower.chassis(&cluster).await?;
    let moves: Result<Vec<(&str, &str)>> = left
        .node_moves
        .iter()
        .map(|Move { id, to, .. }| {
            let into = chassis_for(to, &chassis).ok_or_else(|| lacking(handle))?;
            Ok((id.as_str(), into.id.as_str()))
        })
        .collect();
    let begun = tower.move_nodes(&moves?).await?;
    tasks::finish(world.read(), handle, &begun).await
}

fn rack_of<'a>(place: &Place<'_>, racks: &'a [Rack]) -> Option<&'a str> {
    racks.iter().find(|rack| rack.name == place.rack).map(|rack| rack.id.as_str())
}

/// What was made a moment ago is not listed.
fn lacking(handle: &Handle) -> Box<Failure> {
    Failure::new(Kind::Site, handle.manifest().title.clone())
        .meaning(message("stages.racks.lacking", &[]))
        .advise(message("stages.task.advice", &[]))
        .answer_lost()
}
