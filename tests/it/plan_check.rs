//! The plan against the two real workbooks, when they are at hand (planning-sheet §5), and against files that are none.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use voyager::{
    plan::{self, CheckOptions, Checked, Severity, view},
    text::Lang,
};

/// The real workbooks, saved by a library (form L) and by Excel (form X). They are no part of the project.
pub fn real_workbooks() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("shared/fixtures"));
    let Some(fixtures) = fixtures.into_iter().find(|dir| dir.is_dir()) else {
        writeln!(std::io::stderr(), "left out: ../shared/fixtures is not here").expect("stderr");
        return Vec::new();
    };
    ["planning-sheet-template.xlsx", "planning-sheet-template-excel.xlsx"]
        .map(|name| fixtures.join(name))
        .into_iter()
        .filter(|path| path.is_file())
        .collect()
}

fn check(path: &Path) -> Checked {
    plan::check(path, &CheckOptions::default())
}

fn found(checked: &Checked, severity: Severity) -> Vec<String> {
    let of_kind = checked.diagnostics.iter().filter(|finding| finding.severity == severity);
    of_kind.map(|finding| format!("{} {}", finding.id, finding.place().unwrap_or_default())).collect()
}

#[test]
fn the_real_workbooks_have_no_error_and_only_the_known_warnings() {
    for path in real_workbooks() {
        let checked = check(&path);
        assert_eq!(found(&checked, Severity::Error), Vec::<String>::new(), "{path:?}");
        assert_eq!(
            found(&checked, Severity::Warning),
            [
                "PLAN-106 主机规划!E3",
                "PLAN-106 主机规划!E4",
                "PLAN-106 主机规划!E5",
                "PLAN-106 主机规划!E6",
                "PLAN-412 集群管理信息!E24",
            ],
            "{path:?}"
        );
        assert!(checked.plan.is_some());
    }
}

#[test]
fn the_real_workbooks_give_only_the_known_infos() {
    for path in real_workbooks() {
        let checked = check(&path);
        let infos = found(&checked, Severity::Info);
        let others: Vec<_> = infos.iter().filter(|info| !info.starts_with("PLAN-033")).collect();
        let mut expected = vec!["PLAN-307 集群管理信息!M3", "PLAN-401 集群管理信息!E6"];
        if path.ends_with("planning-sheet-template.xlsx") {
            expected.extend([
                "PLAN-020 主机规划!C3",
                "PLAN-020 主机规划!R3",
                "PLAN-020 主机规划!R4",
                "PLAN-020 主机规划!R5",
                "PLAN-020 主机规划!R6",
                "PLAN-020 集群管理信息!N3",
            ]);
        }
        let (mut others, mut expected): (Vec<String>, Vec<String>) =
            (others.into_iter().cloned().collect(), expected.into_iter().map(str::to_owned).collect());
        others.sort();
        expected.sort();
        assert_eq!(others, expected, "{path:?}");
    }
}

#[test]
fn the_real_workbooks_say_what_the_specification_lists() {
    for path in real_workbooks() {
        let plan = check(&path).plan.unwrap();
        let value = view::json(&plan);
        for (pointer, expected) in [
            ("/project/customer_name", json!("八九实验室")),
            ("/project/name", json!("超融合项目")),
            ("/project/datacenter_name", json!("C89-LAB")),
            ("/cluster/name", json!("CN-BJ-SMTX-Prod-Cls01")),
            ("/cluster/vip", json!("10.0.20.10")),
            ("/cluster/features", json!(["Boost"])),
            ("/cluster/vhost_enabled", json!(true)),
            ("/cluster/rdma_enabled", json!(false)),
            ("/cluster/storage_architecture", json!("tiered")),
            ("/cluster/network_architecture", json!("separate")),
            ("/cluster/smtx_version", json!("6.2.0P4")),
            ("/cluster/serial", Value::Null),
            ("/cluster/admin_password", json!("***")),
            ("/hosts/0/hostname", json!("BJ-SMTX-Prod-Node-01")),
            ("/hosts/3/hostname", json!("BJ-SMTX-Prod-Node-04")),
            ("/hosts/3/mgmt_ip", json!("10.0.20.14")),
            ("/hosts/3/storage_ip", json!("10.0.21.14")),
            ("/hosts/3/bmc_ip", json!("10.0.19.14")),
            ("/hosts/3/bmc_user", json!("root")),
            ("/hosts/3/rack", json!("A02")),
            ("/hosts/3/rack_u_start", json!(3)),
            ("/hosts/3/rack_u_end", json!(4)),
            ("/hosts/2/is_master", json!(true)),
            ("/hosts/3/is_master", json!(false)),
            ("/hosts/3/row", json!(6)),
            ("/vds/mgmt/nics", json!(["ens224", "ens192"])),
            ("/vds/business/bond_mode", json!("balance-slb")),
            ("/vds/backup", Value::Null),
            ("/networks/infra", Value::Null),
            ("/networks/backup", Value::Null),
            ("/networks/mgmt/netmask", json!("255.255.255.0")),
            ("/networks/business/0/vlan_id", json!(1120)),
            ("/networks/business/10/subnet", json!("10.1.30.0/24")),
            ("/networks/business/10/gateway", json!("10.1.30.1")),
            ("/cloudtower/vm_name", json!("cloudtower")),
            ("/cloudtower/ip", json!("10.0.20.2")),
            ("/observability/ip", json!("10.0.20.3")),
            ("/backup/ip", json!("10.0.20.4")),
            ("/er", json!({"vip": null, "nodes": [], "serial": null})),
            ("/extra_components", json!([])),
            ("/ntp/servers", json!(["10.0.0.2", "ntp.c89.fun"])),
            ("/dns/servers", json!(["10.0.0.114", "10.0.0.1"])),
            ("/test_range", json!({"start": "10.0.20.231", "end": "10.0.20.239"})),
            ("/alert/notice_percent", json!(70)),
        ] {
            assert_eq!(value.pointer(pointer), Some(&expected), "{pointer} in {path:?}");
        }
        assert_eq!(plan.hosts.len(), 4);
        assert_eq!(plan.networks.business.len(), 11);
        assert_eq!(plan.hosts[3].ssh_password.expose(), "HC!r0cks");
        assert_eq!(plan.hosts[0].bmc().unwrap().password.expose(), "P@ssw0rd!123");
    }
}

