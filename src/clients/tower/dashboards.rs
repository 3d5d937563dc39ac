//! Monitoring views and graphs (api-cloudtower §6).

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Begun, Named, Tower, TowerReader, rest};
use crate::{clients::lenient, failure::Result, messages::message};

/// A view of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct View {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// `CREATING` and the like while something is done to it.
    #[serde(default, rename = "entityAsyncStatus", deserialize_with = "lenient::maybe_text")]
    pub busy: Option<String>,
}

/// A view to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewView<'a> {
    pub name: &'a str,
    pub cluster_id: &'a str,
    /// `MINUTE`, `HOUR`, `DAY` or `MONTH`.
    pub time_unit: &'a str,
    pub time_span: u32,
}

/// What a graph draws, which is also what tells it apart: titles are free text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Metric {
    #[serde(rename = "metric_name", deserialize_with = "lenient::text")]
    pub name: String,
    /// `cluster`, `host` or `vm`.
    #[serde(rename = "resource_type", deserialize_with = "lenient::text")]
    pub resource: String,
}

/// A graph of a view.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Graph {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub title: String,
    #[serde(flatten)]
    pub metric: Metric,
    #[serde(default)]
    pub view: Option<Named>,
    /// `CREATING` and the like while something is done to it.
    #[serde(default, rename = "entityAsyncStatus", deserialize_with = "lenient::maybe_text")]
    pub busy: Option<String>,
}

/// A graph to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewGraph<'a> {
    /// `AREA` or `STACK`.
    pub r#type: &'a str,
    #[serde(flatten)]
    pub metric: Metric,
    pub view_id: &'a str,
    pub title: &'a str,
    pub cluster_id: &'a str,
    /// Ids of what is drawn; empty for the top of all.
    pub connect_id: Vec<&'a str>,
    /// `TOPK` or `BOTTOMK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_count: Option<u32>,
}

impl TowerReader {
    /// The views of a cluster, by its id.
    pub async fn views(&self, cluster: &str) -> Result<Vec<View>> {
        let doing = message("clients.tower.views", &[]);
        self.list(rest::read("tower.get-views", doing, &json!({"where": {"cluster": {"id": cluster}}}))).await
    }

    /// The graphs of a view, by its id.
    pub async fn graphs(&self, view: &str) -> Result<Vec<Graph>> {
        let doing = message("clients.tower.graphs", &[]);
        self.list(rest::read("tower.get-graphs", doing, &json!({"where": {"view": {"id": view}}}))).await
    }
}

impl Tower {
    pub async fn create_views(&self, views: &[NewView<'_>]) -> Result<Begun> {
        let names = views.iter().map(|view| view.name).collect::<Vec<_>>().join(", ");
        let doing = message("clients.tower.create_views", &[("names", &names)]);
        self.mutate(rest::write("tower.create-view", doing, &views)).await
    }

    pub async fn create_graphs(&self, graphs: &[NewGraph<'_>]) -> Result<Begun> {
        let doing = message("clients.tower.create_graphs", &[("count", &graphs.len())]);
        self.mutate(rest::write("tower.create-graph", doing, &graphs)).await
    }
}
