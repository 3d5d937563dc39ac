//! The instance: created, refused, running; its clusters, traffic and time servers.

use super::*;

pub const ADDRESS: &str = "10.7.0.41";

const CREATE: &str = "mutation createBundleApplicationInstance($data: BundleApplicationInstanceCreateInput!) \
    { createBundleApplicationInstance(data: $data) { id } }";
const NTP: &str = "mutation updateObservabilityNtpUrl($data: NtpCommonUpdateInput!, \
    $where: BundleApplicationInstanceWhereUniqueInput!) \
    { updateObservabilityNtpUrl(data: $data, where: $where) { ntp_service_url } }";
const CONNECT: &str = "mutation updateBundleApplicationInstanceConnectClusters($where: \
    BundleApplicationInstanceWhereInput!, $data: BundleApplicationInstanceConnectClustersInput!) \
    { updateBundleApplicationInstanceConnectClusters(where: $where, data: $data) \
    { id status error_code connected_clusters { id cluster { id name } } } }";
const TRAFFIC: &str = "mutation updateObservabilityConnectedClusterTrafficEnabled($where: \
    ObservabilityConnectedClusterUpdateWhereInput!, $data: ObservabilityConnectedClusterUpdateInput!) \
    { updateObservabilityConnectedClusterTrafficEnabled(where: $where, data: $data) { id } }";

/// A package that is there from the start.
pub fn packaged(more: &str) -> String {
    let packages = "packages = [{ version = 'v1.4.2-release.20250901' }]";
    format!("{INSTALLED}[site.tower.observability]\n{packages}\n{more}")
}

impl Raw {
    /// The body of a creation that is as it should be.
    async fn new_instance(&self, cluster: &Value) -> Value {
        let filter = json!({"where": {"name": "default", "vds": {"cluster": {"id": cluster["id"]}}}});
        let vlans = self.rest("get-vlans", &filter).await;
        let packages = self.observability().await["bundleApplicationPackages"].clone();
        json!({
            "name": "observability", "description": "",
            "bundle_application_package": {"id": packages[0]["id"]}, "cluster": {"id": cluster["id"]},
            "host_id": "",
            "vm_spec": {
                "ip": ADDRESS, "subnet_mask": "255.255.255.0", "gateway": "10.7.0.254",
                "vlan_id": vlans[0]["id"], "vcpu_count": 16, "memory_size_bytes": "34359738368",
                "storage_size_bytes": "549755813888", "env_vars": {"PRODUCT_VENDOR": "SMARTX"},
            },
        })
    }

    async fn create_instance(&self, data: &Value) -> Value {
        self.graphql("createBundleApplicationInstance", CREATE, &json!({"data": data})).await
    }

    async fn instance(&self) -> Value {
        self.observability().await["bundleApplicationInstances"][0].clone()
    }

    /// A running instance; answers with the cluster and the identifier of the instance.
    pub async fn running_instance(&mut self) -> (Value, Value) {
        let cluster = self.attached().await;
        let made = self.create_instance(&self.new_instance(&cluster).await).await;
        self.pass(300).await;
        (cluster, made["data"]["createBundleApplicationInstance"]["id"].clone())
    }

    async fn connect_clusters(&self, instance: &Value, clusters: &[&Value]) -> Value {
        let data = json!({"connected_clusters": {"id_in": clusters}});
        let variables = json!({"where": {"id": instance}, "data": data});
        self.graphql("updateBundleApplicationInstanceConnectClusters", CONNECT, &variables).await
    }

    async fn show_traffic(&self, id: &Value) -> Value {
        let variables = json!({"where": {"id": id}, "data": {"traffic_enabled": true}});
        self.graphql("updateObservabilityConnectedClusterTrafficEnabled", TRAFFIC, &variables).await
    }
}

