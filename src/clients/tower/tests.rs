//! What travels to CloudTower and what is made of its answers, against a site of one closure.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::*;
use crate::{
    clients::testing::{Act, Seen, TestSite},
    failure::{Effect, Kind},
};

const TOWER: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 2);
const PLANNED: &str = "Tower-7/planned";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.Y2tv.c2lnbmF0dXJl";

fn tower(site: &TestSite) -> Tower {
    Tower::new(site.http(), TOWER, Secret::from(PLANNED), WebAccess::default())
}

fn answer(body: Value) -> Act {
    Act::Answer(200, "", body.to_string())
}

fn refuse(status: u16, words: &str) -> Act {
    Act::Answer(status, "", json!({"message": words, "status": status, "path": "/x"}).to_string())
}

fn logged_in(seen: &Seen) -> Option<Act> {
    (seen.line() == "POST /v2/api/login").then(|| answer(json!({"data": {"token": TOKEN}, "task_id": null})))
}

/// A site on which the planned password is right and everything else is up to `act`.
async fn open_site(act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> TestSite {
    TestSite::start(move |seen| logged_in(seen).unwrap_or_else(|| act(seen))).await
}

fn header(seen: &Seen, name: &str) -> Option<String> {
    let mut lines = seen.head.lines();
    let line = lines.find(|line| line.to_lowercase().starts_with(&format!("{name}:")))?;
    Some(line[name.len() + 1..].trim().to_owned())
}

#[tokio::test]
async fn the_token_travels_over_https_without_a_prefix_and_in_no_transcript() {
    let site = open_site(|_| answer(json!([]))).await;
    tower(&site).organizations().await.unwrap();
    let seen = site.seen();
    assert_eq!(site.lines(), ["POST /v2/api/login", "POST /v2/api/get-organizations"]);
    assert!(seen.iter().all(|seen| seen.at.port == 443));
    assert_eq!(seen[0].json(), json!({"username": "root", "password": PLANNED, "source": "LOCAL"}));
    assert_eq!(
        (header(&seen[0], "authorization"), header(&seen[1], "authorization")),
        (None, Some(TOKEN.into()))
    );
    let transcript = serde_json::to_string(&site.memory.records()).unwrap();
    assert!(!transcript.contains(PLANNED) && !transcript.contains(TOKEN), "{transcript}");
}

#[tokio::test]
async fn an_answer_that_nobody_can_read_is_shown_without_what_it_holds_of_secrets() {
    for body in [
        r#"[{"kube_config":"SECRET","env":[{"value":"SECRET"}]},null]"#,
        r#"[{"kube_config":"SECRET","env":[{"value":"SECR"#,
        r#"[{"kube_config":"SECR"#,
    ] {
        let site = open_site(move |_| Act::Answer(200, "", body.into())).await;
        let failure = tower(&site).organizations().await.unwrap_err();
        let transcript = serde_json::to_string(&site.memory.records()).unwrap();
        assert!(!format!("{failure:?}").contains("SECR"), "{failure:?}");
        assert!(!transcript.contains("SECR"), "{transcript}");
    }
}

#[tokio::test]
async fn a_refused_planned_password_leads_to_one_try_of_the_default_and_no_third() {
    let site = TestSite::start(|seen| match seen.json()["password"].as_str() {
        Some("HC!r0cks") => answer(json!({"data": {"token": TOKEN}})),
        _ => refuse(401, "wrong password"),
    })
    .await;
    let tower = tower(&site);
    assert_eq!(tower.enter().await.unwrap(), Entry::In(InForce::Default));
    assert_eq!(tower.enter().await.unwrap(), Entry::In(InForce::Default), "by the session that stands");
    assert_eq!(site.seen().len(), 2);
}

#[tokio::test]
async fn two_refused_passwords_stop_every_further_call_without_another_try() {
    let site = TestSite::start(|_| refuse(400, "wrong password")).await;
    let tower = tower(&site);
    for _ in 0..2 {
        let failure = tower.organizations().await.unwrap_err();
        assert!(failure.meaning.unwrap().en.contains("refuses the planned password"));
    }
    assert_eq!(site.seen().len(), 2);
}

#[tokio::test]
async fn a_refused_token_leads_to_one_login_and_one_repetition_also_when_graphql_says_it_with_200() {
    for refused in
        [|| refuse(401, "no"), || answer(json!({"errors": [{"message": "Not Login"}], "data": null}))]
    {
        let site = open_site(move |_| refused()).await;
        let failure = tower(&site).licence().await.unwrap_err();
        assert_eq!(site.lines(), ["POST /v2/api/login", "POST /api", "POST /v2/api/login", "POST /api"]);
        assert_eq!((failure.kind, failure.effect), (Kind::Site, Effect::None));
    }
}

#[tokio::test]
async fn a_page_of_nginx_means_not_ready_and_not_a_wrong_password() {
    for status in [502, 503, 404] {
        let page = "<html><head><title>Bad Gateway</title></head></html>";
        let site = TestSite::start(move |_| Act::Answer(status, "", page.into())).await;
        let tower = tower(&site);
        let Readiness::NotYet(why) = tower.readiness().await.unwrap() else { panic!("not ready") };
        assert_eq!(why.en, format!("HTTP {status} HTML Bad Gateway"));
        let failure = tower.enter().await.unwrap_err();
        assert!(failure.meaning.unwrap().en.contains("not ready"), "{status}");
    }
}

#[tokio::test]
async fn a_locked_resource_is_waited_for_and_the_write_sent_again() {
    let left = std::sync::atomic::AtomicU32::new(2);
    let site = open_site(move |_| {
        match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) {
            Ok(_) => Act::Answer(
                400,
                "",
                json!({
                    "code": "ResourceLocked", "message": "locked", "status": 400, "path": "/",
                    "props": {"locked_resources": [{"id": "c1", "type": "Cluster"}]},
                })
                .to_string(),
            ),
            Err(_) => answer(json!({"task_id": "t1", "data": {"id": "d1"}})),
        }
    })
    .await;
    let begun = tower(&site).create_datacenter("o1", "DC").await.unwrap();
    assert_eq!(begun, Begun { tasks: vec!["t1".into()], ids: vec!["d1".into()] });
    assert_eq!(site.pauses.taken(), [LOCK_PACE; 2]);
}

