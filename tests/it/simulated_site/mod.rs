//! The simulated site, asked by a raw client that is written from the contract, not from our code.

mod deployment;
mod faults;
mod guest;
mod images;
mod snapshots;
mod strictness;
mod tower;
mod vms;

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use voyager::sim::{
    self, FaultFile, PlannedHost, PlannedSwitch, Role, Running, SimOptions, Start, TwinPlan, fault::Fault,
};

const FIXED: &str = "e79b85fc18b7402fbcc0391fe8d7d24c";
const ROOT: &str = "Root-Passw0rd!";
const VIP: &str = "10.7.0.20";
const FIRST: &str = "10.7.0.11";
const TOWER: &str = "10.7.0.30";

/// A running site and a client that only knows its proxy.
struct Raw {
    site: Running,
    client: Client,
    token: String,
}

pub fn plan() -> TwinPlan {
    let host = |number: u8| PlannedHost {
        hostname: format!("node-{number}"),
        mgmt_ip: Ipv4Addr::new(10, 7, 0, 10 + number),
        storage_ip: Ipv4Addr::new(10, 7, 1, 10 + number),
        bmc_ip: Some(Ipv4Addr::new(10, 7, 2, 10 + number)),
    };
    let switch = |role, name: &str, nics: [&str; 2]| PlannedSwitch {
        role,
        name: name.into(),
        nics: nics.map(String::from).to_vec(),
        bond_mode: Some("active-backup".into()),
    };
    TwinPlan {
        cluster: "made-up".into(),
        vip: VIP.parse().ok(),
        version: "6.2.0".into(),
        patch: "P4".into(),
        arch: "x86_64".into(),
        hosts: (1..=3).map(host).collect(),
        switches: vec![
            switch(Role::Management, "VDS-MGT", ["ens1", "ens2"]),
            switch(Role::Storage, "VDS-SDS", ["ens3", "ens4"]),
            switch(Role::Business, "VDS-BIZ", ["ens5", "ens6"]),
        ],
        dns: vec![Ipv4Addr::new(10, 7, 3, 53)],
        cloudtower: TOWER.parse().ok(),
        components: BTreeMap::from([
            ("backup".to_owned(), vec![Ipv4Addr::new(10, 7, 0, 40)]),
            ("observability".to_owned(), vec![Ipv4Addr::new(10, 7, 0, 41)]),
        ]),
        ..TwinPlan::default()
    }
}

/// Runs a test on a fresh site whose clock stands practically still unless it is advanced.
fn on_site(scenario: &str, test: impl AsyncFnOnce(&mut Raw)) {
    let scenario = FaultFile::parse(scenario).unwrap();
    run(async {
        let options = SimOptions { scenario, ..SimOptions::default() };
        let mut raw = Raw::reach(sim::start(Start::Fresh(Box::new(plan())), options).await.unwrap());
        test(&mut raw).await;
        raw.site.shutdown().await;
    });
}

pub fn run<T>(test: impl Future<Output = T>) -> T {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(test)
}

/// No waiting for answers that the site gives late on purpose.
pub const QUICK: &str =
    "[durations]\nhost_scan = 0\ndeploy_answer = 0\nvlan_create = 0\ncpu_model = 0\nchunk = 0\n";

impl Raw {
    fn reach(site: Running) -> Self {
        let client = Self::reach_client(&site);
        Self { site, client, token: FIXED.to_owned() }
    }

    fn reach_client(site: &Running) -> Client {
        Client::builder()
            .no_proxy()
            .proxy(reqwest::Proxy::all(site.proxy_url().replace("socks5:", "socks5h:")).unwrap())
            .tls_danger_accept_invalid_certs(true)
            .timeout(Duration::from_secs(20))
            .connect_timeout(Duration::from_millis(300))
            // Every request meets the site as it is then, not as it was when a connection was opened.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap()
    }

