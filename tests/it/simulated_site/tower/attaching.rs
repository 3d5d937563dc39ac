//! Attaching a cluster: what shows when, what agrees with the cluster, and how it fails (site-behaviour §7.3, §7.4).

use super::*;

#[test]
fn a_cluster_fills_up_bit_by_bit_until_its_settings_exist() {
    on_tower(INSTALLED, async |raw| {
        let datacenter = raw.both_ready().await;
        let made = raw.rest("connect-cluster", &connect(&datacenter)).await;
        let (task, row) = (made[0]["task_id"].clone(), made[0]["data"].clone());
        assert_eq!((&row["connect_state"], &row["name"]), (&json!("INITIALIZING"), &json!("made-up")));
        assert_eq!((&row["hosts"], &row["dns"], &row["settings"]), (&json!([]), &json!([]), &Value::Null));
        let body = json!({"where": {"id": row["id"]}});
        let look = async |seconds| {
            raw.pass(seconds).await;
            raw.rest("get-clusters", &body).await[0].clone()
        };
        let row = look(3).await;
        assert_eq!((&row["host_num"], &row["vdses"]), (&json!(3), &json!([])));
        let row = look(2).await;
        assert_eq!(
            (row["vdses"].as_array().unwrap().len(), &row["connect_state"]),
            (3, &json!("INITIALIZING"))
        );
        let row = look(6).await;
        assert_eq!((&row["connect_state"], &row["settings"]), (&json!("CONNECTED"), &Value::Null));
        assert_eq!(raw.task(&task).await["status"], "EXECUTING");
        let row = look(3).await;
        assert!(row["settings"]["id"].is_string());
        raw.pass(10).await;
        let task = raw.task(&task).await;
        assert_eq!((&task["status"], &task["progress"]), (&json!("SUCCESSED"), &json!(1.0)));
        assert_eq!(raw.site.ledger().connections[&VIP.parse().unwrap()].count, 1);
        let end = raw.site.site_state()["cloudtower"]["clusters"].clone();
        assert_eq!(end[0]["datacenters"], json!(["DC"]));
    });
}

#[test]
fn what_cloudtower_shows_agrees_with_the_cluster() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await;
        let tower_token = raw.token.clone();
        raw.log_in().await;
        let licence = raw.get(&format!("https://{FIRST}/api/v2/tools/license")).await;
        let switches = raw.get(&format!("https://{FIRST}/api/v2/network/vds")).await;
        raw.token = tower_token;
        assert_eq!(
            (&cluster["local_id"], &cluster["license_serial"]),
            (&licence["serial"], &licence["serial"])
        );
        assert_eq!((&cluster["ip"], &cluster["management_vip"]), (&json!(VIP), &json!(VIP)));
        assert_eq!(cluster["current_cpu_model"], "host_passthrough");
        assert_eq!((&cluster["dns"], &cluster["ntp_mode"]), (&json!(["127.0.0.1"]), &json!("INTERNAL")));
        assert_eq!(
            (&cluster["mgt_netmask"], &cluster["mgt_gateway"]),
            (&json!("255.255.255.0"), &json!("10.7.0.1"))
        );

        let here = json!({"where": {"cluster": {"id": cluster["id"]}}, "orderBy": "name_ASC"});
        let hosts = raw.rest("get-hosts", &here).await;
        let names: Vec<&Value> = hosts.as_array().unwrap().iter().map(|host| &host["name"]).collect();
        assert_eq!(names, ["node-1", "node-2", "node-3"]);
        assert_eq!(hosts[0]["management_ip"], FIRST);

        let vdses = raw.rest("get-vdses", &here).await;
        let internal = vdses.as_array().unwrap().iter().filter(|vds| vds["internal"] == true).count();
        assert_eq!((vdses.as_array().unwrap().len(), internal), (3, 1));
        let vds = vdses.as_array().unwrap().iter().find(|vds| vds["name"] == "VDS-MGT").unwrap();
        let same = switches.as_array().unwrap().iter().find(|vds| vds["name"] == "VDS-MGT").unwrap();
        let local = format!("{}_{}", licence["serial"].as_str().unwrap(), same["uuid"].as_str().unwrap());
        assert_eq!(vds["local_id"], local);
        let default = json!({"where": {"name": "default", "vds": {"cluster": {"id": cluster["id"]}}}});
        let vlans = raw.rest("get-vlans", &default).await;
        assert_eq!((vlans.as_array().unwrap().len(), &vlans[0]["vds"]["id"]), (1, &vds["id"]));
        assert_eq!(raw.rest("get-vms", &here).await, json!([]));
    });
}

