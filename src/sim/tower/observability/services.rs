//! System services associated with an instance, held against the facts rule by rule (api-applications §2.9).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        super::{clock::Moment, durations, site::State},
        visit::Visit,
    },
    ObservabilityFate,
    instances::Instance,
};
use crate::embed;

/// One associated service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Service {
    id: String,
    kind: String,
    /// Its identifier and name among CloudTower's services.
    service: (String, String),
    pub rules: usize,
    since: Moment,
    lost: bool,
    old: bool,
}

/// `templates/contract/observability.json`.
#[derive(Deserialize)]
struct Facts {
    service: Value,
    info: Value,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    interval: String,
    #[serde(rename = "for")]
    lasting: Option<String>,
    query_tmpl: String,
    metric_descriptor: Option<Value>,
    thresholds: Vec<(String, String)>,
    /// Labels that its texts may name.
    variables: Vec<String>,
}

impl State {
    pub(super) fn old_service(&mut self, now: Moment, kind: String) -> Service {
        let service = (self.new_cuid(now), format!("SIM {kind}"));
        Service { id: self.new_ksuid(), kind, service, rules: 0, since: now, lost: false, old: true }
    }

    fn shown<'a>(&self, now: Moment, instance: &'a Instance) -> impl Iterator<Item = &'a Service> {
        let time = durations::seconds(self.durations.tower.observability_service);
        let all = instance.services.iter();
        all.filter(move |service| !service.lost && (service.old || service.since.plus(time) <= now))
    }

    /// Those that show; a new one takes a while.
    pub(super) fn service_rows(&self, now: Moment, instance: &Instance) -> Vec<Value> {
        self.shown(now, instance).map(|service| service.row("SIM_INSTALLED", "SIM_STATE_RUNNING")).collect()
    }

    pub(super) fn services_end(&self, now: Moment, instance: &Instance) -> Vec<Value> {
        self.shown(now, instance).map(|one| json!({"type": one.kind, "rules": one.rules})).collect()
    }
}

impl Service {
    fn row(&self, status: &str, state: &str) -> Value {
        let (id, name) = &self.service;
        json!({
            "id": self.id, "type": self.kind, "status": status,
            "system_service": {"id": id, "name": name, "version": null}, "instances": [{"state": state}],
        })
    }
}

/// `updateObservabilityConnectedSystemServices`: the list replaces the one before. Errors: the message of `errors`.
pub fn associate(visit: &mut Visit<'_>, name: &str, services: &Value) -> Result<Value, String> {
    let index = visit.state.tower.observability.instances.iter().position(|instance| instance.name == name);
    let index = index.ok_or_else(|| format!("no instance called {name}"))?;
    let id = json!(visit.state.tower.observability.instances[index].id);
    visit.running_instance(&id)?;
    let facts: Facts = serde_json::from_str(embed::OBSERVABILITY_CONTRACT)
        .map_err(|error| format!("observability.json: {error}"))?;
    let [service] = services.as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(visit.against_contract("connected_system_services is not CloudTower alone"));
    };
    let url = visit.state.twin.plan.cloudtower.map(|ip| format!("http://{ip}/admin/observability/agent"));
    let instances = json!([{"url": url, "info": facts.info}]);
    let wrong = wrong_service(&facts, service)
        .or_else(|| (service["instances"] != instances).then(|| "instances".to_owned()));
    if let Some(wrong) = wrong {
        return Err(visit.against_contract(format!("connected_system_services: {wrong}")));
    }
    let text = |field: &str| service[field].as_str().unwrap_or_default().to_owned();
    let new = Service {
        id: visit.state.new_ksuid(),
        kind: text("type"),
        service: (text("system_service_id"), text("system_service_name")),
        rules: facts.rules.len(),
        since: visit.now,
        lost: visit.observability_fate() == Some(ObservabilityFate::ServiceLost),
        old: false,
    };
    let row = new.row("INSTALLING", "STATE_UNSPECIFIED");
    visit.state.tower.observability.instances[index].services = vec![new];
    visit.state.ledger.system_services.add(visit.now);
    Ok(json!({"connected_system_services": [row]}))
}

/// What differs from the facts, if anything.
fn wrong_service(facts: &Facts, sent: &Value) -> Option<String> {
    let fixed = facts.service.as_object()?;
    if let Some((field, _)) = fixed.iter().find(|(field, value)| sent[field.as_str()] != **value) {
        return Some(format!("{field} is not that of the facts"));
    }
    let rules = sent["alerting_rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rules.len() != facts.rules.len() {
        return Some(format!("{} rules instead of {}", rules.len(), facts.rules.len()));
    }
    let wrong = |(rule, sent)| wrong_rule(rule, sent).map(|what| format!("rule {}: {what}", rule.name));
    facts.rules.iter().zip(rules).find_map(wrong)
}

fn wrong_rule(rule: &Rule, sent: &Value) -> Option<String> {
    let thresholds = |(severity, value): &(String, String)| json!({"severity": severity, "value": value});
    let thresholds: Vec<Value> = rule.thresholds.iter().map(thresholds).collect();
    let mut validator = json!({"interval": rule.interval, "query_tmpl": rule.query_tmpl});
    if let Some(lasting) = &rule.lasting {
        validator["for"] = json!(lasting);
    }
    // What is null in the facts is left out on the wire.
    let descriptor = sent.get("metric_descriptor") == rule.metric_descriptor.as_ref();
    let expected = [
        ("name", sent["name"] == *rule.name),
        ("type", sent["type"] == *rule.kind),
        ("metric_validator", sent["metric_validator"] == validator),
        ("metric_descriptor", descriptor),
        ("default_thresholds", sent["default_thresholds"] == json!(thresholds)),
        ("thresholds", sent["thresholds"] == json!(thresholds)),
    ];
    if let Some((field, _)) = expected.iter().find(|(_, good)| !good) {
        return Some(format!("{field} is not that of the facts"));
    }
    ["messages", "causes", "impacts", "solutions"]
        .into_iter()
        .find_map(|field| wrong_texts(rule, &sent[field]).map(|what| format!("{field}: {what}")))
}

/// Texts are free, but there is one in each language, and it names no label that the rule does not have.
fn wrong_texts(rule: &Rule, sent: &Value) -> Option<String> {
    let texts = sent.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut locales: Vec<&str> = texts.iter().filter_map(|text| text["locale"].as_str()).collect();
    locales.sort_unstable();
    if locales != ["en-US", "zh-CN"] {
        return Some(format!("texts in {locales:?}"));
    }
    let texts = texts.iter().filter_map(|text| text["str"].as_str());
    for text in texts {
        if text.trim().is_empty() {
            return Some("an empty text".to_owned());
        }
        let labels = text.split("$labels.").skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        });
        let mut unknown = labels.filter(|label| !rule.variables.iter().any(|known| known == label));
        if let Some(unknown) = unknown.next() {
            return Some(format!("the label {unknown} does not exist"));
        }
    }
    None
}
