//! The association of CloudTower as a system service, rule by rule.

use std::fs;

use super::*;
use crate::support::tool::project;

const ASSOCIATE: &str = "mutation updateObservabilityConnectedSystemServices($ovm_name: String!, \
    $connected_system_services: [UpdateObservabilityConnectedSystemServiceInput!]!) \
    { updateObservabilityConnectedSystemServices(ovm_name: $ovm_name, \
    connected_system_services: $connected_system_services) { connected_system_services { id type status \
    system_service { id name version } instances { state } } } }";

fn kept() -> Value {
    let text = fs::read_to_string(project("templates/contract/observability.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The request as the facts have it, with the shortest of texts.
fn service() -> Value {
    let kept = kept();
    let texts = json!([{"locale": "en-US", "str": "a"}, {"locale": "zh-CN", "str": "一"}]);
    let rules = kept["rules"].as_array().unwrap().iter().map(|rule| {
        let one = |pair: &Value| json!({"severity": pair[0], "value": pair[1]});
        let thresholds: Vec<Value> = rule["thresholds"].as_array().unwrap().iter().map(one).collect();
        let mut sent = json!({
            "name": rule["name"], "type": rule["type"],
            "metric_validator": {"interval": rule["interval"], "query_tmpl": rule["query_tmpl"]},
            "default_thresholds": thresholds, "thresholds": thresholds, "messages": texts, "causes": texts,
            "impacts": texts, "solutions": texts,
        });
        if !rule["for"].is_null() {
            sent["metric_validator"]["for"] = rule["for"].clone();
        }
        if !rule["metric_descriptor"].is_null() {
            sent["metric_descriptor"] = rule["metric_descriptor"].clone();
        }
        sent
    });
    let mut service = kept["service"].clone();
    service["alerting_rules"] = rules.collect();
    let url = format!("http://{TOWER}/admin/observability/agent");
    service["instances"] = json!([{"url": url, "info": kept["info"]}]);
    service
}

impl Raw {
    async fn associate_service(&self, name: &str, service: &Value) -> Value {
        let variables = json!({"ovm_name": name, "connected_system_services": [service]});
        self.graphql("updateObservabilityConnectedSystemServices", ASSOCIATE, &variables).await
    }
}

#[test]
fn the_kept_rules_are_those_of_the_facts() {
    // The facts are no part of the project, so they may be absent.
    let Ok(text) = fs::read_to_string(project("../shared/spec/observability-alert-rules.json")) else {
        return;
    };
    let facts: Value = serde_json::from_str(&text).unwrap();
    let kept = kept();
    let (facts, kept) = (facts["rules"].as_array().unwrap(), kept["rules"].as_array().unwrap());
    assert_eq!((kept.len(), facts.len()), (22, 22));
    for (fact, kept) in facts.iter().zip(kept) {
        for field in ["name", "type", "interval", "for", "query_tmpl", "metric_descriptor"] {
            assert_eq!(fact[field], kept[field], "{field} of {}", fact["name"]);
        }
        let pair = |one: &Value| json!([one["severity"], one["value"]]);
        for field in ["thresholds", "default_thresholds"] {
            let pairs: Vec<Value> = fact[field].as_array().unwrap().iter().map(pair).collect();
            assert_eq!(json!(pairs), kept["thresholds"], "{field} of {}", fact["name"]);
        }
    }
}

#[test]
fn cloudtower_is_associated_with_every_rule_and_shows_a_little_later() {
    on_tower(&instance::packaged(""), async |raw| {
        raw.running_instance().await;
        let answer = raw.associate_service("observability", &service()).await;
        let shown =
            &answer["data"]["updateObservabilityConnectedSystemServices"]["connected_system_services"][0];
        assert_eq!(
            (&shown["type"], &shown["status"]),
            (&json!("CLOUDTOWER"), &json!("INSTALLING")),
            "{answer}"
        );
        assert_eq!(shown["instances"][0]["state"], "STATE_UNSPECIFIED");
        let look = async |raw: &Raw| {
            let state = raw.observability().await;
            state["bundleApplicationInstances"][0]["connected_system_services"].clone()
        };
        assert_eq!(look(raw).await, json!([]));
        raw.pass(21).await;
        assert_eq!(look(raw).await[0]["system_service"]["id"], "CLOUDTOWER");
        let end = raw.site.site_state()["cloudtower"]["observability"]["instances"][0].clone();
        assert_eq!(end["system_services"], json!([{"type": "CLOUDTOWER", "rules": 22}]));
        let ledger = raw.site.ledger();
        assert_eq!((ledger.system_services.count, ledger.breaches.len()), (1, 0), "{:?}", ledger.breaches);
        raw.faults(
            "[[fault]]\noperation = 'tower.updateObservabilityConnectedSystemServices'\n\
             action = { observability = 'service-lost' }\n",
        );
        assert!(raw.associate_service("observability", &service()).await["errors"].is_null());
        raw.pass(100).await;
        assert_eq!(look(raw).await, json!([]), "the list is replaced, and the new one is lost");
    });
}

#[test]
fn a_rule_that_differs_in_anything_but_its_words_is_refused() {
    on_tower(&instance::packaged(""), async |raw| {
        raw.running_instance().await;
        let labelled = json!([
            {"locale": "en-US", "str": "{{ $labels.nobody }}"}, {"locale": "zh-CN", "str": "一"},
        ]);
        for (pointer, value) in [
            ("/system_service_id", json!("cloudtower")),
            ("/type", json!("SKS_SERVICE")),
            ("/instances/0/url", json!(format!("https://{TOWER}/admin/observability/agent"))),
            ("/instances/0/info/vm_name", json!("tower")),
            ("/alerting_rules/0/name", json!("other")),
            ("/alerting_rules/0/metric_validator/for", json!("6m")),
            ("/alerting_rules/0/metric_validator/interval", json!("31s")),
            ("/alerting_rules/2/metric_validator/query_tmpl", json!("up == 0")),
            ("/alerting_rules/0/metric_descriptor/unit", json!("PERCENT")),
            ("/alerting_rules/0/metric_descriptor", Value::Null),
            ("/alerting_rules/0/thresholds/0/value", json!("1")),
            ("/alerting_rules/0/thresholds/0/value", json!(0)),
            ("/alerting_rules/0/thresholds/0/severity", json!("NOTICE")),
            ("/alerting_rules/0/default_thresholds", json!([])),
            ("/alerting_rules/21/causes/1/str", json!(" ")),
            ("/alerting_rules/21/impacts/1/locale", json!("zh")),
            ("/alerting_rules/21/solutions", json!([{"locale": "en-US", "str": "a"}])),
            ("/alerting_rules/21/messages", labelled),
        ] {
            let mut changed = service();
            *changed.pointer_mut(pointer).unwrap() = value;
            let before = raw.site.ledger().breaches.len();
            let refused = raw.associate_service("observability", &changed).await;
            assert!(refused["errors"][0]["message"].is_string(), "{pointer}: {refused}");
            assert_eq!(raw.site.ledger().breaches.len(), before + 1, "{pointer}");
        }
        let mut fewer = service();
        fewer["alerting_rules"].as_array_mut().unwrap().truncate(10);
        let mut swapped = service();
        swapped["alerting_rules"].as_array_mut().unwrap().swap(0, 1);
        let mut explicit = service();
        explicit["alerting_rules"][5]["metric_validator"]["for"] = Value::Null;
        for changed in [fewer, swapped, explicit] {
            assert!(raw.associate_service("observability", &changed).await["errors"].is_array());
        }
        let breaches = raw.site.ledger().breaches.len();
        assert!(raw.associate_service("obs", &service()).await["errors"].is_array(), "nobody is called so");
        assert_eq!(raw.site.ledger().breaches.len(), breaches);
        assert_eq!(raw.site.ledger().system_services.count, 0);
    });
}
