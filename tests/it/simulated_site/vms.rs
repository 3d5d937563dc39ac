//! VMs of the simulated site: made by a job, installed by their image, given a network by their agent.

use serde_json::{Value, json};

use super::{images::SMALL, *};

pub const VMS: &str = "https://10.7.0.11/api/v2/vms";

impl Raw {
    /// A body that the site takes, for the image at `path`.
    async fn vm_body(&self, path: &str) -> Value {
        let policies = self.get(&format!("https://{FIRST}/api/v2/storage_policies")).await;
        let policy = &policies.as_array().unwrap().iter().find(|p| p["name"] == "default").unwrap()["uuid"];
        let switches = self.get(&format!("https://{FIRST}/api/v2/network/vds")).await;
        let switch = switches.as_array().unwrap().iter().find(|vds| vds["name"] == "VDS-MGT").unwrap();
        let vlans = format!("https://{FIRST}/api/v2/network/vds/{}/vlans", switch["uuid"].as_str().unwrap());
        let vlans = self.get(&vlans).await;
        let vlan =
            vlans["entities"].as_array().unwrap().iter().find(|vlan| vlan["name"] == "default").unwrap();
        json!({
            "vm_name": "cloudtower", "description": "made by a test", "vcpu": 8, "memory": 20_401_094_656_u64,
            "cpu": {"topology": {"sockets": 8, "cores": 1}},
            "nics": [{
                "ovs": switch["ovsbr_name"], "model": "virtio", "mirror": false, "vlan_uuid": vlan["uuid"],
                "link": "up",
            }],
            "disks": [
                {
                    "type": "disk", "bus": "virtio", "storage_policy_uuid": policy, "name": "cloudtower-os",
                    "quota_policy": null, "size_in_byte": 429_496_729_600_u64,
                },
                {"type": "cdrom", "bus": "ide", "path": path, "disabled": false},
            ],
            "ha": true, "auto_schedule": true, "nested_virtualization": false, "hasNormalVol": false,
            "hasSharedVol": false, "hasVolume": false, "cpu_model": "cluster_default", "firmware": "BIOS",
            "diskNamePrefix": "cloudtower", "status": "running", "folder_uuid": null, "node_ip": null,
            "quota_policy": null, "existDisks": [],
        })
    }

    async fn job(&self, started: &Value) -> Value {
        let url = format!("https://{FIRST}/api/v2/jobs/{}", started["job_id"].as_str().unwrap());
        self.get(&url).await["job"].clone()
    }

    /// Posts a VM with the image at `path`; its URL, before its job is done.
    async fn create_vm(&self, path: &str) -> (Value, String) {
        let body = self.vm_body(path).await;
        let started = self.post(VMS, &body).await;
        let job = self.job(&started).await;
        let (uuid, resource) = job["resources"].as_object().unwrap().iter().next().unwrap();
        assert_eq!((&resource["type"], &resource["vm_name"]), (&json!("KVM_VM"), &json!("cloudtower")));
        (started, format!("{VMS}/{uuid}"))
    }

    /// A deployed cluster with a VM whose guest agent runs; the URL of the VM.
    async fn booted(&mut self) -> String {
        self.deployed().await;
        let image = self.image("tower.iso").await;
        let (_, vm) = self.create_vm(&image).await;
        self.pass(8 + 9 + 879).await;
        vm
    }

    async fn network_body(&self, vm: &str) -> Value {
        let nic = &self.get(vm).await["nics"][0];
        json!({"nics": [{
            "vlan_uuid": nic["vlan_uuid"], "ovs": nic["ovs"], "model": "virtio",
            "mac_address": nic["mac_address"], "mirror": false, "gateway": "10.7.0.1",
            "subnet_mask": "255.255.255.0", "ip_address": TOWER, "link": "up",
        }]})
    }

    /// The same with the planned address and SSH at it.
    pub async fn guest(&mut self) -> String {
        let vm = self.booted().await;
        self.put(&vm, &self.network_body(&vm).await).await;
        self.pass(30).await;
        vm
    }
}