#[tokio::test]
async fn answers_alone_and_in_lists_are_read_alike_and_304_began_nothing() {
    let one = json!({"task_id": null, "data": {"id": "d1"}});
    for body in [one.clone(), json!([one])] {
        let site = open_site(move |_| answer(body.clone())).await;
        let begun = tower(&site).create_datacenter("o1", "DC").await.unwrap();
        assert_eq!(begun, Begun { tasks: vec![], ids: vec!["d1".into()] });
        assert_eq!(site.seen()[1].json(), json!([{"organization_id": "o1", "name": "DC"}]));
    }
    let site = open_site(|_| Act::Answer(304, "", String::new())).await;
    assert_eq!(tower(&site).move_cluster("c1", "d1").await.unwrap(), Begun::default());
}

#[tokio::test]
async fn a_write_whose_answer_is_cut_is_sent_once_and_leaves_its_effect_unknown() {
    let site = open_site(|_| Act::Cut("[{\"task_id\"".into())).await;
    let failure = tower(&site).create_datacenter("o1", "DC").await.unwrap_err();
    assert_eq!((failure.effect, site.seen().len()), (Effect::Unknown, 2));
}

#[tokio::test]
async fn graphql_errors_are_a_failure_whatever_the_status_and_existing_objects_are_none() {
    let errors =
        |words: &str| answer(json!({"errors": [{"message": words}, {"message": "more"}], "data": null}));
    let site = open_site(move |_| errors("broken")).await;
    let failure = tower(&site).create_organization("ACME").await.unwrap_err();
    assert_eq!(failure.answer.unwrap().en, "HTTP 200 broken; more");
    let site = open_site(move |_| errors("Organization already exists")).await;
    tower(&site).create_organization("ACME").await.unwrap();
    let variables = json!({"data": {"name": "ACME"}});
    let body = site.seen()[1].json();
    assert_eq!((&body["operationName"], &body["variables"]), (&json!("createOrganization"), &variables));
}

#[tokio::test]
async fn a_rule_is_found_on_a_later_page_when_the_filter_by_name_is_refused() {
    let rule = |n: usize| json!({"id": format!("r{n:03}"), "name": format!("rule_{n}"), "alert_rules": []});
    let site = open_site(move |seen| {
        let variables = &seen.json()["variables"];
        if variables["where"] != json!({}) {
            return answer(json!({"errors": [{"message": "Field \"name\" is not defined"}]}));
        }
        let skip = variables["skip"].as_u64().unwrap() as usize;
        let rows: Vec<Value> = (skip..94.min(skip + 50)).map(rule).collect();
        let count = json!({"aggregate": {"count": 94}});
        answer(json!({"data": {"globalAlertRules": rows, "globalAlertRulesConnection": count}}))
    })
    .await;
    let tower = tower(&site);
    assert_eq!(tower.alert_rule("rule_70").await.unwrap().unwrap().id, "r070");
    assert_eq!(tower.alert_rule("rule_99").await.unwrap(), None);
}

