//! The backup service: its network, its creation held to every field, its fates and its clusters.

use super::*;

const ADDRESS: &str = "10.7.0.40";

const SCENARIO: &str = "[site.tower]\ninstalled = true\n[site.tower.packages]\n\
                        present = [{ name = 'iomesh-backup', version = '1.2.0', architecture = 'X86_64' }]\n\
                        [durations]\nhost_scan = 0\ndeploy_answer = 0\n";

const CREATE: &str = "mutation createBackupService($data: BackupServiceCreateInput!, \
                      $effect: CreateBackupServiceEffect) { createBackupService(data: $data, effect: $effect) { id } }";
const LIST: &str = "query getBackupServices($where: BackupServiceWhereInput) { backupServices(where: $where) { \
                    id name status entityAsyncStatus backup_clusters { id name } running_vm { id status } \
                    application { id package { id version architecture } } } }";
const UPDATE: &str = "mutation updateBackupService($where: BackupServiceWhereUniqueInput!, \
                      $data: BackupServiceUpdateInput!) { updateBackupService(where: $where, data: $data) { id name } }";

/// What a service needs: the cluster, its networks and the package.
struct Ground {
    cluster: Value,
    management: Value,
    storage: Value,
    package: Value,
}

impl Ground {
    fn service(&self) -> Value {
        json!({
            "data": {
                "name": "bak", "entityAsyncStatus": "CREATING", "status": "INSTALLING",
                "application": {"create": {
                    "instances": {"create": []}, "state": "INSTALLING", "instanceStatuses": [],
                    "name": "backup-bak", "resourceVersion": 0, "vmSpec": {}, "targetPackage": self.package,
                }},
                "kube_config": "", "storage_network_type": "NEW_NIC", "backup_network_type": "MANAGEMENT",
                "management_network_gateway": "10.7.0.1", "management_network_ip": ADDRESS,
                "management_network_subnet_mask": "255.255.255.0", "management_network_vlan": self.management,
                "storage_network_ip": "10.7.1.40", "storage_network_subnet_mask": "255.255.255.0",
                "storage_network_vlan": self.storage,
                "backup_network_gateway": "10.7.0.1", "backup_network_ip": ADDRESS,
                "backup_network_subnet_mask": "255.255.255.0", "backup_network_vlan": self.management,
            },
            "effect": {"running_cluster": self.cluster, "running_host": "AUTO_SCHEDULE"},
        })
    }
}

impl Raw {
    async fn network(&self, vds: &str) -> Value {
        let vds = self.rest("get-vdses", &json!({"where": {"name": vds}})).await[0]["id"].clone();
        let new = json!([{
            "vds_id": vds, "name": "backup-storage-network", "vlan_id": 0, "mode_type": "VLAN_ACCESS",
        }]);
        let made = self.rest("create-vm-vlan", &new).await;
        assert_eq!(made[0]["data"]["entityAsyncStatus"], "CREATING");
        self.pass(3).await;
        assert_eq!(self.task(&made[0]["task_id"]).await["status"], "SUCCESSED");
        made[0]["data"]["id"].clone()
    }

    async fn ground(&mut self) -> Ground {
        self.ground_on("VDS-SDS").await
    }

    async fn ground_on(&mut self, vds: &str) -> Ground {
        let cluster = self.attached().await["id"].clone();
        let filter = json!({"where": {"name": "default", "vds": {"cluster": {"id": cluster}}}});
        let management = self.rest("get-vlans", &filter).await[0]["id"].clone();
        let packages = self.rest("get-cloudtower-application-packages", &json!({})).await;
        let storage = self.network(vds).await;
        Ground { cluster, management, storage, package: packages[0]["id"].clone() }
    }

    async fn create_service(&self, ground: &Ground) -> Value {
        let data = self.graphql_data("createBackupService", CREATE, &ground.service()).await;
        data["createBackupService"]["id"].clone()
    }

    async fn service(&self) -> Value {
        let variables = json!({"where": {"name": "bak"}});
        self.graphql_data("getBackupServices", LIST, &variables).await["backupServices"][0].clone()
    }

    async fn install_task(&self) -> Value {
        let body = json!({"where": {"description": "Install Application backup-bak"}});
        self.rest("get-tasks", &body).await;
        self.rest("get-tasks", &body).await[0].clone()
    }

    async fn associate(&self, service: &Value, clusters: &[&Value]) -> Value {
        let set: Vec<Value> = clusters.iter().map(|id| json!({"id": id})).collect();
        let variables = json!({"where": {"id": service}, "data": {"backup_clusters": {"set": set}}});
        self.graphql("updateBackupService", UPDATE, &variables).await
    }

    async fn network_status(&self) -> Value {
        self.rest("get-backup-services", &json!({})).await[0]["network_status"].clone()
    }
}

