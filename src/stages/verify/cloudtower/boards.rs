//! Monitoring views and their graphs (api-cloudtower §6). A graph is known by its metric; each stands once.

use crate::{
    clients::tower::{Graph, TowerReader, View},
    failure::Result,
    messages::message,
    stages::{
        config_cloudtower::dashboards::{Dashboard, Panel, dashboards},
        verify::{
            row::{Row, Wanted},
            table::Table,
        },
    },
};

pub async fn read(tower: &TowerReader, cluster: &str, table: &mut Table) -> Result<()> {
    let wanted = dashboards()?;
    let rows = wanted.views.iter().map(view).collect();
    let views = table.ask(rows, tower.views(cluster), || tower.last_read()).await?;
    for dashboard in &wanted.views {
        let rows: Vec<_> = graphs(dashboard);
        let id = views.as_ref().and_then(|views| named(views, &dashboard.name)).map(|view| view.id.clone());
        match id {
            Some(id) => drop(table.ask(rows, tower.graphs(&id), || tower.last_read()).await?),
            None => {
                let why = message("stages.verify.no_view", &[("name", &dashboard.name)]);
                table.unread(rows.into_iter().map(|wanted| wanted.row), &why);
            }
        }
    }
    Ok(())
}

fn named<'a>(views: &'a [View], name: &str) -> Option<&'a View> {
    views.iter().filter(|view| view.name == name).min_by(|a, b| a.id.cmp(&b.id))
}

fn view(dashboard: &Dashboard) -> Wanted<'_, Vec<View>> {
    let title = message("stages.verify.view", &[("name", &dashboard.name)]);
    let row = Row::derived(format!("views.{}", dashboard.name), title, &dashboard.name);
    let row = row.made_by("config-cloudtower.views");
    row.shown(|views: &Vec<View>| Some(named(views, &dashboard.name)?.name.clone()))
}

fn graphs(dashboard: &Dashboard) -> Vec<Wanted<'_, Vec<Graph>>> {
    let graph = |panel: &Panel| {
        let title = message("stages.verify.graph", &[("title", &panel.title), ("view", &dashboard.name)]);
        let metric = panel.metric();
        let key = format!("views.{}.{}", dashboard.name, metric.name);
        let row = Row::derived(key, title, &metric.name).made_by("config-cloudtower.graphs");
        row.shown(move |graphs: &Vec<Graph>| {
            let found = graphs.iter().find(|graph| graph.metric == metric)?;
            Some(found.metric.name.clone())
        })
    };
    dashboard.graphs.iter().map(graph).collect()
}
