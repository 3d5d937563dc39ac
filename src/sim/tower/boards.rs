//! Monitoring views and their graphs: made by tasks, duplicates accepted (site-behaviour §7.2).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{clock::Moment, site::State},
    denied::{Denied, Outcome},
    tables::Table,
    tasks::NewTask,
    visit::{Visit, nested_rows, with_task},
};

#[derive(Debug, Serialize, Deserialize)]
pub struct View {
    #[serde(default)]
    pub id: String,
    pub name: String,
    pub cluster_id: String,
    pub time_unit: String,
    pub time_span: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Graph {
    #[serde(default)]
    pub id: String,
    pub title: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub resource_type: String,
    pub view_id: String,
    pub cluster_id: String,
    pub connect_id: Vec<String>,
    pub metric_name: String,
    pub metric_type: Option<String>,
    pub metric_count: Option<i64>,
    pub network: Option<String>,
    pub service: Option<String>,
    #[serde(default)]
    pub instance_ids: Vec<String>,
}

/// `POST create-view`.
pub fn create_view(visit: &mut Visit<'_>) -> Outcome {
    visit.each(|visit, mut view: View| {
        visit.connected(&view.cluster_id)?;
        if view.time_span < 1 || view.name.is_empty() {
            return Err(Denied::bad("a view needs a name and a span of at least 1"));
        }
        view.id = visit.state.new_cuid(visit.now);
        let task = NewTask::creating(visit, &format!("Create view {}", view.name), "View", &view.id);
        let (id, task) = (view.id.clone(), visit.start_task(task));
        visit.state.ledger.views.entry(view.name.clone()).or_default().add(visit.now);
        visit.state.tower.views.push(view);
        Ok(with_task(Some(&task), &visit.row(Table::Views, &id)?))
    })
}

/// `POST create-graph`: the view and everything in `connect_id` must exist.
pub fn create_graph(visit: &mut Visit<'_>) -> Outcome {
    visit.each(|visit, mut graph: Graph| {
        visit.connected(&graph.cluster_id)?;
        let view = visit.free_row(Table::Views, &graph.view_id)?;
        if view["cluster"]["id"] != graph.cluster_id.as_str() {
            return Err(Denied::bad("view and graph belong to different clusters"));
        }
        let table = match graph.resource_type.as_str() {
            "cluster" => Table::Clusters,
            "host" => Table::Hosts,
            "vm" => Table::Vms,
            other => return Err(Denied::bad(format!("resource_type {other} is not simulated"))),
        };
        let known = visit.state.rows(table, visit.now);
        if let Some(id) = graph.connect_id.iter().find(|id| !known.iter().any(|row| row["id"] == id.as_str()))
        {
            return Err(Denied::missing(format!("there is no {} with the id {id}", graph.resource_type)));
        }
        let top = matches!(graph.metric_type.as_deref(), Some("TOPK" | "BOTTOMK"));
        if graph.connect_id.is_empty() && !top {
            return Err(Denied::bad("without connect_id a graph shows the top N only"));
        }
        graph.id = visit.state.new_cuid(visit.now);
        let task = NewTask::creating(visit, &format!("Create graph {}", graph.title), "Graph", &graph.id);
        let (id, task) = (graph.id.clone(), visit.start_task(task));
        let name = format!("{}/{}", view["name"].as_str().unwrap_or_default(), graph.metric_name);
        visit.state.ledger.graphs.entry(name).or_default().add(visit.now);
        visit.state.tower.graphs.push(graph);
        Ok(with_task(Some(&task), &visit.row(Table::Graphs, &id)?))
    })
}

impl Visit<'_> {
    /// A cluster that can be configured. Errors: unknown, or not connected.
    pub fn connected(&self, id: &str) -> Result<Value, Denied> {
        let row = self.free_row(Table::Clusters, id)?;
        if row["connect_state"] == "CONNECTED" {
            Ok(row)
        } else {
            Err(Denied::bad("cluster is not connected"))
        }
    }
}

impl State {
    pub(super) fn view_rows(&self, now: Moment) -> Vec<Value> {
        let row = |view: &View| {
            let graphs = self.tower.graphs.iter().filter(|graph| graph.view_id == view.id);
            json!({
                "id": view.id, "local_id": self.child_local_id(&view.id), "name": view.name,
                "cluster": self.nested_cluster(&view.cluster_id), "time_unit": view.time_unit,
                "time_span": view.time_span, "entityAsyncStatus": self.async_status(now, &view.id),
                "graphs": graphs.map(|graph| json!({"id": graph.id})).collect::<Vec<_>>(),
            })
        };
        self.tower.views.iter().map(row).collect()
    }

    pub(super) fn graph_rows(&self, now: Moment) -> Vec<Value> {
        self.tower.graphs.iter().map(|graph| self.graph_row(now, graph)).collect()
    }

    fn graph_row(&self, now: Moment, graph: &Graph) -> Value {
        let view = self.tower.views.iter().find(|view| view.id == graph.view_id);
        let connected = |kind: &str, table: Table| -> Vec<Value> {
            let shown = |row: &Value| graph.connect_id.iter().any(|id| row["id"] == id.as_str());
            let rows = if graph.resource_type == kind { self.rows(table, now) } else { Vec::new() };
            nested_rows(rows.into_iter().filter(shown).collect(), "management_ip")
        };
        json!({
            "id": graph.id, "local_id": self.child_local_id(&graph.id), "title": graph.title,
            "type": graph.kind, "resource_type": graph.resource_type, "metric_name": graph.metric_name,
            "metric_type": graph.metric_type.as_deref().unwrap_or("NORMAL"),
            "metric_count": graph.metric_count.unwrap_or(0), "network": graph.network,
            "service": graph.service, "instance_ids": graph.instance_ids, "targets": {},
            "cluster": self.nested_cluster(&graph.cluster_id), "hosts": connected("host", Table::Hosts),
            "vms": connected("vm", Table::Vms),
            "view": view.map(|view| json!({"id": view.id, "name": view.name})),
            "entityAsyncStatus": self.async_status(now, &graph.id),
        })
    }
}