#[test]
fn a_network_made_through_cloudtower_is_there_on_both_sides_when_its_task_is_done() {
    on_tower(SCENARIO, async |raw| {
        let cluster = raw.attached().await["id"].clone();
        let vdses = raw.rest("get-vdses", &json!({"where": {"cluster": {"id": cluster}}})).await;
        let storage = vdses.as_array().unwrap().iter().find(|vds| vds["name"] == "VDS-SDS").unwrap().clone();
        let made = raw.rest("create-vm-vlan", &json!([{"vds_id": storage["id"], "name": "b"}])).await;
        assert_eq!(
            (&made[0]["data"]["vlan_id"], &made[0]["data"]["network_ids"]),
            (&json!(0), &json!(["0"]))
        );
        let filter = json!({"where": {"vds": {"id": storage["id"]}, "name": "b"}});
        assert_eq!(raw.rest("get-vlans", &filter).await[0]["entityAsyncStatus"], "CREATING");
        let on_cluster = async |raw: &mut Raw| {
            let uuid = storage["local_id"].as_str().unwrap().split_once('_').unwrap().1;
            let token = std::mem::take(&mut raw.token);
            raw.log_in().await;
            let url = format!("https://{FIRST}/api/v2/network/vds/{uuid}/vlans");
            let names = raw.get(&url).await["entities"].to_string();
            raw.token = token;
            names.contains("\"b\"")
        };
        assert!(!on_cluster(raw).await);
        raw.pass(3).await;
        let row = raw.rest("get-vlans", &filter).await[0].clone();
        assert_eq!((&row["entityAsyncStatus"], &row["id"]), (&Value::Null, &made[0]["data"]["id"]));
        assert!(on_cluster(raw).await);
        assert_eq!(raw.site.ledger().tower_networks["b"].count, 1);
        for wrong in [
            json!([{"vds_id": storage["id"], "name": "b"}]),
            json!([{"vds_id": storage["id"], "name": ""}]),
            json!([{"vds_id": storage["id"], "name": "c", "mode_type": "VXLAN"}]),
            json!([{"vds_id": storage["id"], "name": "c", "vlan_id": 4096}]),
            json!([{"vds_id": "nowhere", "name": "c"}]),
        ] {
            raw.refused("create-vm-vlan", &wrong).await;
        }
        raw.faults("[[fault]]\noperation = 'tower.create-vm-vlan'\naction = { task = 'failed' }\n");
        raw.rest("create-vm-vlan", &json!([{"vds_id": storage["id"], "name": "d"}])).await;
        raw.pass(3).await;
        assert_eq!(raw.rest("get-vlans", &json!({"where": {"name": "d"}})).await, json!([]));
    });
}