#[test]
fn a_second_connect_is_refused_or_makes_a_twin() {
    on_tower(INSTALLED, async |raw| {
        raw.attached().await;
        let datacenter = raw.rest("get-datacenters", &json!({})).await[0]["id"].as_str().unwrap().to_owned();
        let (_, why) = raw.refused("connect-cluster", &connect(&datacenter)).await;
        assert!(why.contains("already"), "{why}");
        assert_eq!(raw.site.ledger().connections[&VIP.parse().unwrap()].count, 1);
    });
    let twins = format!("{INSTALLED}[variants.tower]\nsecond_connect = 'twin'\n");
    on_tower(&twins, async |raw| {
        raw.attached().await;
        let datacenter = raw.rest("get-datacenters", &json!({})).await[0]["id"].as_str().unwrap().to_owned();
        raw.rest("connect-cluster", &connect(&datacenter)).await;
        let clusters = raw.rest("get-clusters", &json!({"where": {"ip": VIP}})).await;
        assert_eq!(clusters.as_array().unwrap().len(), 2);
    });
}

#[test]
fn a_silent_vip_and_a_wrong_password_are_told_apart() {
    on_tower(INSTALLED, async |raw| {
        let datacenter = raw.tower_set_up().await;
        let (_, why) = raw.refused("connect-cluster", &connect(&datacenter)).await;
        assert_eq!(why, "LOAD_CLUSTER_NETWORK_ERROR");
    });
    let failing = format!("{INSTALLED}[variants.tower]\nrefused_connect = 'task-failed'\n");
    on_tower(&failing, async |raw| {
        let datacenter = raw.both_ready().await;
        let mut body = connect(&datacenter);
        body[0]["password"] = json!("wrong");
        let made = raw.rest("connect-cluster", &body).await;
        raw.pass(30).await;
        let task = raw.task(&made[0]["task_id"]).await;
        assert_eq!(
            (&task["status"], &task["error_message"]),
            (&json!("FAILED"), &json!("LOAD_CLUSTER_UNAUTHORIZED"))
        );
        assert_eq!(raw.rest("get-clusters", &json!({})).await, json!([]));
    });
    let disconnected = format!("{INSTALLED}[variants.tower]\nrefused_connect = 'disconnected'\n");
    on_tower(&disconnected, async |raw| {
        let datacenter = raw.both_ready().await;
        let mut body = connect(&datacenter);
        body[0]["password"] = json!("wrong");
        raw.rest("connect-cluster", &body).await;
        raw.pass(30).await;
        let row = raw.rest("get-clusters", &json!({})).await[0].clone();
        assert_eq!((&row["connect_state"], &row["host_num"]), (&json!("DISCONNECTED"), &json!(0)));
        assert_eq!(row["disconnected_reason"], "LOAD_CLUSTER_UNAUTHORIZED");
    });
}

#[test]
fn a_cluster_can_be_moved_to_another_datacenter() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await;
        let organization = raw.rest("get-organizations", &json!({})).await[0]["id"].clone();
        let other = json!({"organization_id": organization, "name": "OTHER"});
        // A single object is answered with a single object (S).
        let other = raw.rest("create-datacenter", &other).await["data"]["id"].clone();
        let update = json!({"where": {"id": cluster["id"]}, "data": {"datacenter_id": other}});
        raw.rest("update-cluster", &update).await;
        raw.pass(3).await;
        let inside = raw.rest("get-datacenters", &json!({"where": {"name": "OTHER"}})).await[0].clone();
        assert_eq!(inside["clusters"][0]["id"], cluster["id"]);
        let with_it = json!({"where": {"clusters_some": {"ip": VIP}}});
        assert_eq!(raw.rest("get-datacenters", &with_it).await.as_array().unwrap().len(), 1);
    });
}

#[test]
fn the_machine_that_cloudtower_runs_on_is_among_the_vms_of_the_cluster() {
    on_tower(&format!("[site.guest]\ninstalled = true\n{}", images::SMALL), async |raw| {
        raw.guest().await;
        raw.pass(60).await;
        let datacenter = raw.vip_and_tower_ready().await;
        raw.rest("connect-cluster", &connect(&datacenter)).await;
        raw.pass(6).await;
        assert_eq!(raw.rest("get-vms", &json!({})).await, json!([]));
        raw.pass(1).await;
        let vms = raw.rest("get-vms", &json!({"where": {"name": "cloudtower"}})).await;
        assert_eq!((&vms[0]["status"], &vms[0]["ips"]), (&json!("RUNNING"), &json!(TOWER)));
        let ledger = raw.site.ledger();
        assert!(ledger.breaches.is_empty(), "{:?}", ledger.breaches);
    });
}
