//! The simulated CloudTower, asked over raw HTTP with bodies written from its contract.

mod attaching;
mod backup;
mod configuring;
mod contract;
mod faults;
mod inspection;
mod observability;
mod packages;
mod packages_by_rest;
mod setup;
mod strictness;
mod variants;

use super::*;

const PASSWORD: &str = "HC!r0cks";

/// CloudTower is there from the start, and nothing waits.
const INSTALLED: &str = "[site.tower]\ninstalled = true\n[durations]\nhost_scan = 0\ndeploy_answer = 0\n";

/// Runs a test on a fresh site whose clock moves only when it is told to, a millisecond per second aside.
fn on_tower(scenario: &str, test: impl AsyncFnOnce(&mut Raw)) {
    let scenario = FaultFile::parse(scenario).unwrap();
    run(async {
        let options = SimOptions { scenario, speed: 0.001, ..SimOptions::default() };
        let mut raw = Raw::reach(sim::start(Start::Fresh(Box::new(plan())), options).await.unwrap());
        test(&mut raw).await;
        raw.site.shutdown().await;
    });
}

fn tower_url(operation: &str) -> String {
    format!("https://{TOWER}/v2/api/{operation}")
}

impl Raw {
    async fn tower_try(&self, url: &str, token: Option<&str>, body: Option<&Value>) -> (StatusCode, Value) {
        let mut request = self.client.post(url);
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        let answer = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if status.is_success() {
            contract::check_answer(url, &answer);
        }
        (status, answer)
    }

    /// One REST operation with the session's token, whatever comes.
    async fn ask(&self, operation: &str, body: &Value) -> (StatusCode, Value) {
        self.tower_try(&tower_url(operation), Some(&self.token), Some(body)).await
    }

    /// The same, and it must succeed.
    async fn rest(&self, operation: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(operation, body).await;
        assert_eq!(status.as_u16(), 200, "{operation} {body}: {answer}");
        answer
    }

    /// The same, and it must be refused with an error body.
    async fn refused(&self, operation: &str, body: &Value) -> (u16, String) {
        let (status, answer) = self.ask(operation, body).await;
        assert!(status.is_client_error(), "{operation} {body}: {status} {answer}");
        assert_eq!(answer["status"], status.as_u16(), "{answer}");
        assert!(answer["path"].is_string(), "{answer}");
        (status.as_u16(), answer["message"].as_str().unwrap().to_owned())
    }

    async fn graphql(&self, name: &str, query: &str, variables: &Value) -> Value {
        let token = Some(self.token.as_str()).filter(|token| !token.is_empty());
        let body = json!({"operationName": name, "variables": variables, "query": query});
        let (status, answer) = self.tower_try(&format!("https://{TOWER}/api"), token, Some(&body)).await;
        assert_eq!(status.as_u16(), 200, "{answer}");
        answer
    }

    async fn graphql_data(&self, name: &str, query: &str, variables: &Value) -> Value {
        let answer = self.graphql(name, query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].clone()
    }

    async fn try_tower_login(&self, password: &str) -> (StatusCode, Value) {
        let login = json!({"username": "root", "password": password, "source": "LOCAL"});
        self.tower_try(&tower_url("login"), None, Some(&login)).await
    }

    async fn tower_login(&mut self) {
        let (status, answer) = self.try_tower_login(PASSWORD).await;
        assert_eq!(status.as_u16(), 200, "{answer}");
        answer["data"]["token"].as_str().unwrap().clone_into(&mut self.token);
    }

    /// Root user, organisation and datacenter; answers with the datacenter's id.
    async fn tower_set_up(&mut self) -> String {
        let url = tower_url("create-root-user");
        self.tower_try(&url, None, Some(&json!({"password": PASSWORD}))).await;
        self.tower_login().await;
        let made = self.rest("create-organization", &json!([{"name": "ORG"}])).await;
        let datacenter = json!([{"organization_id": made[0]["data"]["id"], "name": "DC"}]);
        let made = self.rest("create-datacenter", &datacenter).await;
        assert_eq!(made[0]["task_id"], Value::Null);
        made[0]["data"]["id"].as_str().unwrap().to_owned()
    }

    /// A deployed cluster with its VIP up, and CloudTower set up; answers with the datacenter's id.
    async fn both_ready(&mut self) -> String {
        self.deployed().await;
        self.vip_and_tower_ready().await
    }

    async fn vip_and_tower_ready(&mut self) -> String {
        let vip = json!({"iscsi_vip": null, "management_vip": VIP});
        self.put(&format!("https://{FIRST}/api/v2/settings/vip"), &vip).await;
        self.pass(20).await;
        self.tower_set_up().await
    }

    /// An attached cluster with everything that it shows; answers with its row.
    async fn attached(&mut self) -> Value {
        let datacenter = self.both_ready().await;
        let made = self.rest("connect-cluster", &connect(&datacenter)).await;
        self.pass(30).await;
        let clusters = self.rest("get-clusters", &json!({"where": {"id": made[0]["data"]["id"]}})).await;
        assert_eq!(clusters[0]["connect_state"], "CONNECTED");
        clusters[0].clone()
    }

    /// The state of a task, past the one list that does not know it yet.
    async fn task(&self, id: &Value) -> Value {
        let body = json!({"where": {"id": id}});
        let first = self.rest("get-tasks", &body).await;
        let task = if first == json!([]) { self.rest("get-tasks", &body).await } else { first };
        task[0].clone()
    }
}

fn connect(datacenter: &str) -> Value {
    json!([{"ip": VIP, "username": "root", "password": ROOT, "datacenter_id": datacenter}])
}