#[test]
fn a_vm_exists_when_its_job_is_done_and_its_agent_reports_when_its_system_is_installed() {
    on_site(SMALL, async |raw| {
        raw.deployed().await;
        let image = raw.image("tower.iso").await;
        let (started, vm) = raw.create_vm(&image).await;
        assert_eq!(raw.send(Method::GET, &vm, None).await.0.as_u16(), 404, "not before the job is done");
        raw.pass(8).await;
        assert_eq!(raw.job(&started).await["state"], "done");
        assert_eq!(raw.get(&vm).await["status"], "stopped");
        raw.pass(9).await;
        let installing = raw.get(&vm).await;
        assert_eq!((&installing["status"], &installing["guest_info"]), (&json!("running"), &Value::Null));
        assert_eq!(installing["node_ip"], "10.7.1.11");
        raw.pass(878).await;
        assert_eq!(raw.get(&vm).await["guest_info"], Value::Null);
        raw.pass(1).await;
        let booted = raw.get(&vm).await;
        assert_eq!(booted["guest_info"]["ga_state"], "Running");
        assert_eq!(booted["guest_os_type"], "unknown", "also when the agent tells the system");
        let nic = &booted["guest_info"]["nics"][1];
        assert_eq!(nic["hardware_address"], booted["nics"][0]["mac_address"]);
        assert_eq!(nic["ip_addresses"], json!([]));
        let ledger = raw.site.ledger();
        assert_eq!((ledger.vms["cloudtower"].count, ledger.breaches.len()), (1, 0), "{:?}", ledger.breaches);
    });
}

#[test]
fn the_guest_network_opens_ssh_at_the_planned_address_and_nothing_else() {
    on_site(SMALL, async |raw| {
        let vm = raw.booted().await;
        let early = raw.try_send(Method::GET, &format!("https://{TOWER}/"), None).await.unwrap_err();
        assert!(early.is_timeout(), "no address yet");
        let started = raw.put(&vm, &raw.network_body(&vm).await).await;
        raw.pass(10).await;
        assert_eq!(raw.job(&started).await["state"], "done");
        let nic = raw.get(&vm).await["guest_info"]["nics"][1].clone();
        assert_eq!(nic["ip_addresses"][0]["ip_address"], TOWER);
        assert!(ssh_stream(raw, TOWER).await.is_none(), "SSH lags behind the job");
        raw.pass(20).await;
        assert!(ssh_stream(raw, TOWER).await.is_some());
        let web = raw.try_send(Method::GET, &format!("https://{TOWER}/"), None).await.unwrap_err();
        assert!(web.is_connect() && !web.is_timeout(), "there is no installer yet: {web:?}");
        let state = raw.site.site_state();
        assert_eq!(
            (&state["vms"][0]["guest"]["ip"], &state["vms"][0]["vlan"]),
            (&json!(TOWER), &json!("default"))
        );
        assert_eq!(raw.site.ledger().vm_writes["cloudtower"].count, 1);
    });
}

/// A TCP connection to port 22 through the proxy, if it is accepted.
pub async fn ssh_stream(raw: &Raw, address: &str) -> Option<tokio::net::TcpStream> {
    stream_to(raw, address, 22).await
}

/// The same to any port.
pub async fn stream_to(raw: &Raw, address: &str, port: u16) -> Option<tokio::net::TcpStream> {
    let proxy = raw.site.proxy_url();
    let (login, proxy) = proxy.strip_prefix("socks5://").unwrap().split_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap();
    let connect =
        tokio_socks::tcp::Socks5Stream::connect_with_password(proxy, (address, port), user, password);
    let connected = tokio::time::timeout(Duration::from_millis(300), connect).await;
    Some(connected.ok()?.ok()?.into_inner())
}

