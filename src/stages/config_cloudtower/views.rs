//! `config-cloudtower.views`: the monitoring views, each once (api-cloudtower §6).

use super::dashboards::{Dashboard, Dashboards, dashboards};
use crate::{
    clients::tower::{NewView, View},
    engine::{ChangeProbe, Difference, Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::CLUSTER,
        tasks,
        world::{World, WorldRead},
    },
};

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let found = world.views(handle).await?;
    let wanted = dashboards()?;
    if let Some(view) =
        wanted.views.iter().filter_map(|view| of(view, &found)).find(|view| view.busy.is_some())
    {
        return Ok(ChangeProbe::Unknown(message("stages.boards.busy", &[("name", &view.name)])));
    }
    let missing = missing(&wanted, &found);
    Ok(match missing.len() {
        0 => ChangeProbe::Done(Facts::none()),
        all if all == wanted.views.len() => ChangeProbe::Absent,
        _ => ChangeProbe::Differs(missing.into_iter().map(difference).collect()),
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let cluster = handle.need(&CLUSTER)?;
    let tower = world.tower(handle);
    let wanted = dashboards()?;
    let found = tower.views(&cluster).await?;
    let new: Vec<NewView<'_>> = missing(&wanted, &found)
        .into_iter()
        .map(|view| NewView {
            name: &view.name,
            cluster_id: &cluster,
            time_unit: &wanted.time_unit,
            time_span: wanted.time_span,
        })
        .collect();
    tasks::remember(handle, &tower.create_views(&new).await?)
}

fn missing<'a>(wanted: &'a Dashboards, found: &[View]) -> Vec<&'a Dashboard> {
    wanted.views.iter().filter(|view| of(view, found).is_none()).collect()
}

/// The view of that name; of twins the oldest, because ids grow.
pub fn of<'a>(wanted: &Dashboard, found: &'a [View]) -> Option<&'a View> {
    found.iter().filter(|view| view.name == wanted.name).min_by(|a, b| a.id.cmp(&b.id))
}

fn difference(view: &Dashboard) -> Difference {
    Difference {
        what: message("stages.boards.view", &[]),
        found: "-".to_owned(),
        planned: view.name.clone(),
        cell: None,
    }
}
