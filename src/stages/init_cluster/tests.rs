//! Findings and payload, for the example plan and hosts made to fit it.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use jiff::Timestamp;
use serde_json::Value;

use super::{findings::findings, payload::payload};
use crate::{
    plan::{self, CheckOptions, Plan},
    stages::hardware::{Disk, Hardware, Nic},
};

fn project(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn plan_of(path: &str) -> Plan {
    plan::check(&project(path), &CheckOptions::default()).plan.unwrap()
}

fn example() -> Plan {
    plan_of("examples/plan.xlsx")
}

fn disk(drive: &str, function: &str, kind: &str) -> Disk {
    Disk {
        drive: drive.to_owned(),
        function: function.to_owned(),
        model: "M".to_owned(),
        serial: format!("S-{drive}"),
        size: 480_103_981_056,
        kind: kind.to_owned(),
    }
}

/// Fresh hosts as the plan wants them: every planned NIC, two SSD and two HDD beside the boot disk.
fn hosts_of(plan: &Plan) -> Vec<Hardware> {
    let switches = [Some(&plan.vds.mgmt), Some(&plan.vds.storage), plan.vds.business.as_ref()];
    let names: Vec<String> = switches.into_iter().flatten().flat_map(|vds| vds.nics.value.clone()).collect();
    let host = |host: &plan::model::Host| Hardware {
        host_uuid: uuid(host.index),
        serial: host.serial.as_ref().map_or("any".to_owned(), |serial| serial.value.clone()),
        version: plan
            .cluster
            .smtx_version
            .as_ref()
            .map_or("6.2.0P4".to_owned(), |version| version.value.clone()),
        arch: "x86_64".to_owned(),
        nics: (0..)
            .zip(&names)
            .map(|(at, name)| Nic {
                name: name.clone(),
                ipv4: (at == 0).then(|| host.mgmt_ip.to_string()),
                ipv6: Some(format!("fe80::{at}:{}", host.index)),
                link_up: true,
                speed: Some(25_000_000_000),
            })
            .collect(),
        disks: vec![
            disk("sda", "boot", "SSD"),
            disk("sdb", "data", "SSD"),
            disk("sdc", "data", "SSD"),
            disk("sdd", "data", "HDD"),
            disk("sde", "data", "HDD"),
        ],
    };
    plan.hosts.iter().map(host).collect()
}

fn uuid(index: usize) -> String {
    format!("00000000-0000-1000-8000-{index:012}")
}

fn told(plan: &Plan, hosts: &[Hardware]) -> Vec<String> {
    let one = |finding: plan::Diagnostic| {
        format!("{} {:?} {}", finding.id, finding.severity, finding.place().unwrap_or_default())
    };
    findings(plan, hosts).into_iter().map(one).collect()
}

#[test]
fn hosts_that_fit_the_plan_give_no_finding() {
    let plan = example();
    assert_eq!(told(&plan, &hosts_of(&plan)), Vec::<String>::new());
}

#[test]
fn a_missing_nic_points_at_the_switch_s_cell() {
    let plan = example();
    let mut hosts = hosts_of(&plan);
    hosts[1].nics.remove(0);
    assert_eq!(told(&plan, &hosts), ["PLAN-701 Error 虚拟网络!J4"]);
}

#[test]
fn nic_names_are_compared_without_regard_to_case() {
    let plan = example();
    let mut hosts = hosts_of(&plan);
    hosts[0].nics.iter_mut().for_each(|nic| nic.name = nic.name.to_uppercase());
    assert_eq!(told(&plan, &hosts), Vec::<String>::new());
}

#[test]
fn disks_that_do_not_fit_the_architecture_are_an_error_and_another_mix_a_warning() {
    let plan = example();
    let mut hosts = hosts_of(&plan);
    hosts[0].disks.retain(|disk| disk.kind == "HDD" || disk.function == "boot");
    hosts[2].disks.retain(|disk| disk.kind == "SSD");
    assert_eq!(
        told(&plan, &hosts),
        ["PLAN-702 Error 主机规划!Q19"],
        "without a first layout nothing is compared"
    );
    let mut hosts = hosts_of(&plan);
    hosts[2].disks.retain(|disk| disk.kind == "SSD");
    assert_eq!(told(&plan, &hosts), ["PLAN-702 Warning 主机规划!Q19"]);
}

#[test]
fn a_second_boot_disk_is_an_error() {
    let plan = example();
    let mut hosts = hosts_of(&plan);
    hosts[1].disks[1].function = "boot".to_owned();
    assert_eq!(told(&plan, &hosts), ["PLAN-702 Error 主机规划!Q19"]);
}

#[test]
fn one_host_behind_two_addresses_is_found() {
    let plan = example();
    let mut hosts = hosts_of(&plan);
    hosts[2].host_uuid = hosts[0].host_uuid.clone();
    assert_eq!(told(&plan, &hosts), ["PLAN-704 Error 主机规划!I5"]);
}

#[test]
fn links_speed_and_version_are_warnings() {
    let plan = example();
    let mut hosts = hosts_of(&plan);
    let storage = plan.vds.storage.nics.value.clone();
    hosts[0].nics.iter_mut().find(|nic| nic.name == storage[0]).unwrap().speed = Some(1_000_000_000);
    hosts[0].nics.iter_mut().find(|nic| nic.name == storage[1]).unwrap().link_up = false;
    assert_eq!(told(&plan, &hosts), ["PLAN-706 Warning 虚拟网络!J6", "PLAN-705 Warning 虚拟网络!J6"]);
    let mut hosts = hosts_of(&plan);
    hosts[1].version = "6.1.1".to_owned();
    assert_eq!(told(&plan, &hosts), ["PLAN-703 Warning 主机规划!C19"]);
}

#[test]
fn a_planned_serial_that_another_host_has_is_a_warning_and_case_and_spaces_do_not_matter() {
    let mut plan = example();
    let cell = plan::CellRef::new("主机规划", 4, 4);
    let read = plan.hosts[1].hostname.clone();
    plan.hosts[1].serial = Some(plan::Located { value: "J902 mkxp".to_owned(), cell, ..read });
    let mut hosts = hosts_of(&plan);
    hosts[1].serial = "J902MKXP".to_owned();
    assert_eq!(told(&plan, &hosts), Vec::<String>::new());
    hosts[1].serial = "J902MKXQ".to_owned();
    assert_eq!(told(&plan, &hosts), ["PLAN-707 Warning 主机规划!D4"]);
}

fn body(plan: &Plan, hosts: &[Hardware]) -> Value {
    let now: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
    serde_json::to_value(payload(plan, hosts, &BTreeMap::new(), now).unwrap()).unwrap()
}

/// The request that was written by hand from the contract, with what only these hosts know filled in.
#[test]
fn the_payload_is_the_golden_request() {
    let plan = example();
    let hosts = hosts_of(&plan);
    let mut text = fs::read_to_string(project("tests/golden/init_and_config.json")).unwrap();
    for (host, hardware) in plan.hosts.iter().zip(&hosts) {
        let disks = ["sdb SSD cache", "sdc SSD cache", "sdd HDD data", "sde HDD data"].map(|disk| {
            let [drive, kind, function] = disk.split(' ').collect::<Vec<_>>()[..] else { panic!("{disk}") };
            serde_json::json!({"drive": drive, "function": function, "model": "M", "serial": format!("S-{drive}"),
                "size": 480_103_981_056_u64, "type": kind})
        });
        let address = host.mgmt_ip.value;
        text = text
            .replace(&format!("{{uuid {address}}}"), &hardware.host_uuid)
            .replace(&format!("{{link-local {address}}}"), &format!("fe80::0:{}", host.index))
            .replace(&format!("\"{{disks {address}}}\""), &serde_json::to_string(&disks).unwrap());
    }
    let golden: Value = serde_json::from_str(&text.replace("{now}", "2026-01-02T03:04:05.678Z")).unwrap();
    let mut ours = body(&plan, &hosts);
    for host in ours["hosts"].as_array_mut().unwrap() {
        for account in host["host_passwords"].as_array_mut().unwrap() {
            assert_eq!(account["password"], "c+G6KvJYsKyQyY4U");
            account["password"] = "***".into();
        }
    }
    assert_eq!(ours, golden["changing"][0]["body"]);
}

/// The recorded payload of a real three-host site, where it is at hand: same shape, same fixed values.
#[test]
fn the_payload_has_the_shape_of_a_recorded_one() {
    let known = "shared/fixtures/cluster-deploy-payload-example.json";
    let mut places = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join(known));
    let Some(place) = places.find(|place| place.is_file()) else {
        writeln!(std::io::stderr(), "left out: no folder above has {known}").unwrap();
        return;
    };
    let text = fs::read_to_string(place).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let plan = example();
    let ours = body(&plan, &hosts_of(&plan));
    assert_eq!(shape(&ours), shape(&recorded));
    for fixed in
        ["/platform", "/dns_server", "/networks/0/name", "/networks/1/name", "/ntp/mode", "/ntp/ntp_server"]
    {
        assert_eq!(ours.pointer(fixed), recorded.pointer(fixed), "{fixed}");
    }
    for host in 0..3 {
        for fixed in ["host_passwords", "tags", "is_master", "ifaces/0/function", "ifaces/1/function"] {
            let fixed = format!("/hosts/{host}/{fixed}");
            assert!(recorded.pointer(&fixed).is_some(), "{fixed}");
            assert_eq!(ours.pointer(&fixed), recorded.pointer(&fixed), "{fixed}");
        }
    }
    for list in ["/hosts", "/vdses", "/networks", "/hosts/0/ifaces", "/networks/0/network_config/service"] {
        let count = |payload: &Value| payload.pointer(list).and_then(Value::as_array).map(Vec::len);
        assert!(count(&recorded).is_some(), "{list}");
        assert_eq!(count(&ours), count(&recorded), "{list}");
    }
}

