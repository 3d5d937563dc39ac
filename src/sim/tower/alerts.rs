//! Alert rules: global ones, and one row under each for every attached cluster (api-cloudtower §7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};

use super::{
    super::{clock::Moment, site::State},
    clusters::Attached,
    denied::{Denied, Outcome},
    ids::cuid,
    knobs::TypenameInput,
    tables::Table,
    tasks::{NewTask, Resource},
    visit::{Visit, nested, with_task},
};

/// The rule of the capacity alert.
const CAPACITY: &str = "zbs_cluster_data_space_use_rate";
/// So many rules pass the captured filter (S); as many others do not.
const CAPTURED: usize = 94;
const OTHERS: usize = 30;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    pub severity: String,
    pub value: Number,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct GlobalRule {
    pub id: String,
    pub name: String,
    object: String,
    disabled: bool,
    pub thresholds: Vec<Threshold>,
    /// The customised rows, by cluster id; every other cluster follows the global rule.
    pub customized: BTreeMap<String, Own>,
}

/// What a customised row has of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Own {
    disabled: bool,
    pub thresholds: Vec<Threshold>,
}

fn threshold(severity: &str, value: u64) -> Threshold {
    Threshold { severity: severity.to_owned(), value: value.into() }
}

/// The rules of a fresh installation, in the order of their ids.
pub fn initial(seed: u64, now: Moment, capacity_row: usize) -> Vec<GlobalRule> {
    let rule = |index: usize| {
        let (name, object) = match index {
            _ if index == capacity_row.min(CAPTURED - 1) => (CAPACITY.to_owned(), "CLUSTER"),
            // A name that only begins like the right one.
            _ if index == (capacity_row + 9) % CAPTURED => (format!("{CAPACITY}_trend"), "CLUSTER"),
            _ if index < CAPTURED => (format!("sim_rule_{index:02}"), "PHYSICAL_HOST"),
            _ if index.is_multiple_of(2) => (format!("elf_sim_rule_{index}"), "VM"),
            _ => (format!("sim_sks_rule_{index}"), "SKS_CLUSTER"),
        };
        let at = now.plus(std::time::Duration::from_millis(index as u64));
        GlobalRule {
            id: cuid(seed, at, &["rule", &name]),
            name,
            object: object.to_owned(),
            disabled: false,
            thresholds: vec![threshold("NOTICE", 80), threshold("CRITICAL", 90)],
            customized: BTreeMap::new(),
        }
    };
    (0..CAPTURED + OTHERS).map(rule).collect()
}

impl State {
    /// The clusters that have rows under the rules by now.
    fn with_rules(&self, now: Moment) -> impl Iterator<Item = &Attached> {
        let seconds = self.durations.tower.alert_rules;
        self.tower.clusters.iter().filter(move |cluster| cluster.shows(now, seconds))
    }

    fn child_id(&self, cluster: &Attached, rule: &GlobalRule) -> String {
        let at = cluster.learned_at(self.durations.tower.alert_rules);
        self.learned_id(at, "alert rule", &cluster.id, &rule.name)
    }

    pub(super) fn global_rule_rows(&self, now: Moment) -> Vec<Value> {
        self.tower.rules.iter().map(|rule| self.global_rule_row(now, rule)).collect()
    }

    fn global_rule_row(&self, now: Moment, rule: &GlobalRule) -> Value {
        let children = self.with_rules(now).map(|cluster| json!({"id": self.child_id(cluster, rule)}));
        json!({
            "id": rule.id, "name": rule.name, "object": rule.object, "disabled": rule.disabled,
            "thresholds": show(&rule.thresholds),
            "default_thresholds": [{"severity": "NOTICE", "value": 80}, {"severity": "CRITICAL", "value": 90}],
            "alert_rules": children.collect::<Vec<_>>(), "boolean": false, "cause": "", "impact": "",
            "message": rule.name, "operator": "GTE", "solution": "", "unit": "PERCENT",
        })
    }

    pub(super) fn alert_rule_rows(&self, now: Moment) -> Vec<Value> {
        let mut rows = Vec::new();
        for cluster in self.with_rules(now) {
            let relation = self.nested_cluster(&cluster.id);
            for rule in &self.tower.rules {
                let own = rule.customized.get(&cluster.id);
                let id = self.child_id(cluster, rule);
                rows.push(json!({
                    "local_id": self.child_local_id(&id), "id": id, "cluster": relation,
                    "customized": own.is_some(), "disabled": own.map_or(rule.disabled, |own| own.disabled),
                    "thresholds": show(own.map_or(&rule.thresholds, |own| &own.thresholds)),
                    "global_alert_rule": nested(&rule.id, &rule.name),
                }));
            }
        }
        rows
    }
}

fn show(thresholds: &[Threshold]) -> Vec<Value> {
    let one = |threshold: &Threshold| json!({"severity": threshold.severity, "value": threshold.value, "quantile": null});
    thresholds.iter().map(one).collect()
}

