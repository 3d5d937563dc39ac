//! First run: start-up, root user, passwords, organisation, licence, NTP (site-behaviour §7.1, §7.2).

use super::*;

const CREATE_ROOT: &str = "mutation createRootUser($root_password: String!, $now: DateTime!) { \
    createUser(data: {name: \"root\", source: LOCAL, role: ROOT, username: \"root\", display_username: \"root\", \
    password: $root_password, password_recover_qa: {enabled: false, items: []}, password_updated_at: $now}, \
    effect: {encoded: true}) { id } }";
const CREATE_ORGANIZATION: &str = "mutation createOrganization($data: OrganizationCreateInput!) { \
    createOrganization(data: $data) { id } }";
const IS_SET_UP: &str =
    "query checkTowerIsSetup { organizations(first: 1) { id name } userCreated { created } }";
const LOGIN: &str =
    "mutation login($data: LoginInput!) { login(data: $data, effect: {encoded: true}) { token need_mfa } }";
const ENCODED_FOR_CREATION: &str =
    "NzllNTE3NTgxYWY5NDY3ODM4ZTczMTg1MDc4YmM3YzQ6eVpSSTlodUNxNDBNL3J4ZTViZ1dqZz09";
const ENCODED_FOR_LOGIN: &str =
    "NmQwNTQ2MTI4MDQxMjgzYTk3NDU3OGZmYjk3NmFhNGM6dm40by9nOE0xZ0ZjVmxBSmR2Nmk3QT09";

fn new_root(password: &str) -> Value {
    json!({"root_password": password, "now": "2026-01-02T03:04:05.678Z"})
}

#[test]
fn without_a_machine_the_address_is_silent() {
    on_tower("", async |raw| {
        let url = tower_url("get-version");
        let failed = raw.client.get(&url).send().await.unwrap_err();
        assert!(failed.is_timeout() || failed.is_connect(), "{failed:?}");
        assert_eq!(raw.site.site_state()["cloudtower"]["installed"], false);
    });
}

#[test]
fn the_captured_first_run_makes_one_user_and_one_organisation() {
    on_tower(INSTALLED, async |raw| {
        raw.token.clear();
        let fresh = json!({"organizations": [], "userCreated": {"created": false}});
        assert_eq!(raw.graphql_data("checkTowerIsSetup", IS_SET_UP, &json!({})).await, fresh);
        let made = raw.graphql_data("createRootUser", CREATE_ROOT, &new_root(ENCODED_FOR_CREATION)).await;
        assert!(made["createUser"]["id"].as_str().unwrap().starts_with('c'));
        let name = json!({"data": {"name": "ORG"}});
        let made = raw.graphql_data("createOrganization", CREATE_ORGANIZATION, &name).await;
        let set = raw.graphql_data("checkTowerIsSetup", IS_SET_UP, &json!({})).await;
        assert_eq!(set["organizations"][0]["id"], made["createOrganization"]["id"]);
        assert_eq!(
            (&set["organizations"][0]["name"], &set["userCreated"]["created"]),
            (&json!("ORG"), &json!(true))
        );

        for (operation, query, variables) in [
            ("createRootUser", CREATE_ROOT, new_root(ENCODED_FOR_CREATION)),
            ("createOrganization", CREATE_ORGANIZATION, name),
        ] {
            let again = raw.graphql(operation, query, &variables).await;
            assert_eq!(again["data"], Value::Null);
            assert!(again["errors"][0]["message"].as_str().unwrap().contains("already exists"), "{again}");
        }
        let ledger = raw.site.ledger();
        assert_eq!((ledger.root_users.count, ledger.organizations["ORG"].count), (1, 1));
        raw.tower_login().await;
        assert!(raw.site.ledger().breaches.is_empty(), "{:?}", raw.site.ledger().breaches);
    });
}

#[test]
fn a_password_code_that_nobody_can_decode_locks_everybody_out() {
    on_tower(INSTALLED, async |raw| {
        raw.token.clear();
        raw.graphql_data("createRootUser", CREATE_ROOT, &new_root("AAAA")).await;
        assert_eq!(raw.try_tower_login("AAAA").await.0.as_u16(), 401);
        assert_eq!(raw.try_tower_login(PASSWORD).await.0.as_u16(), 401);
        assert_eq!(raw.site.ledger().refused_logins[&TOWER.parse().unwrap()].count, 2);
    });
}