#[test]
fn an_instance_installs_until_its_vm_runs_at_its_address_and_is_well_later() {
    on_tower(&packaged(""), async |raw| {
        let cluster = raw.attached().await;
        let made = raw.create_instance(&raw.new_instance(&cluster).await).await;
        let id = &made["data"]["createBundleApplicationInstance"]["id"];
        assert_eq!(id.as_str().unwrap().len(), 27, "{made}");
        let instance = raw.instance().await;
        assert_eq!((&instance["id"], &instance["status"]), (id, &json!("INSTALLING")));
        assert_eq!(instance["application"]["instances"], json!([]));
        assert!(vms::stream_to(raw, ADDRESS, 443).await.is_none(), "the address is silent");

        raw.pass(200).await;
        let instance = raw.instance().await;
        assert_eq!(instance["status"], "INSTALLING", "the VM comes first");
        let vm = &instance["application"]["instances"][0]["vm"];
        assert_eq!(vm["status"], "RUNNING");
        let vms = raw.rest("get-vms", &json!({"where": {"id": vm["id"]}})).await;
        assert_eq!(vms[0]["ips"], ADDRESS, "{vms}");
        assert_eq!(vms[0]["vcpu"], 16);
        raw.pass(10).await;
        let instance = raw.instance().await;
        assert_eq!((&instance["status"], &instance["error_code"]), (&json!("SUCCESS"), &Value::Null));
        assert_ne!(instance["health_status"], "NORMAL");
        raw.pass(60).await;
        assert_eq!(raw.instance().await["health_status"], "NORMAL");
        assert!(vms::stream_to(raw, ADDRESS, 443).await.is_some());

        let ledger = raw.site.ledger();
        assert_eq!(ledger.observability_instances["observability"].count, 1);
        assert_eq!(ledger.breaches.len(), 0, "{:?}", ledger.breaches);
        let end = raw.site.site_state()["cloudtower"]["observability"]["instances"][0].clone();
        assert_eq!((&end["ip"], &end["network"]), (&json!(ADDRESS), &json!("default")));
        assert_eq!((&end["status"], &end["health"]), (&json!("SUCCESS"), &json!("NORMAL")));
    });
}

#[test]
fn the_status_may_come_before_the_vm() {
    on_tower(&packaged("[variants.tower.observability]\nready = 'status-first'\n"), async |raw| {
        let cluster = raw.attached().await;
        raw.create_instance(&raw.new_instance(&cluster).await).await;
        raw.pass(200).await;
        let instance = raw.instance().await;
        let vm = &instance["application"]["instances"][0]["vm"];
        assert_eq!((&instance["status"], &vm["status"]), (&json!("SUCCESS"), &json!("STOPPED")));
        raw.pass(10).await;
        assert_eq!(raw.instance().await["application"]["instances"][0]["vm"]["status"], "RUNNING");
    });
}