    async fn try_send(&self, method: Method, url: &str, body: Option<&Value>) -> reqwest::Result<Response> {
        let mut request = self.client.request(method, url).header("x-smartx-token", &self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await
    }

    async fn send(&self, method: Method, url: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let response = self.try_send(method, url, body).await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn get(&self, url: &str) -> Value {
        data(self.send(Method::GET, url, None).await)
    }

    async fn post(&self, url: &str, body: &Value) -> Value {
        data(self.send(Method::POST, url, Some(body)).await)
    }

    async fn put(&self, url: &str, body: &Value) -> Value {
        data(self.send(Method::PUT, url, Some(body)).await)
    }

    /// `seconds` of site time pass.
    async fn pass(&self, seconds: u64) {
        self.site.site().clock.advance(Duration::from_secs(seconds));
    }

    async fn scan(&self) -> Vec<Value> {
        let mut scans = Vec::new();
        for number in 11..=13 {
            scans.push(self.get(&format!("http://10.7.0.{number}/api/v2/deployment/host")).await);
        }
        scans
    }

    async fn deploy(&self) -> Value {
        let body = deploy_body(&self.scan().await);
        self.post(&format!("http://{FIRST}/api/v2/deployment/cluster"), &body).await;
        body
    }

    /// A member with its root account set up, and a session.
    async fn deployed(&mut self) {
        self.deploy().await;
        self.pass(1300).await;
        let setup = json!({"password": ROOT, "repeat": ROOT, "encrypted": false});
        let url = format!("https://{FIRST}/api/v3/users:setupRoot");
        let (status, user) = self.send(Method::POST, &url, Some(&setup)).await;
        assert_eq!((status.as_u16(), &user["role"]), (200, &json!("ROOT")), "{user}");
        self.log_in().await;
    }

    async fn log_in(&mut self) {
        let login = json!({"username": "root", "password": ROOT, "encrypted": false});
        let url = format!("https://{FIRST}/api/v3/sessions");
        let (status, session) = self.send(Method::POST, &url, Some(&login)).await;
        assert_eq!(status.as_u16(), 200, "{session}");
        session["token"].as_str().unwrap().clone_into(&mut self.token);
    }

    fn faults(&self, toml: &str) {
        self.site.set_faults(FaultFile::parse(toml).unwrap().faults);
    }

    async fn control(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.send(method, &format!("http://control.simulated{path}"), body).await;
        assert_eq!(status.as_u16(), 200, "{answer}");
        answer
    }

    /// Waits until a request is being held.
    async fn held(&self) -> Value {
        loop {
            let holds = self.control(Method::GET, "/holds", None).await;
            if holds[0].is_object() {
                return holds[0].clone();
            }
            tokio::task::yield_now().await;
        }
    }
}

/// The data of a v2 success.
#[track_caller]
fn data((status, body): (StatusCode, Value)) -> Value {
    assert!(status.is_success() && body["ec"] == "EOK", "{status} {body}");
    body["data"].clone()
}

fn deploy_body(scans: &[Value]) -> Value {
    let storage = |index: usize| format!("10.7.1.{}", 11 + index);
    let nics = |nics: [&str; 2]| -> Vec<Value> {
        let one = |scan: &Value| json!({"host_uuid": scan["host_uuid"], "nics_associated": nics});
        scans.iter().map(one).collect()
    };
    let service = |name: &str, address: &dyn Fn(usize) -> Value| -> Vec<Value> {
        let one = |(index, scan): (usize, &Value)| {
            json!({
                "host_uuid": scan["host_uuid"], "service_interface_name": name,
                "service_interface_ip": address(index), "netmask": "255.255.255.0",
            })
        };
        scans.iter().enumerate().map(one).collect()
    };
    let hosts: Vec<Value> = scans
        .iter()
        .enumerate()
        .map(|(index, scan)| {
            let disks = scan["disks"].as_array().unwrap().iter().filter(|disk| disk["function"] != "boot");
            let link_local = scan["ifaces"][0]["ipv6"].as_str().unwrap();
            json!({
                "host_ip": format!("{link_local}%ens1"), "host_uuid": scan["host_uuid"],
                "hostname": format!("node-{}", index + 1), "disk_data_with_cache": true,
                "with_faster_ssd_as_cache": true,
                "host_passwords": [
                    {"user": "root", "password": "c+G6KvJYsKyQyY4U"},
                    {"user": "smartx", "password": "c+G6KvJYsKyQyY4U"},
                ],
                "tags": [],
                "ifaces": [
                    {"ip": scan["host_ip"], "function": "mgt"}, {"ip": storage(index), "function": "storage"},
                ],
                "disks": disks.collect::<Vec<_>>(), "is_master": true,
            })
        })
        .collect();
    json!({
        "platform": "kvm", "cluster_name": "made-up", "dns_server": ["127.0.0.1"],
        "vdses": [
            {"name": "VDS-MGT", "bond_mode": "active-backup", "hosts_associated": nics(["ens1", "ens2"])},
            {"name": "VDS-SDS", "bond_mode": "active-backup", "hosts_associated": nics(["ens3", "ens4"])},
        ],
        "networks": [
            {
                "name": "mgt-network", "attached_vds": "VDS-MGT", "network_type": "mgt",
                "network_config": {
                    "service": service("port-mgt", &|index| scans[index]["host_ip"].clone()),
                    "route": [{"gateway": "10.7.0.1"}],
                },
                "mode": {"type": "vlan_access", "network_identities": [0]},
            },
            {
                "name": "storage-network", "attached_vds": "VDS-SDS", "network_type": "storage",
                "network_config": {"service": service("port-storage", &|index| json!(storage(index)))},
                "mode": {"type": "vlan_access", "network_identities": [0]},
            },
        ],
        "hosts": hosts,
        "ntp": {"mode": "internal", "ntp_server": null, "current_time": "2026-01-02T03:04:05.678Z"},
        "vhost_enabled": true, "rdma_enabled": false,
    })
}