#[test]
fn a_planned_password_is_set_by_the_clear_text_calls() {
    on_tower(INSTALLED, async |raw| {
        let new = json!({"password": "first"});
        let url = tower_url("create-root-user");
        let (status, made) = raw.tower_try(&url, None, Some(&new)).await;
        assert_eq!((status.as_u16(), &made["data"]["username"]), (200, &json!("root")), "{made}");
        let (status, again) = raw.tower_try(&url, None, Some(&new)).await;
        assert_eq!(status.as_u16(), 400);
        assert!(again["message"].as_str().unwrap().contains("already exists"));

        let (_, answer) = raw.try_tower_login("first").await;
        answer["data"]["token"].as_str().unwrap().clone_into(&mut raw.token);
        let update =
            json!({"where": {"username": "root", "source": "LOCAL"}, "data": {"password": PASSWORD}});
        let updated = raw.rest("update-user", &update).await;
        assert_eq!(updated[0]["data"]["username"], "root");
        assert_eq!(raw.try_tower_login("first").await.0.as_u16(), 401);
        raw.tower_login().await;
        assert_eq!(raw.site.ledger().tower_passwords.count, 1);
    });
}

#[test]
fn a_graphql_login_gives_a_token_and_one_good_and_one_malformed_cookie() {
    on_tower("[site.tower]\ninstalled = true\nroot_password = 'HC!r0cks'\n", async |raw| {
        let data = json!({"data": {
            "username": "root", "password": ENCODED_FOR_LOGIN, "source": "LOCAL", "auth_config_id": null}});
        let body = json!({"operationName": "login", "variables": data, "query": LOGIN});
        let response = raw.client.post(format!("https://{TOWER}/api")).json(&body).send().await.unwrap();
        let cookies: Vec<String> =
            response.headers().get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_owned()).collect();
        assert!(cookies[0].starts_with("connect.sid=") && cookies[1].starts_with("path="), "{cookies:?}");
        assert!(response.headers().contains_key("x-tower-request-id"));
        let answer: Value = response.json().await.unwrap();
        answer["data"]["login"]["token"].as_str().unwrap().clone_into(&mut raw.token);
        assert_eq!(raw.token.split('.').count(), 3);
        raw.rest("get-users", &json!({})).await;
    });
}

#[test]
fn ntp_servers_are_sent_with_commas_and_read_with_semicolons() {
    on_tower(INSTALLED, async |raw| {
        raw.tower_set_up().await;
        let query = "mutation updateCloudTowerNtpUrl($data: NtpCommonUpdateInput!) { \
                     updateCloudTowerNtpUrl(data: $data) { ntp_service_url } }";
        let read = async || raw.tower_try(&tower_url("get-ntp-service-url"), Some(&raw.token), None).await.1;
        assert_eq!(read().await, json!({"ntp_service_url": ""}));
        let servers = json!({"data": {"ntp_service_url": "10.7.3.1,ntp.example"}});
        let set = raw.graphql_data("updateCloudTowerNtpUrl", query, &servers).await;
        assert_eq!(set["updateCloudTowerNtpUrl"]["ntp_service_url"], "10.7.3.1;ntp.example");
        assert_eq!(read().await, json!({"ntp_service_url": "10.7.3.1;ntp.example"}));
    });
}

#[test]
fn the_licence_is_the_same_by_either_interface() {
    on_tower(INSTALLED, async |raw| {
        raw.tower_set_up().await;
        let query =
            "query deployedLicense { deploys(first: 1) { id license { license_serial type vendor } } }";
        let deploys = raw.graphql_data("deployedLicense", query, &json!({})).await["deploys"].clone();
        let licences = raw.rest("get-licenses", &json!({})).await;
        assert_eq!(deploys[0]["license"]["license_serial"], licences[0]["license_serial"]);
        assert_eq!(deploys[0]["license"]["type"], "TRIAL");
        let rest = raw.rest("get-deploys", &json!({})).await;
        assert_eq!(rest[0]["license"], json!({"id": licences[0]["id"]}));
        let version = raw.client.get(tower_url("get-version")).send().await.unwrap();
        assert_eq!(version.json::<Value>().await.unwrap(), rest[0]["version"]);
    });
}

#[test]
fn a_half_set_up_tower_keeps_the_half_it_has() {
    let scenario = "[site.tower]\ninstalled = true\norganizations = ['OTHER']\n";
    on_tower(scenario, async |raw| {
        raw.token.clear();
        let found = raw.graphql_data("checkTowerIsSetup", IS_SET_UP, &json!({})).await;
        assert_eq!(found["organizations"][0]["name"], "OTHER");
        assert_eq!(found["userCreated"]["created"], false);
        assert!(raw.site.ledger().organizations.is_empty());
    });
}

#[test]
fn what_lives_here_can_be_told_before_anything_is_set_up() {
    on_tower(INSTALLED, async |raw| {
        let answer = raw.client.get(tower_url("login")).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        assert!(body["code"].is_string() && body["message"].is_string(), "{body}");
        assert!(raw.site.ledger().breaches.is_empty());
    });
}