#[test]
fn every_field_of_a_creation_is_held_against_the_contract() {
    on_tower(&packaged(""), async |raw| {
        let cluster = raw.attached().await;
        let wanted = raw.new_instance(&cluster).await;
        for (pointer, value) in [
            ("/description", json!("made by a tool")),
            ("/host_id", Value::Null),
            ("/host_id", json!("any")),
            ("/name", json!("Observability")),
            ("/cluster", json!("c")),
            ("/vm_spec/vcpu_count", json!("16")),
            ("/vm_spec/vcpu_count", json!(8)),
            ("/vm_spec/memory_size_bytes", json!(34_359_738_368_u64)),
            ("/vm_spec/storage_size_bytes", json!("549755813889")),
            ("/vm_spec/env_vars", json!({"PRODUCT_VENDOR": "ARCFRA"})),
            ("/vm_spec/env_vars", json!({"PRODUCT_VENDOR": "SMARTX", "MORE": "1"})),
            ("/vm_spec/vlan_id", json!("0")),
            ("/vm_spec/vlan_id", cluster["id"].clone()),
            ("/vm_spec/ip", json!("10.7.0")),
        ] {
            let mut data = wanted.clone();
            *data.pointer_mut(pointer).unwrap() = value;
            let before = raw.site.ledger().breaches.len();
            let refused = raw.create_instance(&data).await;
            assert!(refused["errors"][0]["message"].is_string(), "{pointer}: {refused}");
            assert_eq!(raw.site.ledger().breaches.len(), before + 1, "{pointer}: {refused}");
        }
        let breaches = raw.site.ledger().breaches.len();
        for (pointer, value, words) in [
            ("/bundle_application_package/id", json!("unknown"), "package"),
            ("/cluster/id", json!("unknown"), "cluster"),
            ("/vm_spec/ip", json!(FIRST), "in use"),
            ("/vm_spec/ip", json!(VIP), "in use"),
            ("/vm_spec/ip", json!("10.8.0.41"), "gateway"),
            ("/vm_spec/subnet_mask", json!("255.0.255.0"), "gateway"),
        ] {
            let mut data = wanted.clone();
            *data.pointer_mut(pointer).unwrap() = value;
            let refused = raw.create_instance(&data).await;
            assert!(
                refused["errors"][0]["message"].as_str().unwrap().contains(words),
                "{pointer}: {refused}"
            );
        }
        assert!(raw.create_instance(&wanted).await["errors"].is_null());
        let again = raw.create_instance(&wanted).await;
        assert!(again["errors"][0]["message"].as_str().unwrap().contains("already exists"), "{again}");
        let mut twin = wanted.clone();
        twin["name"] = json!("obs");
        assert!(
            raw.create_instance(&twin).await["errors"][0]["message"].as_str().unwrap().contains("in use")
        );
        assert_eq!(raw.site.ledger().breaches.len(), breaches);
        assert_eq!(raw.site.ledger().changes["tower.createBundleApplicationInstance"].count, 1);
    });
}

#[test]
fn a_package_of_another_architecture_is_refused_and_instances_fail_as_the_fault_says() {
    let other = packaged("").replace("release.20250901'", "release.20250901', arch = 'AARCH64'");
    on_tower(&other, async |raw| {
        let cluster = raw.attached().await;
        let refused = raw.create_instance(&raw.new_instance(&cluster).await).await;
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains("architecture"), "{refused}");
    });
    for (fate, status, health, code) in [
        ("instance-failed", "FAILED", Value::Null, json!("SIM_NO_MEMORY")),
        ("instance-stuck", "INSTALLING", Value::Null, Value::Null),
        ("unhealthy", "SUCCESS", json!("SIM_STARTING"), Value::Null),
    ] {
        on_tower(&packaged(""), async |raw| {
            let cluster = raw.attached().await;
            raw.faults(&format!(
                "[[fault]]\noperation = 'tower.createBundleApplicationInstance'\n\
                 action = {{ observability = '{fate}' }}\n"
            ));
            raw.create_instance(&raw.new_instance(&cluster).await).await;
            raw.pass(2000).await;
            let instance = raw.instance().await;
            let seen = (&instance["status"], &instance["health_status"], &instance["error_code"]);
            assert_eq!(seen, (&json!(status), &health, &code));
            let task = json!({"where": {"description": "Install Application observability-observability"}});
            raw.rest("get-tasks", &task).await;
            let task = raw.rest("get-tasks", &task).await[0]["status"].clone();
            let expected = match status {
                "FAILED" => "FAILED",
                "SUCCESS" => "SUCCESSED",
                _ => "EXECUTING",
            };
            assert_eq!(task, expected);
        });
    }
}

