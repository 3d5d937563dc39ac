//! Faults of tasks, connections and locks (site-behaviour §10), and snapshots of CloudTower.

use super::*;

fn view(cluster: &Value) -> Value {
    json!([{"name": "VM", "cluster_id": cluster["id"], "time_unit": "HOUR", "time_span": 2}])
}

#[test]
fn a_failed_task_says_why_and_takes_back_what_it_began() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await;
        for (fate, embedded) in [("failed", false), ("failed-job", true)] {
            raw.faults(&format!(
                "[[fault]]\noperation = 'tower.create-view'\naction = {{ task = '{fate}' }}\n"
            ));
            let made = raw.rest("create-view", &view(&cluster)).await;
            raw.pass(3).await;
            let task = raw.task(&made[0]["task_id"]).await;
            assert_eq!((&task["status"], &task["error_code"]), (&json!("FAILED"), &json!("SIM_TASK_FAILED")));
            let message = task["error_message"].as_str().unwrap();
            let inner =
                message.split_once("message: ").map(|(_, json)| serde_json::from_str::<Value>(json).unwrap());
            assert_eq!(inner.is_some_and(|job| job["job"]["error_code"].is_string()), embedded, "{message}");
            assert_eq!(raw.rest("get-views", &json!({})).await, json!([]));
        }
    });
}

#[test]
fn a_task_can_be_late_or_stuck() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await;
        let mut ids = Vec::new();
        for fate in ["late", "stuck"] {
            raw.faults(&format!(
                "[[fault]]\noperation = 'tower.create-view'\naction = {{ task = '{fate}' }}\n"
            ));
            ids.push(raw.rest("create-view", &view(&cluster)).await[0]["task_id"].clone());
        }
        raw.pass(100).await;
        assert_eq!(raw.task(&ids[0]).await["status"], "EXECUTING");
        raw.pass(1000).await;
        assert_eq!(raw.task(&ids[0]).await["status"], "SUCCESSED");
        assert_eq!(raw.task(&ids[1]).await["status"], "EXECUTING");
    });
}

#[test]
fn a_locked_resource_shows_as_being_updated_until_it_is_free() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await;
        raw.faults("[[fault]]\noperation = 'tower.create-view'\naction = { locked = { seconds = 30.0 } }\n");
        let (status, answer) = raw.ask("create-view", &view(&cluster)).await;
        assert_eq!((status.as_u16(), &answer["code"]), (400, &json!("ResourceLocked")));
        assert_eq!(answer["props"]["locked_resources"][0]["id"], cluster["id"]);
        let look = async || raw.rest("get-clusters", &json!({})).await[0]["entityAsyncStatus"].clone();
        assert_eq!(look().await, "UPDATING");
        assert_eq!(raw.refused("create-view", &view(&cluster)).await.0, 400);
        raw.pass(31).await;
        assert_eq!(look().await, Value::Null);
        raw.rest("create-view", &view(&cluster)).await;
        assert_eq!(raw.site.ledger().views["VM"].count, 1);
    });
}

#[test]
fn a_connection_can_fail_for_each_documented_reason_or_never_end() {
    for (fate, reason) in [
        ("unhealthy", json!("LOAD_CLUSTER_UNHEALTHY")),
        ("not-found", json!("LOAD_CLUSTER_NOT_FOUND")),
        ("never", Value::Null),
    ] {
        on_tower(INSTALLED, async |raw| {
            let datacenter = raw.both_ready().await;
            raw.faults(&format!(
                "[[fault]]\noperation = 'tower.connect-cluster'\naction = {{ connect = '{fate}' }}\n"
            ));
            let made = raw.rest("connect-cluster", &connect(&datacenter)).await;
            raw.pass(1000).await;
            let row = raw.rest("get-clusters", &json!({})).await[0].clone();
            let (state, task) =
                if reason.is_null() { ("INITIALIZING", "EXECUTING") } else { ("DISCONNECTED", "FAILED") };
            assert_eq!((&row["connect_state"], &row["disconnected_reason"]), (&json!(state), &reason));
            assert_eq!(raw.task(&made[0]["task_id"]).await["status"], task);
        });
    }
}

#[test]
fn an_answer_lost_after_connecting_leaves_one_cluster() {
    on_tower(INSTALLED, async |raw| {
        let datacenter = raw.both_ready().await;
        raw.faults("[[fault]]\noperation = 'tower.connect-cluster'\naction = 'reset-after'\n");
        let request = raw.client.post(tower_url("connect-cluster")).header("authorization", &raw.token);
        request.json(&connect(&datacenter)).send().await.unwrap_err();
        let found = raw.rest("get-clusters", &json!({"where": {"ip": VIP}})).await;
        assert_eq!(found.as_array().unwrap().len(), 1);
        let log = raw.site.requests();
        let lost = log.iter().find(|request| request.operation == "tower.connect-cluster").unwrap();
        assert_eq!((lost.effective, lost.status), (true, 0));
        assert_eq!(lost.body[0]["password"], "***");
    });
}

#[test]
fn a_cluster_that_is_cut_off_comes_back_by_itself() {
    on_tower(INSTALLED, async |raw| {
        raw.attached().await;
        raw.faults(
            "[[fault]]\noperation = 'tower.get-clusters'\naction = { cut-off = { seconds = 30.0 } }\n",
        );
        let look = async || raw.rest("get-clusters", &json!({})).await[0].clone();
        let row = look().await;
        assert_eq!(row["connect_state"], "DISCONNECTED");
        assert_eq!(row["disconnected_reason"], "LOAD_CLUSTER_NETWORK_ERROR");
        raw.pass(31).await;
        assert_eq!(look().await["connect_state"], "CONNECTED");
    });
}

#[test]
fn a_snapshot_goes_on_where_cloudtower_was() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await;
        raw.rest("create-view", &view(&cluster)).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.json");
        raw.site.save(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let again = sim::start(Start::Snapshot(text), SimOptions::default()).await.unwrap();
        let mut later = Raw::reach(again);
        later.token.clone_from(&raw.token);
        later.pass(3).await;
        let views = later.rest("get-views", &json!({})).await;
        assert_eq!((&views[0]["name"], &views[0]["entityAsyncStatus"]), (&json!("VM"), &Value::Null));
        assert_eq!(later.site.site_state(), raw.site.site_state());
        later.site.shutdown().await;
    });
}