#[test]
fn no_password_of_a_workbook_is_printed() {
    for path in real_workbooks() {
        let checked = check(&path);
        for lang in [Lang::Zh, Lang::En] {
            let printed = checked.json(lang).to_string();
            assert!(!printed.contains("HC!r0cks") && !printed.contains("P@ssw0rd"), "{path:?}");
        }
        let plan = checked.plan.unwrap();
        assert!(!format!("{plan:?}").contains("HC!r0cks"));
        assert!(!format!("{:?}", view::entries(&plan)).contains("HC!r0cks"));
        assert!(view::json_with_secrets(&plan).to_string().contains("HC!r0cks"));
    }
}

#[test]
fn every_printed_value_is_a_key_of_the_cell_map() {
    for path in real_workbooks() {
        let plan = check(&path).plan.unwrap();
        for entry in view::entries(&plan) {
            assert!(view::known(&entry.key), "{}", entry.key);
            assert!(view::field(&plan, &entry.pattern()).is_some(), "{}", entry.key);
        }
        assert!(view::field(&plan, "cluster.colour").is_none());
        let addresses = view::field(&plan, "hosts[].mgmt_ip").unwrap();
        assert_eq!(addresses.cells.len(), 4);
        assert!(matches!(view::field(&plan, "hosts").unwrap().text, view::FieldText::Secret(_)));
        assert!(matches!(view::field(&plan, "dns.servers").unwrap().text, view::FieldText::Open(_)));
    }
}

#[test]
fn strict_mode_turns_warnings_into_errors() {
    for path in real_workbooks() {
        let checked = plan::check(&path, &CheckOptions { strict: true, stages: Vec::new() });
        assert!(checked.plan.is_none());
        assert_eq!(found(&checked, Severity::Error).len(), 5);
        assert_eq!(found(&checked, Severity::Warning).len(), 0);
    }
}

#[test]
fn a_component_that_a_chosen_stage_deploys_must_be_planned() {
    for path in real_workbooks() {
        let checked = plan::check(&path, &CheckOptions { strict: false, stages: vec![8, 10] });
        assert_eq!(found(&checked, Severity::Error), ["PLAN-401 集群管理信息!E6"]);
    }
}

#[test]
fn a_file_that_is_no_workbook_is_refused_for_its_own_reason() {
    let id = |bytes: &[u8], name: &str| -> Vec<&'static str> {
        let checked = plan::check_bytes(bytes, name, &CheckOptions::default());
        assert!(checked.plan.is_none() && checked.has_errors());
        checked.diagnostics.iter().map(|finding| finding.id).collect()
    };
    let compound = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    let mut encrypted = compound.clone();
    encrypted.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(id(b"", "a.xlsx"), ["PLAN-001"]);
    assert_eq!(id(b"a,b,c", "a.csv"), ["PLAN-002", "PLAN-005"]);
    assert_eq!(id(&encrypted, "a.xlsx"), ["PLAN-003"]);
    assert_eq!(id(&compound, "a.xlsx"), ["PLAN-004"]);
    assert_eq!(id(b"hello", "a.xlsx"), ["PLAN-005"]);
    assert_eq!(id(b"PK\x03\x04 and no more", "a.xlsx"), ["PLAN-005"]);
}

#[test]
fn a_truncated_workbook_is_damaged_at_every_length() {
    for path in real_workbooks() {
        let bytes = std::fs::read(&path).unwrap();
        for part in 1..20 {
            let checked =
                plan::check_bytes(&bytes[..bytes.len() * part / 20], "a.xlsx", &CheckOptions::default());
            assert_eq!(found(&checked, Severity::Error), ["PLAN-005 "], "{part}/20 of {path:?}");
        }
    }
}