/// Thresholds as sent. Errors: a severity twice, a value that is no percentage, notice above critical.
fn read(items: &Value) -> Result<Vec<Threshold>, String> {
    let all: Vec<Threshold> = serde_json::from_value(items.clone()).map_err(|error| error.to_string())?;
    let of = |severity: &str| -> Vec<f64> {
        let these = all.iter().filter(|threshold| threshold.severity == severity);
        these.filter_map(|threshold| threshold.value.as_f64()).collect()
    };
    match (of("NOTICE").as_slice(), of("CRITICAL").as_slice()) {
        ([notice], [critical]) if 0.0 < *notice && notice < critical && *critical <= 100.0 => Ok(all),
        _ => Err("one NOTICE below one CRITICAL, both percentages".to_owned()),
    }
}

#[derive(Deserialize)]
struct Customize {
    #[serde(rename = "where")]
    filter: Value,
    data: CustomizeData,
}

#[derive(Deserialize)]
struct CustomizeData {
    clusters: Value,
    disabled: Option<bool>,
    thresholds: Value,
}

/// `POST update-customize-alert-rule`.
pub fn customize(visit: &mut Visit<'_>) -> Outcome {
    let customize: Customize = visit.read()?;
    let rules = visit.selected(Table::GlobalAlertRules, &customize.filter)?;
    let clusters = visit.selected(Table::Clusters, &customize.data.clusters)?;
    let thresholds = read(&customize.data.thresholds).map_err(Denied::bad)?;
    let own = Own { disabled: customize.data.disabled.unwrap_or(false), thresholds };
    let mut answers = Vec::new();
    for id in rules {
        for cluster in &clusters {
            visit.write_own(&id, cluster, Some(own.clone())).map_err(Denied::missing)?;
        }
        let resource = Resource::new("GlobalAlertRule", &id, "UPDATE");
        let task = visit.start_task(NewTask::ordinary(visit, "Customize alert rule", resource));
        answers.push(with_task(Some(&task), &visit.row(Table::GlobalAlertRules, &id)?));
    }
    Ok(Value::Array(answers))
}

/// `updateGlobalAlertRule`. Errors: the message of `errors`.
pub fn graphql_update(visit: &mut Visit<'_>, arguments: &Map<String, Value>) -> Result<Value, String> {
    let none = Value::Null;
    let data = arguments.get("data").unwrap_or(&none);
    if visit.state.variants.tower.typename_input == TypenameInput::Refused
        && data.to_string().contains("__typename")
    {
        return Err("field \"__typename\" is not defined by type ThresholdsInput".to_owned());
    }
    let id = arguments.get("where").map_or("", |filter| filter["id"].as_str().unwrap_or_default()).to_owned();
    let global = visit.state.tower.rules.iter().position(|rule| rule.id == id);
    let index = global.ok_or_else(|| format!("no global alert rule with the id {id}"))?;
    // Everything is read before anything is written: a refused request changes nothing.
    let thresholds = (!data["thresholds"].is_null()).then(|| read(&data["thresholds"])).transpose()?;
    let updates = data["alert_rules"]["update"].as_array().cloned().unwrap_or_default();
    let owns: Result<Vec<(String, Option<Own>)>, String> =
        updates.iter().map(|update| own_update(visit, index, update)).collect();
    let owns = owns?;
    let rule = &mut visit.state.tower.rules[index];
    rule.disabled = data["disabled"].as_bool().unwrap_or(rule.disabled);
    if let Some(thresholds) = thresholds.filter(|thresholds| *thresholds != rule.thresholds) {
        rule.thresholds = thresholds;
        visit.state.ledger.alert_writes.entry("global".to_owned()).or_default().add(visit.now);
    }
    for (cluster, own) in owns {
        visit.write_own(&id, &cluster, own)?;
    }
    let rule = &visit.state.tower.rules[index];
    Ok(visit.state.global_rule_row(visit.now, rule))
}

/// Cluster and new content of one `alert_rules.update` entry.
fn own_update(visit: &Visit<'_>, rule: usize, update: &Value) -> Result<(String, Option<Own>), String> {
    let state = &*visit.state;
    let rule = &state.tower.rules[rule];
    let wanted = &update["where"]["id"];
    let mut clusters = state.with_rules(visit.now);
    let cluster = clusters.find(|cluster| *wanted == state.child_id(cluster, rule));
    let cluster = cluster.ok_or_else(|| format!("no alert rule {wanted} under {}", rule.name))?;
    let data = &update["data"];
    let own = if data["customized"] == true {
        let thresholds = read(&data["thresholds"])?;
        Some(Own { disabled: data["disabled"].as_bool().unwrap_or(false), thresholds })
    } else {
        None
    };
    Ok((cluster.id.clone(), own))
}

impl Visit<'_> {
    fn write_own(&mut self, rule: &str, cluster: &str, own: Option<Own>) -> Result<(), String> {
        let name = self.state.nested_cluster(cluster)["name"].as_str().unwrap_or_default().to_owned();
        let rule = self.state.tower.rules.iter_mut().find(|one| one.id == rule);
        let rule = rule.ok_or("no such rule")?;
        match own {
            Some(own) => rule.customized.insert(cluster.to_owned(), own),
            None => rule.customized.remove(cluster),
        };
        self.state.ledger.alert_writes.entry(name).or_default().add(self.now);
        Ok(())
    }
}
