//! `config-cloudtower.graphs`: the graphs of the monitoring views, each once (api-cloudtower §6). Titles are free
//! text, so a graph is known by its metric.

use super::{
    dashboards::{Dashboard, Dashboards, Panel, Resource, dashboards},
    views,
};
use crate::{
    clients::tower::{Graph, NewGraph, TowerReader, View},
    engine::{ChangeProbe, Difference, Facts, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::CLUSTER,
        tasks,
        world::{World, WorldRead},
    },
};

/// A wanted graph that is not there, and the id of its view.
struct Missing<'a> {
    view: String,
    panel: &'a Panel,
}

/// What the views hold beside what they should.
struct Compared<'a> {
    missing: Vec<Missing<'a>>,
    wanted: usize,
    /// A graph that is being made.
    busy: Option<String>,
}

async fn compare<'a>(
    wanted: &'a Dashboards,
    found: &[View],
    tower: &TowerReader,
    handle: &Handle,
) -> Result<Compared<'a>> {
    let mut compared = Compared { missing: Vec::new(), wanted: 0, busy: None };
    for dashboard in &wanted.views {
        let view = views::of(dashboard, found).ok_or_else(|| no_view(dashboard, handle))?;
        let graphs = tower.graphs(&view.id).await?;
        compared.wanted += dashboard.graphs.len();
        for panel in &dashboard.graphs {
            match graphs.iter().find(|graph| graph.metric == panel.metric()) {
                None => compared.missing.push(Missing { view: view.id.clone(), panel }),
                Some(Graph { busy: Some(_), title, .. }) => compared.busy = Some(title.clone()),
                Some(_) => {}
            }
        }
    }
    Ok(compared)
}

fn no_view(dashboard: &Dashboard, handle: &Handle) -> Box<Failure> {
    Failure::new(Kind::Site, handle.manifest().title.clone())
        .meaning(message("stages.boards.no_view", &[("name", &dashboard.name)]))
        .advise(message("stages.boards.no_view_advice", &[]))
}

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let wanted = dashboards()?;
    let found = world.views(handle).await?;
    let compared = compare(&wanted, &found, &world.tower(handle), handle).await?;
    if let Some(title) = compared.busy {
        return Ok(ChangeProbe::Unknown(message("stages.boards.busy", &[("name", &title)])));
    }
    Ok(match compared.missing.len() {
        0 => ChangeProbe::Done(Facts::none()),
        all if all == compared.wanted => ChangeProbe::Absent,
        _ => ChangeProbe::Differs(compared.missing.iter().map(difference).collect()),
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let cluster = handle.need(&CLUSTER)?;
    let tower = world.tower(handle);
    let wanted = dashboards()?;
    let found = tower.views(&cluster).await?;
    let compared = compare(&wanted, &found, &tower, handle).await?;
    let hosts = tower.hosts(&cluster).await?;
    let mut hosts: Vec<&str> = hosts.iter().map(|host| host.id.as_str()).collect();
    hosts.sort_unstable();
    let new: Vec<NewGraph<'_>> = compared
        .missing
        .iter()
        .map(|Missing { view, panel }| NewGraph {
            r#type: "AREA",
            metric: panel.metric(),
            view_id: view,
            title: &panel.title,
            cluster_id: &cluster,
            connect_id: match panel.resource {
                Resource::Cluster => vec![&cluster],
                Resource::Host => hosts.clone(),
                Resource::Vm => Vec::new(),
            },
            metric_type: panel.top.map(|_| "TOPK"),
            metric_count: panel.top,
        })
        .collect();
    tasks::remember(handle, &tower.create_graphs(&new).await?)
}

fn difference(missing: &Missing<'_>) -> Difference {
    Difference {
        what: message("stages.boards.graph", &[]),
        found: "-".to_owned(),
        planned: missing.panel.title.clone(),
        cell: None,
    }
}
