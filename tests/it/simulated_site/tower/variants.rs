//! The knobs for what is unknown about the real service (M in site-behaviour): each changes what it says it does.

use super::*;

#[test]
fn a_task_may_be_listed_at_once() {
    let scenario = format!("{INSTALLED}[variants.tower]\nfirst_task_list = 'listed'\n");
    on_tower(&scenario, async |raw| {
        let datacenter = raw.both_ready().await;
        let made = raw.rest("connect-cluster", &connect(&datacenter)).await;
        let tasks = raw.rest("get-tasks", &json!({"where": {"id_in": [made[0]["task_id"]]}})).await;
        assert_eq!(tasks[0]["status"], "PENDING");
        let last = json!({"where": {"resource_id": made[0]["data"]["id"], "resource_mutation": "CREATE"},
            "orderBy": "local_created_at_DESC", "first": 1});
        assert_eq!(raw.rest("get-tasks", &last).await[0]["id"], made[0]["task_id"]);
    });
}

#[test]
fn a_cluster_may_show_its_serial_from_the_start() {
    for (variant, there) in [("null", false), ("set", true)] {
        let scenario = format!("{INSTALLED}[variants.tower]\nearly_local_id = '{variant}'\n");
        on_tower(&scenario, async |raw| {
            let datacenter = raw.both_ready().await;
            let made = raw.rest("connect-cluster", &connect(&datacenter)).await;
            assert_eq!(made[0]["data"]["local_id"].is_string(), there);
        });
    }
}

#[test]
fn a_second_organisation_of_one_name_is_refused_or_a_twin() {
    for (variant, count) in [("refused", 1), ("twin", 2)] {
        let scenario = format!("{INSTALLED}[variants.tower]\nsecond_organization = '{variant}'\n");
        on_tower(&scenario, async |raw| {
            raw.tower_set_up().await;
            let (status, answer) = raw.ask("create-organization", &json!([{"name": "ORG"}])).await;
            assert_eq!(status.is_success(), count == 2, "{answer}");
            let all = raw.rest("get-organizations", &json!({"where": {"name": "ORG"}})).await;
            assert_eq!(all.as_array().unwrap().len(), count);
        });
    }
}

#[test]
fn the_type_name_in_thresholds_may_be_refused_and_changes_nothing_then() {
    let scenario = format!("{INSTALLED}[variants.tower]\ntypename_input = 'refused'\n");
    on_tower(&scenario, async |raw| {
        raw.attached().await;
        let find = "query globalAlertRules($where: GlobalAlertRuleWhereInput) { globalAlertRules(where: $where) { \
                    id alert_rules { id } } }";
        let wanted = json!({"where": {"name": "zbs_cluster_data_space_use_rate"}});
        let rules = raw.graphql_data("globalAlertRules", find, &wanted).await;
        let rule = &rules["globalAlertRules"][0];
        let set = "mutation updateGlobalAlertRule($data: GlobalAlertRuleUpdateInput!, \
                   $where: GlobalAlertRuleWhereUniqueInput!) { updateGlobalAlertRule(data: $data, where: $where) { \
                   alert_rules { customized } } }";
        let update = |extra: Value| {
            let threshold = |severity: &str, value: u8| {
                let mut item = json!({"value": value, "severity": severity, "quantile": 0});
                item.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
                item
            };
            json!({"where": {"id": rule["id"]}, "data": {"alert_rules": {"update": [{
                "where": {"id": rule["alert_rules"][0]["id"]},
                "data": {"customized": true, "disabled": false,
                    "thresholds": [threshold("CRITICAL", 90), threshold("NOTICE", 61)]}}]}}})
        };
        let named = update(json!({"__typename": "Thresholds"}));
        let refused = raw.graphql("updateGlobalAlertRule", set, &named).await;
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains("__typename"), "{refused}");
        assert!(raw.site.ledger().alert_writes.is_empty());
        let plain = update(json!({}));
        let done = raw.graphql_data("updateGlobalAlertRule", set, &plain).await;
        assert_eq!(done["updateGlobalAlertRule"]["alert_rules"][0]["customized"], true);
        assert!(raw.site.ledger().breaches.is_empty(), "a refused type name is no breach");
    });
}

#[test]
fn port_80_may_answer_by_itself() {
    on_tower("[site.tower]\ninstalled = true\nhttp_answers = true\n", async |raw| {
        let version = raw.client.get(format!("http://{TOWER}/v2/api/get-version")).send().await.unwrap();
        assert!(version.json::<Value>().await.unwrap().is_string());
        assert!(raw.site.ledger().breaches.is_empty());
    });
}

#[test]
fn a_success_on_the_wire_can_carry_errors() {
    let scenario = format!(
        "{INSTALLED}[[fault]]\noperation = 'tower.createOrganization'\n\
         action = {{ status = {{ status = 200, body = '{{\"errors\":[{{\"message\":\"boom\"}}],\"data\":null}}' }} }}\n"
    );
    on_tower(&scenario, async |raw| {
        raw.token.clear();
        let query = "mutation createOrganization($data: OrganizationCreateInput!) { \
                     createOrganization(data: $data) { id } }";
        let name = json!({"data": {"name": "ORG"}});
        let failed = raw.graphql("createOrganization", query, &name).await;
        assert_eq!((&failed["errors"][0]["message"], &failed["data"]), (&json!("boom"), &Value::Null));
        assert!(raw.site.ledger().organizations.is_empty());
        assert!(
            raw.graphql_data("createOrganization", query, &name).await["createOrganization"]["id"]
                .is_string()
        );
    });
}
