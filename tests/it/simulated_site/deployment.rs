//! Deployment and configuration of the simulated site, effect by effect.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_cluster_is_deployed_and_configured_and_the_ledger_counts_each_effect_once() {
    on_site(QUICK, async |raw| {
        let scans = raw.scan().await;
        raw.deployed().await;
        raw.put(
            &format!("https://{FIRST}/api/v2/settings/vip"),
            &json!({"iscsi_vip": null, "management_vip": VIP}),
        )
        .await;
        let early = raw.try_send(Method::GET, &format!("https://{VIP}/"), None).await;
        assert!(early.unwrap_err().is_timeout(), "the VIP is silent until it is up");
        raw.pass(20).await;

        let job = raw
            .put(&format!("https://{VIP}/api/v2/settings/dns"), &json!({"dns_servers": ["10.7.3.53"]}))
            .await;
        let job = format!("https://{VIP}/api/v2/jobs/{}", job["job_id"].as_str().unwrap());
        assert_eq!(raw.get(&job).await["job"]["state"], "pending");
        raw.pass(11).await;
        assert_eq!(raw.get(&job).await["job"]["state"], "done");

        let hosts: Vec<Value> = scans
            .iter()
            .zip(11..)
            .map(|(scan, number)| {
                json!({
                    "host_uuid": scan["host_uuid"], "nics_associated": ["ens5", "ens6"],
                    "data_ip": format!("10.7.1.{number}"),
                })
            })
            .collect();
        let body = json!({"name": "VDS-BIZ", "bond_mode": "active-backup", "hosts_associated": hosts});
        let vdses = format!("https://{VIP}/api/v2/network/vds");
        let job = raw.post(&vdses, &body).await;
        let job = raw.get(&format!("https://{VIP}/api/v2/jobs/{}", job["job_id"].as_str().unwrap())).await;
        let (uuid, resource) = job["job"]["resources"].as_object().unwrap().iter().next().unwrap();
        assert_eq!((&resource["type"], &job["job"]["state"]), (&json!("NETWORK_VDS"), &json!("pending")));
        let vlans = format!("{vdses}/{uuid}/vlans");
        let vlan = json!({"name": "VLAN-210", "vlan_id": 210, "vds_uuid": uuid});
        assert_eq!(
            raw.send(Method::POST, &vlans, Some(&vlan)).await.0.as_u16(),
            404,
            "not before it is done"
        );
        raw.pass(16).await;
        raw.post(&vlans, &vlan).await;
        assert_eq!(raw.get(&vlans).await["entities"][0]["vlan_id"], 210);
        let listed = raw.get(&vdses).await;
        let names: Vec<&str> =
            listed.as_array().unwrap().iter().map(|vds| vds["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["VDS-MGT", "VDS-SDS", "vds-ovsbr-internal", "VDS-BIZ"]);

        let ledger = raw.site.ledger();
        assert!(ledger.breaches.is_empty(), "{:?}", ledger.breaches);
        assert_eq!(ledger.deployments.count, 1);
        assert_eq!(ledger.vds["VDS-BIZ"].count, 1);
        assert_eq!(ledger.networks["VDS-BIZ/VLAN-210"].count, 1);
        // setupRoot, deployment, VIP, DNS, VDS, VLAN; the refused VLAN and the logins are none.
        assert_eq!(ledger.change_count(), 6);
        let state = raw.site.site_state();
        assert_eq!((&state["vip"], &state["dns"]), (&json!(VIP), &json!(["10.7.3.53"])));
        assert_eq!(state["hosts"][0]["hostname"], "node-1");
    });
}

#[test]
fn every_mistake_in_a_deployment_is_refused_by_the_name_of_its_field() {
    type Mistake = (&'static str, fn(&mut Value));
    let mistakes: [Mistake; 14] = [
        ("platform", |body| body["platform"] = json!("vmware")),
        ("host_uuid", |body| body["hosts"][1]["host_uuid"] = json!("1ef75076-9ac8-11f0-838d-1320f7e67d81")),
        ("nics_associated", |body| {
            body["vdses"][0]["hosts_associated"][0]["nics_associated"][1] = json!("ens9")
        }),
        ("nics_associated", |body| {
            body["vdses"][1]["hosts_associated"][0]["nics_associated"][1] = json!("ens1")
        }),
        ("disks", |body| body["hosts"][0]["disks"][0]["drive"] = json!("sdz")),
        ("disks", |body| body["hosts"][0]["disks"][0]["drive"] = json!("sda")),
        ("ifaces", |body| body["hosts"][0]["ifaces"][0]["ip"] = json!("10.7.0.12")),
        ("hostname", |body| body["hosts"][0]["hostname"] = json!("node-2")),
        ("vdses", |body| body["vdses"][1]["name"] = json!("VDS-MGT")),
        ("is_master", |body| body["hosts"][0]["is_master"] = json!(false)),
        ("service", |body| {
            body["networks"][1]["network_config"]["service"].as_array_mut().unwrap().pop();
        }),
        ("networks", |body| {
            body["networks"][0]["network_config"].as_object_mut().unwrap().remove("route");
        }),
        ("host_ip", |body| body["hosts"][0]["host_ip"] = json!("fe80::1%ens1")),
        ("bond_mode", |body| {
            body["vdses"][0].as_object_mut().unwrap().remove("bond_mode");
        }),
    ];
    on_site(QUICK, async |raw| {
        let good = deploy_body(&raw.scan().await);
        let url = format!("http://{FIRST}/api/v2/deployment/cluster");
        for (index, (field, spoil)) in mistakes.iter().enumerate() {
            let mut body = good.clone();
            spoil(&mut body);
            let (_, answer) = raw.send(Method::POST, &url, Some(&body)).await;
            let detail = &answer["error"]["detail"];
            // A service that does not cover every host disagrees with that host's interfaces first.
            let named = !detail[*field].is_null() || (*field == "service" && !detail["ifaces"].is_null());
            assert!(answer["ec"] == "REST_FORM_ERROR" && named, "mistake {index} ({field}): {answer}");
        }
        assert_eq!(raw.site.ledger().deployments.count, 0);
        raw.post(&url, &good).await;
        let (_, answer) = raw.send(Method::POST, &url, Some(&good)).await;
        assert_eq!(answer["ec"], "SIM_ALREADY_DEPLOYED");
        assert_eq!(raw.site.ledger().deployments.count, 1);
    });
}

#[test]
fn a_deployment_passes_through_its_sections_and_ends_as_a_member() {
    on_site(QUICK, async |raw| {
        let status = format!("http://{FIRST}/api/v2/deployment/host/deploy_status?host_ip={FIRST}");
        let verify = format!("http://{FIRST}/api/v2/deployment/deploy_verify");
        raw.deploy().await;
        assert_eq!(raw.get(&status).await["state"], "running");
        raw.pass(300).await;
        assert!(raw.get(&status).await["stage_info"].as_str().unwrap().starts_with("SIM_"));
        assert_eq!(raw.get(&verify).await["is_deployed"], false);
        raw.pass(700).await;
        let mut odd = 0;
        for _ in 0..40 {
            let clean = match raw.try_send(Method::GET, &status, None).await {
                Ok(response) => {
                    response.status().is_success() && response.text().await.unwrap().contains("running")
                }
                Err(_) => false,
            };
            odd += usize::from(!clean);
        }
        assert!(odd > 10, "the restart window disturbs: {odd} of 40");
        assert!(raw.try_send(Method::GET, &format!("https://{FIRST}/"), None).await.is_err());
        raw.pass(300).await;
        assert_eq!(raw.get(&verify).await["is_deployed"], true);
        assert_eq!(raw.get(&format!("http://{FIRST}/api/v2/deployment/host")).await["hostname"], "node-1");
    });
}