#[test]
fn a_service_is_installed_with_its_vm_and_backs_up_the_clusters_it_is_told() {
    on_tower(SCENARIO, async |raw| {
        let ground = raw.ground().await;
        // A free address is silent; one that somebody has refuses what it does not offer.
        let silent = async |raw: &Raw| {
            raw.client.get(format!("http://{ADDRESS}:9999")).send().await.unwrap_err().is_timeout()
        };
        let id = raw.create_service(&ground).await;
        let service = raw.service().await;
        assert_eq!((&service["id"], &service["status"]), (&id, &json!("INSTALLING")));
        assert_eq!(
            (&service["entityAsyncStatus"], &service["running_vm"]),
            (&json!("CREATING"), &Value::Null)
        );
        assert_eq!(service["application"]["package"]["version"], "1.2.0");
        assert!(raw.associate(&id, &[&ground.cluster]).await["errors"].is_array(), "it does not run");
        assert!(silent(raw).await);
        raw.pass(50).await;
        assert!(!silent(raw).await);
        assert_eq!(raw.service().await["running_vm"]["status"], "RUNNING");
        let vm = raw.rest("get-vms", &json!({"where": {"name": "backup-bak"}})).await[0].clone();
        assert_eq!((&vm["vcpu"], &vm["ips"]), (&json!(4), &json!("10.7.0.40,10.7.1.40")));
        raw.pass(97).await;
        let service = raw.service().await;
        assert_eq!((&service["status"], &service["entityAsyncStatus"]), (&json!("RUNNING"), &Value::Null));
        let task = raw.install_task().await;
        assert_eq!(
            (&task["status"], &task["resource_id"]),
            (&json!("EXECUTING"), &service["application"]["id"])
        );
        let steps: Vec<&Value> = task["steps"].as_array().unwrap().iter().map(|step| &step["key"]).collect();
        assert_eq!(steps, ["HANDLE_SCOS_VM", "DEPLOY_PACKAGE"]);
        raw.pass(10).await;
        assert_eq!(raw.install_task().await["status"], "SUCCESSED");
        assert_eq!(
            raw.associate(&id, &[&ground.cluster]).await["data"]["updateBackupService"]["name"],
            "bak"
        );
        assert_eq!(raw.service().await["backup_clusters"][0]["name"], "made-up");
        let expected = |status: &str| json!([{"cluster": ground.cluster, "status": status}]);
        assert_eq!(raw.network_status().await, expected("DISCONNECTED"));
        raw.pass(21).await;
        assert_eq!(raw.network_status().await, expected("CONNECTED"));
        let ledger = raw.site.ledger();
        assert_eq!((ledger.backup_services["bak"].count, ledger.backup_clusters["bak"].count), (1, 1));
        assert_eq!((ledger.secret_selections.len(), ledger.breaches.len()), (0, 0));
        let end = raw.site.site_state()["cloudtower"]["backup"].clone();
        assert_eq!(
            end["networks"],
            json!([{"vds": "VDS-SDS", "name": "backup-storage-network", "vlan_id": 0}])
        );
        let service = &end["services"][0];
        assert_eq!((&service["status"], &service["clusters"]), (&json!("RUNNING"), &json!(["made-up"])));
        assert_eq!(service["networks"]["storage_network_vlan"], "VDS-SDS/backup-storage-network");
        assert!(raw.associate(&id, &[&ground.cluster, &json!("unknown")]).await["errors"].is_array());
        let gone = json!([["cgone", 0]]);
        raw.site.patch("/tower/backup/services/0/clusters", gone).unwrap();
        raw.associate(&id, &[&json!("cgone"), &ground.cluster]).await;
        let both = raw.service().await["backup_clusters"].clone();
        assert_eq!(
            (&both[0]["id"], &both[1]["id"]),
            (&json!("cgone"), &ground.cluster),
            "one that was there stays"
        );
        raw.associate(&id, &[]).await;
        assert_eq!(raw.service().await["backup_clusters"], json!([]), "set replaces");
    });
}

#[test]
fn every_field_of_a_new_service_is_held_against_the_site() {
    on_tower(SCENARIO, async |raw| {
        let ground = raw.ground().await;
        for (pointer, value) in [
            ("/data/name", json!("")),
            ("/data/name", json!(7)),
            ("/data/name", json!("other")),
            ("/data/entityAsyncStatus", json!("UPDATING")),
            ("/data/status", json!("RUNNING")),
            ("/data/kube_config", json!("x")),
            ("/data/kube_config", json!(null)),
            ("/data/storage_network_type", json!("STORAGE")),
            ("/data/backup_network_type", json!("NEW_NIC")),
            ("/data/application/create/instances", json!({})),
            ("/data/application/create/instances/create", json!([{}])),
            ("/data/application/create/state", json!("RUNNING")),
            ("/data/application/create/instanceStatuses", json!([1])),
            ("/data/application/create/resourceVersion", json!("0")),
            ("/data/application/create/vmSpec", json!({"a": 1})),
            ("/data/application/create/targetPackage", json!("unknown")),
            ("/data/management_network_gateway", json!("10.8.0.1")),
            ("/data/management_network_ip", json!("10.7.0.11")),
            ("/data/management_network_subnet_mask", json!("24")),
            ("/data/management_network_vlan", json!("0")),
            ("/data/storage_network_vlan", json!("default")),
            ("/data/storage_network_ip", json!("10.7.0.41")),
            ("/data/storage_network_ip", json!("10.7.1.11")),
            ("/data/storage_network_ip", json!("10.7.1.255")),
            ("/data/storage_network_subnet_mask", json!("255.255.0.0")),
            ("/data/backup_network_ip", json!("10.7.0.41")),
            ("/effect", json!(null)),
            ("/effect/running_cluster", json!("made-up")),
            ("/effect/running_host", json!("node-1")),
        ] {
            let mut variables = ground.service();
            *variables.pointer_mut(pointer).unwrap() = value;
            let answer = raw.graphql("createBackupService", CREATE, &variables).await;
            assert!(answer["errors"].is_array(), "{pointer}: {answer}");
        }
        let mut more = ground.service();
        more["data"]["storage_network_gateway"] = json!("10.7.1.1");
        assert!(raw.graphql("createBackupService", CREATE, &more).await["errors"].is_array());
        assert!(raw.site.ledger().backup_services.is_empty());
        raw.create_service(&ground).await;
        let second = raw.graphql("createBackupService", CREATE, &ground.service()).await;
        assert!(second["errors"][0]["message"].as_str().unwrap().contains("already exists"), "{second}");
        assert_eq!(raw.site.ledger().backup_services["bak"].count, 1);
    });
}