#[test]
fn a_stock_iso_brings_no_agent_and_its_network_cannot_be_set() {
    on_site(&format!("{SMALL}[site.guest]\nstock_iso = true\n"), async |raw| {
        let vm = raw.booted().await;
        raw.pass(7200).await;
        assert_eq!(raw.get(&vm).await["guest_info"], Value::Null);
        let started = raw.put(&vm, &raw.network_body(&vm).await).await;
        raw.pass(10).await;
        let job = raw.job(&started).await;
        assert_eq!((&job["state"], &job["error_code"]), (&json!("failed"), &json!("SIM_JOB_FAILED")));
        assert_eq!(job["task_list"][0]["error_code"], "SIM_GUEST_AGENT_NOT_RUNNING");
    });
}

#[test]
fn before_its_agent_reports_a_vm_shows_less_and_its_network_may_be_set_in_vain() {
    for (variant, shown) in [("without-state", Value::Null), ("not-running", json!("NotRunning"))] {
        let variants = format!("[variants]\nagent_before = '{variant}'\nearly_guest_network = 'no-effect'\n");
        on_site(&format!("{SMALL}{variants}"), async |raw| {
            raw.deployed().await;
            let image = raw.image("tower.iso").await;
            let (_, vm) = raw.create_vm(&image).await;
            raw.pass(20).await;
            assert_eq!(raw.get(&vm).await["guest_info"]["ga_state"], shown);
            let started = raw.put(&vm, &raw.network_body(&vm).await).await;
            raw.pass(900).await;
            assert_eq!(raw.job(&started).await["state"], "done");
            assert_eq!(raw.get(&vm).await["guest_info"]["nics"][1]["ip_addresses"], json!([]));
        });
    }
}

#[test]
fn a_network_job_may_end_well_and_the_address_never_come() {
    on_site(&format!("{SMALL}[site.guest]\naddress_never = true\n"), async |raw| {
        let vm = raw.booted().await;
        let started = raw.put(&vm, &raw.network_body(&vm).await).await;
        raw.pass(600).await;
        assert_eq!(raw.job(&started).await["state"], "done");
        assert_eq!(raw.get(&vm).await["guest_info"]["nics"][1]["ip_addresses"], json!([]));
        assert!(ssh_stream(raw, TOWER).await.is_none());
    });
}

#[test]
fn a_vm_that_is_stopped_is_off_the_network_until_it_is_started_again() {
    on_site(SMALL, async |raw| {
        let vm = raw.guest().await;
        data(raw.send(Method::POST, &format!("{vm}/stop"), None).await);
        raw.pass(10).await;
        assert_eq!(raw.get(&vm).await["status"], "stopped");
        assert!(ssh_stream(raw, TOWER).await.is_none());
        data(raw.send(Method::POST, &format!("{vm}/start"), Some(&json!({}))).await);
        raw.pass(10).await;
        assert_eq!(raw.get(&vm).await["status"], "running");
        assert!(ssh_stream(raw, TOWER).await.is_some());
    });
}

#[test]
fn an_image_that_is_not_whole_makes_the_job_fail_and_no_vm() {
    on_site(SMALL, async |raw| {
        raw.deployed().await;
        let (half, _) = raw.announce("tower.iso", 5000).await;
        let (started, vm) = raw.create_vm(&half.path).await;
        raw.pass(8).await;
        let job = raw.job(&started).await;
        assert_eq!(
            (&job["state"], &job["task_list"][0]["error_code"]),
            (&json!("failed"), &json!("SIM_IMAGE_NOT_FOUND"))
        );
        assert_eq!(raw.send(Method::GET, &vm, None).await.0.as_u16(), 404);
        assert!(raw.site.ledger().vms.is_empty());
    });
}

#[test]
fn a_job_that_a_fault_fails_makes_no_vm_and_keeps_the_image() {
    on_site(SMALL, async |raw| {
        raw.deployed().await;
        let image = raw.image("tower.iso").await;
        raw.faults("[[fault]]\noperation = 'fisheye.vm.create'\naction = { job = 'failed' }\n");
        let (started, _) = raw.create_vm(&image).await;
        raw.pass(20).await;
        assert_eq!(raw.job(&started).await["state"], "failed");
        let state = raw.site.site_state();
        assert_eq!((&state["vms"], &state["volumes"][0]["complete"]), (&json!([]), &json!(true)));
    });
}

