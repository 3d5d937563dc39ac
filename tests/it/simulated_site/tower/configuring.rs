//! Policy, alert rule, views, graphs, racks of an attached cluster (site-behaviour §7.2, §7.6).

use super::*;

const SET_POLICY: &str = "mutation updateClusterSettings($where: ClusterSettingsWhereUniqueInput!, \
    $data: ClusterSettingsUpdateInput!) { updateClusterSettings(where: $where, data: $data) { \
    id default_storage_policy default_storage_policy_replica_num default_storage_policy_thin_provision } }";
const RULES: &str = "query globalAlertRules($where: GlobalAlertRuleWhereInput, $orderBy: \
    GlobalAlertRuleOrderByInput, $skip: Int, $first: Int) { globalAlertRules(where: $where, orderBy: $orderBy, \
    skip: $skip, first: $first) { id name thresholds { severity value } alert_rules { id customized disabled \
    thresholds { severity value } cluster { id name } } } globalAlertRulesConnection(where: $where) { \
    aggregate { count } } }";
const SET_RULE: &str = "mutation updateGlobalAlertRule($data: GlobalAlertRuleUpdateInput!, $where: \
    GlobalAlertRuleWhereUniqueInput!) { updateGlobalAlertRule(data: $data, where: $where) { id thresholds { \
    value severity } alert_rules { id customized thresholds { value severity } cluster { id name } } } }";
const CAPACITY: &str = "zbs_cluster_data_space_use_rate";

fn policy(settings: &Value, name: &str, replicas: u8, thin: bool) -> Value {
    json!({"where": {"id": settings}, "data": {
        "default_storage_policy": name, "default_storage_policy_replica_num": replicas,
        "default_storage_policy_ec_k": null, "default_storage_policy_ec_m": null,
        "default_storage_policy_thin_provision": thin}})
}

#[test]
fn the_default_policy_is_echoed_and_its_five_fields_must_agree() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await;
        let name = "REPLICA_2_THIN_PROVISION";
        let wanted = policy(&cluster["settings"]["id"], name, 2, true);
        let set = raw.graphql_data("updateClusterSettings", SET_POLICY, &wanted).await;
        let set = &set["updateClusterSettings"];
        assert_eq!(
            (&set["default_storage_policy"], &set["default_storage_policy_replica_num"]),
            (&json!(name), &json!(2))
        );
        let read =
            raw.rest("get-cluster-settingses", &json!({"where": {"cluster": {"id": cluster["id"]}}})).await;
        assert_eq!((&read[0]["default_storage_policy"], &read[0]["id"]), (&json!(name), &set["id"]));
        for wrong in
            [policy(&cluster["settings"]["id"], name, 3, true), policy(&cluster["id"], name, 2, true)]
        {
            let answer = raw.graphql("updateClusterSettings", SET_POLICY, &wrong).await;
            assert!(answer["errors"][0]["message"].is_string() && answer["data"].is_null(), "{answer}");
        }
        assert_eq!(raw.site.ledger().settings_writes.count, 1);
        raw.rest("update-cluster-ha-setting", &json!({"where": {"id": cluster["id"]}, "ha": true})).await;
        raw.pass(3).await;
        assert_eq!(raw.site.site_state()["cloudtower"]["clusters"][0]["ha"], true);
    });
}

