//! The dependencies of the runbook, as the tool tells them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Result, rehearsal};

pub struct Graph {
    /// In the order of the runbook: a step, and those that are over when it starts.
    steps: Vec<(String, Vec<String>)>,
}

impl Graph {
    pub fn of_the_runbook() -> Result<Self> {
        let output = rehearsal::tool(&["stages", "--output", "json"])?.output()?;
        let told: Value = serde_json::from_slice(&output.stdout)?;
        let stages = told["stages"].as_array().ok_or("no stages")?;
        let ids = |stage: &Value| -> Vec<String> {
            list(&stage["steps"]).iter().map(|step| text(&step["id"])).collect()
        };
        let whole: BTreeMap<String, Vec<String>> =
            stages.iter().map(|stage| (text(&stage["id"]), ids(stage))).collect();
        let mut steps = Vec::new();
        for stage in stages {
            for (id, step) in ids(stage).into_iter().zip(list(&stage["steps"])) {
                let named = list(&step["after"]).iter().chain(list(&step["ends"])).map(text);
                let before = named.flat_map(|name| whole.get(&name).cloned().unwrap_or_else(|| vec![name]));
                steps.push((id, before.collect()));
            }
        }
        Ok(Self { steps })
    }

    /// The length of the longest chain, in the seconds that `spans` says (a step it does not know takes none); with
    /// `from`, of those that begin when that step has ended.
    pub fn longest(&self, spans: &BTreeMap<&str, f64>, from: Option<&str>) -> f64 {
        let mut ends: BTreeMap<&str, f64> = BTreeMap::new();
        // A step may come after one that stands below it: as many rounds as there are steps are enough.
        for _ in &self.steps {
            for (id, before) in &self.steps {
                let known = before.iter().filter_map(|before| ends.get(before.as_str()).copied());
                let start = known.reduce(f64::max);
                let span = spans.get(id.as_str()).copied().unwrap_or_default();
                let end = match from {
                    Some(from) if id == from => Some(0.0),
                    Some(_) => start.map(|start| start + span),
                    None => Some(start.unwrap_or_default() + span),
                };
                ends.extend(end.map(|end| (id.as_str(), end)));
            }
        }
        ends.values().copied().fold(0.0, f64::max)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