#[test]
fn the_same_name_again_makes_a_second_vm() {
    on_site(&format!("{SMALL}[variants]\nvm_list = 'listed'\n"), async |raw| {
        raw.deployed().await;
        let image = raw.image("tower.iso").await;
        let (_, first) = raw.create_vm(&image).await;
        let (_, second) = raw.create_vm(&image).await;
        assert_ne!(first, second);
        raw.pass(20).await;
        assert_eq!(raw.site.ledger().vms["cloudtower"].count, 2);
        assert_eq!(raw.get(VMS).await["entities"].as_array().unwrap().len(), 2);
        let job = raw.send(Method::DELETE, &second, Some(&json!({"include_volumes": true}))).await;
        raw.job(&data(job)).await;
        raw.pass(20).await;
        assert_eq!(raw.get(VMS).await["entities"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_list_of_vms_is_not_promised_and_asking_for_it_is_no_breach() {
    on_site(SMALL, async |raw| {
        raw.deployed().await;
        assert_eq!(raw.send(Method::GET, VMS, None).await.0.as_u16(), 404);
        assert!(raw.site.ledger().breaches.is_empty());
    });
}

#[test]
fn every_mistake_in_a_vm_is_refused_and_makes_nothing() {
    type Mistake = (&'static str, fn(&mut Value));
    let mistakes: [Mistake; 9] = [
        ("storage_policy_uuid", |body| body["disks"][0]["storage_policy_uuid"] = json!("none")),
        ("vlan_uuid", |body| body["nics"][0]["vlan_uuid"] = json!("none")),
        ("vlan_uuid", |body| body["nics"][0]["ovs"] = json!("ovsbr-internal")),
        ("vcpu", |body| body["cpu"]["topology"]["cores"] = json!(2)),
        ("disks", |body| body["disks"].as_array_mut().unwrap().reverse()),
        ("request", |body| body["colour"] = json!("blue")),
        ("request", |body| body["memory"] = json!("19")),
        ("request", |body| body["node_ip"] = json!("10.7.1.11")),
        ("request", |body| {
            body.as_object_mut().unwrap().remove("ha");
        }),
    ];
    on_site(SMALL, async |raw| {
        raw.deployed().await;
        let good = raw.vm_body(&raw.image("tower.iso").await).await;
        for (index, (field, spoil)) in mistakes.iter().enumerate() {
            let mut body = good.clone();
            spoil(&mut body);
            let (status, answer) = raw.send(Method::POST, VMS, Some(&body)).await;
            let named = !answer["error"]["detail"][*field].is_null();
            assert!(status.as_u16() == 400 && named, "mistake {index} ({field}): {answer}");
        }
        raw.pass(20).await;
        let ledger = raw.site.ledger();
        assert_eq!((ledger.vms.len(), ledger.breaches.len()), (0, 4));
    });
}

#[test]
fn a_network_for_another_card_is_refused_and_another_address_is_a_breach() {
    on_site(SMALL, async |raw| {
        let vm = raw.booted().await;
        let good = raw.network_body(&vm).await;
        let mut foreign = good.clone();
        foreign["nics"][0]["mac_address"] = json!("52:54:00:00:00:00");
        assert_eq!(raw.send(Method::PUT, &vm, Some(&foreign)).await.1["ec"], "REST_FORM_ERROR");
        assert!(raw.site.ledger().breaches.is_empty());
        let mut elsewhere = good;
        elsewhere["nics"][0]["ip_address"] = json!("10.7.0.99");
        raw.put(&vm, &elsewhere).await;
        assert_eq!(raw.site.ledger().breaches.len(), 1);
    });
}