#[test]
fn a_list_of_clusters_replaces_the_one_before_and_traffic_is_set_by_the_other_identifier() {
    on_tower(&packaged(""), async |raw| {
        let (cluster, id) = raw.running_instance().await;
        let answer = raw.connect_clusters(&id, &[&cluster["id"]]).await;
        let instance = &answer["data"]["updateBundleApplicationInstanceConnectClusters"];
        assert_eq!(instance["connected_clusters"][0]["cluster"]["name"], "made-up", "{answer}");
        let connected = raw.instance().await["connected_clusters"][0].clone();
        assert_eq!(connected["observability_connected_cluster"], Value::Null);
        raw.pass(61).await;
        let connected = raw.instance().await["connected_clusters"][0].clone();
        let other = &connected["observability_connected_cluster"];
        assert_eq!((other["id"].as_str().unwrap().len(), &other["traffic_enabled"]), (27, &json!(false)));
        assert_eq!(raw.site.ledger().breaches.len(), 0);
        assert!(raw.show_traffic(&connected["id"]).await["errors"].is_array());
        assert_eq!(raw.site.ledger().breaches.len(), 1, "it is of another kind");
        assert!(raw.show_traffic(&json!("unknown")).await["errors"].is_array());
        assert!(raw.show_traffic(&other["id"]).await["errors"].is_null());
        let end = raw.site.site_state()["cloudtower"]["observability"]["instances"][0].clone();
        assert_eq!((&end["clusters"], &end["traffic"]), (&json!(["made-up"]), &json!(["made-up"])));

        // The same again changes nothing; a cluster that nobody knows changes nothing either.
        raw.connect_clusters(&id, &[&cluster["id"]]).await;
        assert_eq!(raw.instance().await["connected_clusters"][0]["id"], connected["id"]);
        assert!(raw.connect_clusters(&id, &[&cluster["id"], &json!("unknown")]).await["errors"].is_array());
        raw.connect_clusters(&id, &[]).await;
        assert_eq!(raw.instance().await["connected_clusters"], json!([]));
        let ledger = raw.site.ledger();
        assert_eq!((ledger.observability_clusters.count, ledger.traffic_writes.count), (3, 1));
    });
    for (fate, status) in [("failed", "SIM_CONNECT_FAILED"), ("stuck", "SIM_CONNECTING")] {
        on_tower(&packaged(""), async |raw| {
            let (cluster, id) = raw.running_instance().await;
            raw.faults(&format!(
                "[[fault]]\noperation = 'tower.updateBundleApplicationInstanceConnectClusters'\n\
                 action = {{ observability = 'association-{fate}' }}\n"
            ));
            raw.connect_clusters(&id, &[&cluster["id"]]).await;
            raw.pass(2000).await;
            let connected = raw.instance().await["connected_clusters"][0].clone();
            assert_eq!(connected["status"], status);
            assert_eq!(connected["observability_connected_cluster"], Value::Null);
            // Asked again, one that failed is tried anew.
            raw.connect_clusters(&id, &[&cluster["id"]]).await;
            raw.pass(61).await;
            let again = raw.instance().await["connected_clusters"][0].clone();
            assert!(again["observability_connected_cluster"].is_object(), "{again}");
        });
    }
}

#[test]
fn time_servers_are_sent_with_commas_and_answered_with_semicolons() {
    on_tower(&packaged(""), async |raw| {
        let cluster = raw.attached().await;
        let made = raw.create_instance(&raw.new_instance(&cluster).await).await;
        let id = &made["data"]["createBundleApplicationInstance"]["id"];
        let ask = async |raw: &Raw, servers: &str| {
            let variables = json!({"data": {"ntp_service_url": servers}, "where": {"id": id}});
            raw.graphql("updateObservabilityNtpUrl", NTP, &variables).await
        };
        assert!(ask(raw, "10.7.3.1").await["errors"].is_array(), "it does not run yet");
        raw.pass(300).await;
        let answer = ask(raw, "10.7.3.1,ntp.example").await;
        assert_eq!(answer["data"]["updateObservabilityNtpUrl"]["ntp_service_url"], "10.7.3.1;ntp.example");
        assert_eq!(raw.site.ledger().breaches.len(), 0);
        assert!(ask(raw, "10.7.3.1;ntp.example").await["errors"].is_array());
        assert_eq!(raw.site.ledger().breaches.len(), 1);
        assert_eq!(raw.site.ledger().observability_ntp_writes.count, 1);
    });
}

#[test]
fn nobody_may_select_what_holds_a_password() {
    on_tower(&packaged(""), async |raw| {
        raw.running_instance().await;
        let query = STATE.replace("application { id", "application { id instanceStatuses { vm { env } }");
        let refused = raw.graphql("observabilityInstanceAndApps", &query, &json!({})).await;
        assert!(refused["errors"].is_array());
        assert_eq!(raw.site.ledger().breaches.len(), 1);
    });
}