#[test]
fn the_capacity_rule_lies_beyond_the_first_page_and_one_cluster_of_it_is_written() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await;
        let captured = json!({"AND": [{"AND": [
            {"alert_rules_some": {}}, {"name_not_starts_with": "elf_"}, {"name_not_starts_with": "scvm_"},
            {"object_not_in": ["SKS_SERVICE", "SKS_REGISTRY", "SKS_CLUSTER", "SKS_CLUSTER_NODE", "SKS_PV", "SKS_PVC"]}]}]});
        let page = |skip| json!({"where": captured, "orderBy": "id_ASC", "skip": skip, "first": 50});
        let first = raw.graphql_data("globalAlertRules", RULES, &page(0)).await;
        assert_eq!(first["globalAlertRulesConnection"]["aggregate"]["count"], 94);
        let target = |rules: &Value| {
            rules["globalAlertRules"]
                .as_array()
                .unwrap()
                .iter()
                .find(|rule| rule["name"] == CAPACITY)
                .cloned()
        };
        assert_eq!((first["globalAlertRules"].as_array().unwrap().len(), target(&first)), (50, None));
        let second = raw.graphql_data("globalAlertRules", RULES, &page(50)).await;
        let rule = target(&second).unwrap();
        let row = &rule["alert_rules"][0];
        assert_eq!((&row["cluster"]["id"], &row["customized"]), (&cluster["id"], &json!(false)));

        let threshold = |severity: &str, value: u8| json!({"value": value, "severity": severity, "quantile": 0, "__typename": "Thresholds"});
        let update = json!({"where": {"id": rule["id"]}, "data": {
            "disabled": false, "thresholds": [threshold("NOTICE", 80), threshold("CRITICAL", 90)],
            "alert_rules": {"update": [{"where": {"id": row["id"]}, "data": {
                "customized": true, "disabled": false,
                "thresholds": [threshold("CRITICAL", 90), threshold("NOTICE", 61)]}}]}}});
        let set = raw.graphql_data("updateGlobalAlertRule", SET_RULE, &update).await;
        let set = &set["updateGlobalAlertRule"];
        assert_eq!(set["thresholds"][0], json!({"value": 80, "severity": "NOTICE"}));
        assert_eq!(set["alert_rules"][0]["thresholds"][1], json!({"value": 61, "severity": "NOTICE"}));

        let filter =
            json!({"where": {"cluster": {"id": cluster["id"]}, "global_alert_rule": {"name": CAPACITY}}});
        let read = raw.rest("get-alert-rules", &filter).await;
        assert_eq!((read.as_array().unwrap().len(), &read[0]["customized"]), (1, &json!(true)));
        let ledger = raw.site.ledger();
        assert_eq!(ledger.alert_writes["made-up"].count, 1);
        assert!(!ledger.alert_writes.contains_key("global"), "the global rule was not changed");

        let customize = json!({"where": {"name": CAPACITY}, "data": {"clusters": {"id": cluster["id"]},
            "disabled": false, "thresholds": [{"severity": "CRITICAL", "value": 90}, {"severity": "NOTICE", "value": 70}]}});
        raw.rest("update-customize-alert-rule", &customize).await;
        let end = raw.site.site_state()["cloudtower"]["alert_rules"].clone();
        assert_eq!(end.as_array().unwrap().len(), 1);
        assert_eq!(end[0]["customized"]["made-up"][1], json!({"severity": "NOTICE", "value": 70}));
    });
}

