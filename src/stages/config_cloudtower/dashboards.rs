//! The views and graphs that every cluster gets, from `templates/dashboards.toml` (api-cloudtower §6).

use serde::Deserialize;

use crate::{
    clients::tower::Metric,
    embed,
    failure::{Failure, Kind, Result},
    messages::message,
};

/// All views.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboards {
    pub time_unit: String,
    pub time_span: u32,
    pub views: Vec<Dashboard>,
}

/// One view and its graphs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    pub name: String,
    pub graphs: Vec<Panel>,
}

/// One graph.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    pub title: String,
    pub metric: String,
    pub resource: Resource,
    /// Only the highest so many of all.
    #[serde(default)]
    pub top: Option<u32>,
}

/// What a graph draws, which also tells what it is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    Cluster,
    Host,
    Vm,
}

impl Resource {
    fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Host => "host",
            Self::Vm => "vm",
        }
    }
}

impl Panel {
    pub fn metric(&self) -> Metric {
        Metric { name: self.metric.clone(), resource: self.resource.as_str().to_owned() }
    }
}

pub fn dashboards() -> Result<Dashboards> {
    toml::from_str(embed::DASHBOARDS).map_err(|error| {
        let doing = message("stages.boards.reading", &[]);
        Failure::new(Kind::Bug, doing).because(&error)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn three_views_hold_three_seven_and_five_graphs_each_of_its_own() {
        let views = dashboards().unwrap().views;
        let counts: Vec<_> = views.iter().map(|view| (view.name.as_str(), view.graphs.len())).collect();
        assert_eq!(counts, [("Cluster", 3), ("Host", 7), ("VM", 5)]);
        let metrics: BTreeSet<_> =
            views.iter().flat_map(|view| &view.graphs).map(|one| &one.metric).collect();
        assert_eq!(metrics.len(), 15);
        assert!(views[2].graphs.iter().all(|one| one.top == Some(5) && one.resource == Resource::Vm));
    }
}