#[tokio::test]
async fn tasks_are_looked_through_here_where_cloudtower_does_not_choose_by_description() {
    let row = |id: &str, what: &str, at: &str| json!({"id": id, "description": what, "local_created_at": at});
    let rows = json!([
        row("c", "other", "2026-01-03T00:00:00.000Z"),
        row("b", "ours", "2026-01-02T00:00:00.000Z"),
        row("a", "ours", "2026-01-01T00:00:00.000Z"),
    ]);
    let site = open_site(move |seen| match seen.json()["where"] {
        Value::Null => answer(rows.clone()),
        _ => refuse(400, "unknown filter"),
    })
    .await;
    let tasks = tower(&site).tasks_described(&["ours"], Some("2026-01-02T00:00:00.000Z")).await.unwrap();
    assert_eq!(tasks.iter().map(|task| task.id.as_str()).collect::<Vec<_>>(), ["b"]);
    assert!(site.seen().last().unwrap().json()["first"].as_u64() > site.seen()[1].json()["first"].as_u64());
}

#[tokio::test]
async fn thresholds_are_sent_for_one_row_with_the_global_ones_unchanged_and_without_typename_if_refused() {
    let threshold = |severity: &str, value: u32| json!({"severity": severity, "value": value});
    let site = open_site(move |seen| {
        if seen.json().to_string().contains("__typename") {
            return answer(json!({"errors": [{"message": "Field \"__typename\" is not defined"}]}));
        }
        let rows = json!([{
            "id": "row-2", "customized": true,
            "thresholds": [threshold("NOTICE", 61), threshold("CRITICAL", 90)],
        }]);
        answer(json!({"data": {"updateGlobalAlertRule": {"id": "r1", "alert_rules": rows}}}))
    })
    .await;
    let rule: GlobalAlertRule = serde_json::from_value(json!({
        "id": "r1", "name": "rule", "disabled": false,
        "thresholds": [threshold("NOTICE", 80), threshold("CRITICAL", 90)],
        "alert_rules": [{"id": "row-1", "cluster": {"id": "c1"}}, {"id": "row-2", "cluster": {"id": "c2"}}],
    }))
    .unwrap();
    let row = rule.of_cluster("c2").unwrap();
    tower(&site).set_thresholds(&rule, row, 61, 90).await.unwrap();
    let sent = &site.seen()[2].json()["variables"];
    let item = |value: u32, severity: &str| json!({"value": value, "severity": severity, "quantile": 0});
    assert_eq!(sent["where"], json!({"id": "r1"}));
    assert_eq!(sent["data"]["thresholds"], json!([item(80, "NOTICE"), item(90, "CRITICAL")]));
    let update = json!([{
        "where": {"id": "row-2"},
        "data": {
            "customized": true, "disabled": false,
            "thresholds": [item(90, "CRITICAL"), item(61, "NOTICE")],
        },
    }]);
    assert_eq!(sent["data"]["alert_rules"], json!({"update": update}));
}

#[tokio::test]
async fn the_default_root_is_made_by_the_captured_route_and_a_planned_one_in_clear_text_by_rest() {
    let site = TestSite::start(|seen| match seen.path.as_str() {
        "/api" => answer(json!({"data": {"createUser": {"id": "u1"}}})),
        _ => refuse(404, "no such operation"),
    })
    .await;
    let tower = tower(&site);
    let now = "2026-01-02T03:04:05.678Z".parse().unwrap();
    tower.create_default_root(now).await.unwrap();
    assert!(!tower.create_planned_root().await.unwrap(), "the call is refused: another way is needed");
    let seen = site.seen();
    assert_eq!(seen[0].json()["variables"]["now"], "2026-01-02T03:04:05.678Z");
    assert_eq!(
        (seen[1].line().as_str(), seen[1].json()),
        ("POST /v2/api/create-root-user", json!({"password": PLANNED}))
    );
    assert!(seen.iter().all(|seen| header(seen, "authorization").is_none()));
}

#[tokio::test]
async fn ntp_servers_are_sent_with_commas_and_read_with_either_separator() {
    let site = open_site(|_| answer(json!({"ntp_service_url": "10.0.0.2; ntp.example,10.0.0.3"}))).await;
    let servers = tower(&site).ntp_servers().await.unwrap();
    assert_eq!(servers, ["10.0.0.2", "ntp.example", "10.0.0.3"]);
    assert_eq!(site.seen()[1].body, b"", "the call has no body");
}

#[test]
fn every_graphql_operation_that_is_sent_has_its_document() {
    for (name, text) in crate::embed::GRAPHQL {
        assert!(text.contains(&format!(" {name}")), "{name}");
    }
}