#[test]
fn views_and_graphs_are_made_by_tasks_and_duplicates_are_counted() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await;
        let view =
            json!([{"name": "Host", "cluster_id": cluster["id"], "time_unit": "HOUR", "time_span": 2}]);
        let made = raw.rest("create-view", &view).await;
        let id = made[0]["data"]["id"].clone();
        assert_eq!(made[0]["data"]["entityAsyncStatus"], "CREATING");
        assert_eq!(raw.rest("get-tasks", &json!({"where": {"id": made[0]["task_id"]}})).await, json!([]));
        assert_eq!(raw.task(&made[0]["task_id"]).await["status"], "PENDING");

        let hosts = raw.rest("get-hosts", &json!({"where": {"cluster": {"id": cluster["id"]}}})).await;
        let hosts: Vec<&Value> = hosts.as_array().unwrap().iter().map(|host| &host["id"]).collect();
        let graph = json!([{"type": "AREA", "resource_type": "host", "view_id": id, "title": "CPU",
            "cluster_id": cluster["id"], "connect_id": hosts, "metric_name": "host_cpu_overall_usage_percent"}]);
        let (status, early) = raw.ask("create-graph", &graph).await;
        assert_eq!((status.as_u16(), &early["code"]), (400, &json!("ResourceLocked")));
        raw.pass(3).await;
        assert_eq!(raw.task(&made[0]["task_id"]).await["status"], "SUCCESSED");
        raw.rest("create-graph", &graph).await;
        raw.rest("create-graph", &graph).await;
        let mut wrong = graph.clone();
        wrong[0]["connect_id"] = json!(["nobody"]);
        assert_eq!(raw.refused("create-graph", &wrong).await.0, 404);
        raw.pass(3).await;
        let graphs = raw.rest("get-graphs", &json!({"where": {"view": {"name": "Host"}}})).await;
        assert_eq!((graphs.as_array().unwrap().len(), graphs[0]["hosts"].as_array().unwrap().len()), (2, 3));
        let counts = raw.site.ledger();
        assert_eq!(
            (counts.views["Host"].count, counts.graphs["Host/host_cpu_overall_usage_percent"].count),
            (1, 2)
        );
        let found = raw
            .rest("get-views", &json!({"where": {"cluster": {"id": cluster["id"]}, "name": "Host"}}))
            .await;
        assert_eq!(found[0]["graphs"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn nodes_are_racked_and_nothing_overlaps() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await;
        let here = json!({"where": {"cluster": {"id": cluster["id"]}}});
        let zone = raw.rest("get-zone-topoes", &here).await[0].clone();
        assert_eq!(zone["rack_topoes"], json!([]));
        raw.rest("get-cluster-topoes", &here).await;
        let rack =
            json!([{"name": "R1", "height": 42, "cluster_id": cluster["id"], "zone_topo_id": zone["id"]}]);
        let rack = raw.rest("create-rack-topo", &rack).await[0]["data"]["id"].clone();
        raw.pass(3).await;
        let brick = |name: &str, position: u8| {
            json!([{"name": name, "height": 2, "position": position, "cluster_id": cluster["id"],
                "rack_topo_id": rack, "capacity": {"row": 1, "column": 1}}])
        };
        let first = raw.rest("create-brick-topo", &brick("B1", 10)).await[0]["data"]["id"].clone();
        let (_, why) = raw.refused("create-brick-topo", &brick("B2", 11)).await;
        assert!(why.contains("B1"), "{why}");
        assert_eq!(raw.refused("create-brick-topo", &brick("B2", 42)).await.0, 400);
        let second = raw.rest("create-brick-topo", &brick("B2", 12)).await[0]["data"]["id"].clone();
        raw.pass(3).await;

        let nodes = raw.rest("get-node-topoes", &json!({"orderBy": "name_ASC"})).await;
        assert_eq!((nodes.as_array().unwrap().len(), &nodes[0]["brick_topo"]), (3, &Value::Null));
        let topo = &nodes[0]["cluster_topo"]["id"];
        let seat = |node: &Value, brick: &Value| {
            json!([{"where": {"id": node["id"]}, "data": {
                "brick_topo_id": brick, "cluster_topo_id": topo, "position": {"row": 1, "column": 1}}}])
        };
        raw.rest("move-node-topo", &seat(&nodes[0], &first)).await;
        raw.pass(3).await;
        assert_eq!(
            raw.refused("move-node-topo", &seat(&nodes[1], &first)).await.1,
            "another node sits there"
        );
        raw.rest("move-node-topo", &seat(&nodes[1], &second)).await;
        raw.pass(3).await;
        let seated = raw.rest("get-node-topoes", &json!({"where": {"brick_topo": {"id": first}}})).await;
        assert_eq!((&seated[0]["name"], &seated[0]["position"]["row"]), (&json!("node-1"), &json!(1)));

        let moved = json!({"where": {"id": first}, "data": {"position": 20}});
        raw.rest("move-brick-topo", &moved).await;
        raw.pass(3).await;
        let racks = raw.site.site_state()["cloudtower"]["racks"].clone();
        assert_eq!((&racks[0]["name"], racks[0]["chassis"].as_array().unwrap().len()), (&json!("R1"), 2));
        let moves = raw.site.ledger().moves;
        assert_eq!(moves.keys().collect::<Vec<_>>(), ["B1", "node-1", "node-2"]);
        let bricks = raw.rest("get-brick-topoes", &json!({"where": {"position": 20}})).await;
        assert_eq!(bricks[0]["node_topoes"][0]["name"], "node-1");
        assert_eq!(raw.rest("get-rack-topoes", &here).await[0]["brick_topoes"].as_array().unwrap().len(), 2);
    });
}
