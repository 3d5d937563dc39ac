use serde_json::Value;

use super::{super::*, *};

const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 11);

fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(items) => items.first().map(shape).into_iter().collect(),
        Value::String(_) => "text".into(),
        Value::Number(_) => 0.into(),
        other => other.clone(),
    }
}

#[test]
fn the_deployment_request_has_the_shape_and_fixed_values_of_a_captured_one() {
    let Ok(captured) = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/fixtures/cluster-deploy-payload-example.json"
    )) else {
        return;
    };
    let captured: Value = serde_json::from_slice(&captured).unwrap();
    let ours = serde_json::to_value(example()).unwrap();
    assert_eq!(shape(&ours), shape(&captured));
    for path in [
        "/platform",
        "/dns_server",
        "/ntp/mode",
        "/ntp/ntp_server",
        "/hosts/0/host_passwords",
        "/hosts/0/tags",
    ] {
        assert_eq!(ours.pointer(path), captured.pointer(path), "{path}");
    }
    for path in ["/networks/0/name", "/networks/1/name", "/networks/1/network_type", "/networks/0/mode/type"]
    {
        assert_eq!(ours.pointer(path), captured.pointer(path), "{path}");
    }
    assert!(ours.pointer("/networks/1/network_config/route").is_none());
}

#[test]
fn the_deployment_request_states_no_bond_mode_for_one_nic_and_time_with_milliseconds() {
    let ours = serde_json::to_value(example()).unwrap();
    assert_eq!(ours["vdses"][0]["bond_mode"], "balance-tcp");
    assert!(ours["vdses"][1].as_object().unwrap().get("bond_mode").is_some());
    let single = DeployVds::new("v", BondMode::ActiveBackup, vec![associated(&["a"])]);
    assert!(serde_json::to_value(single).unwrap().get("bond_mode").is_none());
    assert_eq!(ours["ntp"]["current_time"], "2025-09-26T14:02:29.381Z");
}

fn associated(nics: &[&str]) -> Associated {
    Associated { host_uuid: "u".into(), nics_associated: nics.iter().map(|nic| (*nic).into()).collect() }
}

fn example() -> Deploy {
    let disk = Disk {
        drive: "nvme0n1".into(),
        function: "data".into(),
        model: "m".into(),
        serial: "s".into(),
        size: 1,
        kind: "SSD".into(),
    };
    assert_eq!(disk.medium(), Some(Medium::Nvme));
    let storage = Ipv4Addr::new(10, 0, 21, 11);
    let mask = Ipv4Addr::new(255, 255, 255, 0);
    let flags = DiskFlags { disk_data_with_cache: false, with_faster_ssd_as_cache: true };
    Deploy::new(
        "HCI-01",
        vec![
            DeployVds::new("VDS-MGT", BondMode::Lacp, vec![associated(&["a", "b"])]),
            DeployVds::new("VDS-SDS", BondMode::ActiveBackup, vec![associated(&["c", "d"])]),
        ],
        vec![
            DeployNetwork::management(
                "VDS-MGT",
                &[("u".into(), FIRST)],
                mask,
                Ipv4Addr::new(10, 0, 20, 1),
                0,
            ),
            DeployNetwork::storage("VDS-SDS", &[("u".into(), storage)], mask, 0),
        ],
        vec![DeployHost::new(
            "fe80::1%ens192",
            "u",
            "node-01",
            FIRST,
            storage,
            vec![DeployDisk::cache(&disk)],
            flags,
            true,
        )],
        true,
        "2025-09-26T14:02:29.381Z".parse().unwrap(),
    )
}

#[test]
fn a_captured_host_scan_is_understood() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures/host-scan-example.json");
    let Ok(captured) = std::fs::read(path) else { return };
    let captured: Value = serde_json::from_slice(&captured).unwrap();
    let data = captured.get("data").unwrap_or(&captured).clone();
    let host: Host = serde_json::from_value(data.clone()).unwrap();
    assert!(host.host_uuid.len() >= 32);
    assert_eq!(host.disks.len(), data["disks"].as_array().unwrap().len());
    assert_eq!(host.nics.len(), data["ifaces"].as_array().unwrap().len());
    assert_eq!(host.disks.iter().filter(|disk| disk.is_boot()).count(), 1);
    assert!(host.disks.iter().all(|disk| disk.medium().is_some() && disk.size > 0));
    assert!(host.memory().is_some());
    let asked: Ipv4Addr = host.host_ip.parse().unwrap();
    assert!(host.nic_with(asked).is_some_and(|nic| nic.ipv6.is_some()));
}
