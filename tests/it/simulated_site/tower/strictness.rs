//! What a strict CloudTower refuses and counts, and what it does not (site-behaviour §8).

use super::*;

/// Every breach that these requests have made.
fn breaches(raw: &Raw) -> usize {
    raw.site.ledger().breaches.len()
}

#[test]
fn requests_outside_the_rest_contract_are_refused_and_counted() {
    on_tower(INSTALLED, async |raw| {
        raw.tower_set_up().await;
        for (operation, body) in [
            ("create-datacenter", json!([{"name": "n"}])),
            ("create-datacenter", json!([{"organization_id": "o", "name": "n", "more": 1}])),
            ("create-datacenter", json!([{"organization_id": "o", "name": 1}])),
            ("get-clusters", json!({"where": {"nam": "x"}})),
            ("get-clusters", json!([])),
            ("get-clusters", json!({"after": "x"})),
        ] {
            let before = breaches(raw);
            let (status, answer) = raw.ask(operation, &body).await;
            assert_eq!((status.as_u16(), breaches(raw)), (400, before + 1), "{operation} {body} {answer}");
        }
        let before = breaches(raw);
        assert_eq!(raw.ask("get-everything", &json!({})).await.0.as_u16(), 404);
        let request = raw.client.get(tower_url("get-clusters")).send().await.unwrap();
        assert_eq!(request.status().as_u16(), 404);
        let request = raw.client.post(tower_url("get-clusters")).header("x-smartx-token", "t");
        assert_eq!(request.json(&json!({})).send().await.unwrap().status().as_u16(), 400);
        let request = raw.client.post(tower_url("get-clusters")).body("{}").send().await.unwrap();
        assert_eq!(request.status().as_u16(), 400);
        assert_eq!(breaches(raw), before + 4);
    });
}

#[test]
fn a_lenient_site_lets_unknown_fields_pass() {
    on_tower("[site]\nlenient = true\n[site.tower]\ninstalled = true\n", async |raw| {
        raw.tower_set_up().await;
        let organization = raw.rest("get-organizations", &json!({})).await[0]["id"].clone();
        raw.rest("create-datacenter", &json!([{"organization_id": organization, "name": "n", "more": 1}]))
            .await;
        assert_eq!(breaches(raw), 0);
    });
}

#[test]
fn graphql_that_the_schema_does_not_know_is_refused_with_status_200() {
    on_tower(INSTALLED, async |raw| {
        raw.tower_set_up().await;
        let good = "query checkTowerIsSetup { userCreated { created } }";
        for (name, query, variables) in [
            ("login", good, json!({})),
            ("checkTowerIsSetup", "query checkTowerIsSetup { userCreated { created by } }", json!({})),
            ("checkTowerIsSetup", "query checkTowerIsSetup { userCreated(id: 1) { created } }", json!({})),
            ("checkTowerIsSetup", "query checkTowerIsSetup { nothing { id } }", json!({})),
            ("checkTowerIsSetup", "query checkTowerIsSetup { userCreated { created }", json!({})),
            ("checkTowerIsSetup", good, json!({"x": 1})),
        ] {
            let before = breaches(raw);
            let answer = raw.graphql(name, query, &variables).await;
            assert!(answer["errors"][0]["message"].is_string(), "{answer}");
            assert_eq!((&answer["data"], breaches(raw)), (&Value::Null, before + 1), "{query}");
        }
        let unknown = json!({"operationName": "somethingElse", "variables": {}, "query": good});
        let url = format!("https://{TOWER}/api");
        assert_eq!(raw.tower_try(&url, Some(&raw.token), Some(&unknown)).await.0.as_u16(), 404);
        let aliased = "query checkTowerIsSetup { u: userCreated { c: created __typename } }";
        let data = raw.graphql_data("checkTowerIsSetup", aliased, &json!({})).await;
        assert_eq!(data, json!({"u": {"c": true, "__typename": "UserCreated"}}));
    });
}

#[test]
fn without_a_token_it_is_a_breach_and_with_a_stale_one_everyday_life() {
    let variants = ["error-body", "empty", "graphql-errors"];
    for variant in variants {
        let scenario = format!("{INSTALLED}[variants.tower]\nunauthorized = '{variant}'\n");
        on_tower(&scenario, async |raw| {
            raw.tower_set_up().await;
            let url = tower_url("get-clusters");
            let (status, answer) = raw.tower_try(&url, None, Some(&json!({}))).await;
            assert_eq!((status.as_u16(), breaches(raw)), (401, 1), "{answer}");
            assert_eq!(answer.is_object(), variant != "empty");
            raw.tower_try(&url, Some(&format!("Bearer {}", raw.token)), Some(&json!({}))).await;
            raw.faults("[[fault]]\noperation = 'tower.get-clusters'\naction = 'expire-tokens'\n");
            assert_eq!(raw.ask("get-clusters", &json!({})).await.0.as_u16(), 401);
            let query = "query deployedLicense { deploys(first: 1) { id } }";
            let body = json!({"operationName": "deployedLicense", "variables": {}, "query": query});
            let url = format!("https://{TOWER}/api");
            let (status, answer) = raw.tower_try(&url, Some(&raw.token), Some(&body)).await;
            let in_errors =
                answer["errors"][0]["message"].as_str().is_some_and(|text| text.contains("not login"));
            assert_eq!(
                (status.as_u16() == 200, in_errors),
                (variant == "graphql-errors", variant == "graphql-errors")
            );
            assert_eq!(breaches(raw), 1);
            raw.tower_login().await;
            raw.rest("get-clusters", &json!({})).await;
        });
    }
}

#[test]
fn port_80_redirects_and_a_password_sent_there_is_a_breach() {
    on_tower(INSTALLED, async |raw| {
        let login = json!({"username": "root", "password": "x"});
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let proxy = reqwest::Proxy::all(raw.site.proxy_url().replace("socks5:", "socks5h:")).unwrap();
        let client = client.proxy(proxy).build().unwrap();
        let answer = client.post(format!("http://{TOWER}/v2/api/login")).json(&login).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 301);
        assert_eq!(answer.headers()["location"], tower_url("login"));
        assert_eq!(breaches(raw), 1);
    });
}

#[test]
fn lists_come_in_another_order_each_time_unless_one_is_asked() {
    on_tower(INSTALLED, async |raw| {
        raw.attached().await;
        let mut orders = std::collections::BTreeSet::new();
        for _ in 0..12 {
            let hosts = raw.rest("get-hosts", &json!({})).await;
            orders.insert(
                hosts.as_array().unwrap().iter().map(|host| host["name"].to_string()).collect::<String>(),
            );
        }
        assert!(orders.len() > 1, "{orders:?}");
        let page = json!({"orderBy": "name_DESC", "first": 1, "skip": 1});
        assert_eq!(raw.rest("get-hosts", &page).await[0]["name"], "node-2");
    });
}