/// Every path of a document with the type of its value; positions in lists do not count.
fn shape(value: &Value) -> std::collections::BTreeSet<String> {
    fn walk(value: &Value, path: &str, into: &mut std::collections::BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| walk(value, &format!("{path}/{name}"), into))
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, &format!("{path}[]"), into)),
            Value::Null => drop(into.insert(format!("{path} null"))),
            Value::Bool(_) => drop(into.insert(format!("{path} bool"))),
            Value::Number(_) => drop(into.insert(format!("{path} number"))),
            Value::String(_) => drop(into.insert(format!("{path} text"))),
        }
    }
    let mut all = std::collections::BTreeSet::new();
    walk(value, "", &mut all);
    all
}

#[test]
fn a_single_nic_needs_no_bond_mode() {
    let mut plan = example();
    plan.vds.storage.nics.value.truncate(1);
    plan.vds.storage.bond_mode = None;
    let ours = body(&plan, &hosts_of(&plan));
    assert!(ours["vdses"][1].get("bond_mode").is_none());
    assert_eq!(ours["vdses"][0]["bond_mode"], "active-backup");
}

#[test]
fn vlan_ids_and_netmasks_come_from_the_plan() {
    let plan = plan_of("examples/plan-storage-separate.xlsx");
    let mut hosts = hosts_of(&plan);
    // That plan is untiered: flash only.
    hosts.iter_mut().for_each(|host| host.disks.retain(|disk| disk.kind == "SSD"));
    let ours = body(&plan, &hosts);
    let networks = &plan.networks;
    for (at, vlan, netmask) in [
        (0, networks.mgmt.vlan_id.value, networks.mgmt.subnet.netmask()),
        (1, networks.storage.vlan_id.value, networks.storage.subnet.netmask()),
    ] {
        let network = &ours["networks"][at];
        assert_eq!(network["mode"]["network_identities"][0], vlan);
        assert_eq!(network["network_config"]["service"][0]["netmask"], netmask.to_string());
    }
    assert!(ours["networks"][1]["network_config"].get("route").is_none());
}