#[test]
fn a_service_or_its_task_fails_as_told() {
    for (action, status, task) in [
        ("application = 'install-failed'", "INSTALL_FAILED", "FAILED"),
        ("application = 'error'", "ERROR", "FAILED"),
        ("application = 'stuck'", "INSTALLING", "EXECUTING"),
        ("task = 'failed'", "RUNNING", "FAILED"),
    ] {
        on_tower(SCENARIO, async |raw| {
            let ground = raw.ground().await;
            raw.faults(&format!(
                "[[fault]]\noperation = 'tower.createBackupService'\naction = {{ {action} }}\n"
            ));
            raw.create_service(&ground).await;
            raw.pass(200).await;
            assert_eq!(raw.service().await["status"], status, "{action}");
            assert_eq!(raw.install_task().await["status"], task, "{action}");
        });
    }
}

#[test]
fn the_task_may_be_over_before_the_service_runs() {
    on_tower(&format!("{SCENARIO}[durations.tower]\nbackup_task = 100\n"), async |raw| {
        let ground = raw.ground().await;
        raw.create_service(&ground).await;
        raw.pass(110).await;
        assert_eq!(raw.install_task().await["status"], "SUCCESSED");
        assert_eq!(raw.service().await["status"], "INSTALLING");
        raw.pass(40).await;
        assert_eq!(raw.service().await["status"], "RUNNING");
    });
}

#[test]
fn a_storage_network_on_another_switch_is_never_reached() {
    on_tower(SCENARIO, async |raw| {
        let ground = raw.ground_on("VDS-MGT").await;
        let id = raw.create_service(&ground).await;
        raw.pass(200).await;
        raw.associate(&id, &[&ground.cluster]).await;
        raw.pass(1000).await;
        assert_eq!(raw.network_status().await[0]["status"], "DISCONNECTED");
    });
}

#[test]
fn secrets_are_where_nobody_should_look_and_who_looks_is_counted() {
    on_tower(SCENARIO, async |raw| {
        let ground = raw.ground().await;
        raw.create_service(&ground).await;
        let careless =
            "query getBackupServices { backupServices { id kube_config application { instanceStatuses } } }";
        let data = raw.graphql_data("getBackupServices", careless, &json!({})).await;
        assert_eq!(data.to_string().matches(sim::SECRET_CANARY).count(), 2, "{data}");
        let counted = raw.site.ledger().secret_selections;
        assert_eq!(counted.keys().collect::<Vec<_>>(), ["instanceStatuses", "kube_config"]);
    });
}

#[test]
fn a_service_of_somebody_else_is_listed_and_holds_its_address() {
    let old =
        "[site.tower.backup]\nservices = [{ name = 'bak', ip = '10.7.0.40', fate = 'install-failed' }]\n";
    let scenario = SCENARIO.replace("[durations]", &format!("{old}[durations]"));
    on_tower(&scenario, async |raw| {
        let ground = raw.ground().await;
        assert_eq!(raw.service().await["status"], "INSTALL_FAILED");
        let filter = json!({"where": {"management_network_ip": ADDRESS}});
        assert_eq!(raw.rest("get-backup-services", &filter).await[0]["name"], "bak");
        let mut other = ground.service();
        other["data"]["name"] = json!("other");
        other["data"]["application"]["create"]["name"] = json!("backup-other");
        let answer = raw.graphql("createBackupService", CREATE, &other).await;
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("taken"), "{answer}");
    });
}

#[test]
fn an_application_is_deployed_from_a_package_by_its_own_call() {
    on_tower(SCENARIO, async |raw| {
        let ground = raw.ground().await;
        let body = |package: &Value| {
            json!({"name": "files", "targetPackage": package, "vmSpec": {"name": "files", "instances": [{
                "name": "files-1", "cluster": ground.cluster, "cpu": 4, "memory": 8, "memory_unit": "GB",
                "network": {"nics": [{"vlanId": ground.management, "ip": "10.7.0.60"}], "dns": []},
            }]}})
        };
        raw.refused("deploy-cloudtower-application", &body(&json!("unknown"))).await;
        let made = raw.rest("deploy-cloudtower-application", &body(&ground.package)).await;
        assert_eq!(made["state"], "INSTALLING");
        raw.refused("deploy-cloudtower-application", &body(&ground.package)).await;
        raw.pass(200).await;
        let listed = raw.rest("get-cloudtower-applications", &json!({"where": {"id": made["id"]}})).await;
        assert_eq!(listed[0]["state"], "RUNNING");
        assert_eq!(raw.site.ledger().applications["files"].count, 1);
        let end = raw.site.site_state()["cloudtower"]["packages"]["applications"].clone();
        assert_eq!(end, json!([{"name": "files", "state": "RUNNING"}]));
    });
}
