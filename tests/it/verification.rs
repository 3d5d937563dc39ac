//! Every setting read back, planned beside found: whatever changes at the site, exactly its row turns.

mod cloudtower;
mod every_row;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use serde_json::{Value, json};

use crate::support::{
    site::{SimulatedSite, files_below},
    tool::{Ran, Voyager},
};

/// Rows by key and area.
type Rows = BTreeMap<String, Value>;

fn rows(ran: &Ran) -> Rows {
    let told = ran.json();
    let rows = told["settings"].as_array().expect("rows").clone();
    let text = |row: &Value, field: &str| row[field].as_str().expect("text").to_owned();
    let keyed: Rows =
        rows.iter().map(|row| (format!("{} {}", text(row, "key"), text(row, "step")), row.clone())).collect();
    assert_eq!(keyed.len(), rows.len(), "every row has a name of its own within its area");
    keyed
}

fn read_back(site: &SimulatedSite) -> Ran {
    site.voyager("diff").args(["--stage", "verify", "--output", "json"]).run()
}

/// The rows whose verdict is another than on the untouched site, with the new verdict.
fn turned(site: &SimulatedSite) -> BTreeMap<String, String> {
    static UNTOUCHED: OnceLock<Rows> = OnceLock::new();
    let before = UNTOUCHED.get_or_init(|| rows(&read_back(&SimulatedSite::finished()).exits_with(0)));
    let after = rows(&read_back(site).exits_with(10));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let verdict = |row: &Value| row["verdict"].as_str().expect("a verdict").to_owned();
    let changed = after.iter().filter(|(key, row)| verdict(row) != verdict(&before[*key]));
    changed.map(|(key, row)| (key.clone(), verdict(row))).collect()
}

/// Puts a value into the site's state and expects exactly these keys to turn, in whichever areas read them.
#[track_caller]
fn breaking(pointer: &str, value: Value, expected: &[(&str, &str)]) {
    let site = SimulatedSite::finished();
    patch(&site, pointer, value);
    let turned = turned(&site);
    let keys: BTreeSet<(&str, &str)> = turned
        .iter()
        .map(|(key, verdict)| (key.split(' ').next().expect("a key"), verdict.as_str()))
        .collect();
    assert_eq!(keys, expected.iter().copied().collect(), "{pointer}: {turned:#?}");
}

#[track_caller]
fn patch(site: &SimulatedSite, pointer: &str, value: Value) {
    let pointer = resolved(&site.running().whole_state(), pointer);
    site.running().patch(&pointer, value).unwrap_or_else(|error| panic!("{pointer}: {error}"));
}

/// `/cluster/vdses/name=vDS-1/bond_mode` → the pointer with the index of the item whose `name` is that; `*` is the
/// only key there is.
fn resolved(state: &Value, path: &str) -> String {
    let mut pointer = String::new();
    for part in path.split('/').skip(1) {
        let here = state.pointer(&pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
        match part.split_once('=') {
            Some((field, wanted)) => {
                let items = here.as_array().unwrap_or_else(|| panic!("no list at {pointer}"));
                let index = items.iter().position(|item| item[field] == wanted);
                pointer +=
                    &format!("/{}", index.unwrap_or_else(|| panic!("no {part} at {pointer}: {here:#}")));
            }
            None if part == "*" => {
                let only = here.as_object().and_then(|fields| fields.keys().next());
                pointer += &format!("/{}", only.unwrap_or_else(|| panic!("nothing in {pointer}")));
            }
            None => pointer += &format!("/{part}"),
        }
    }
    pointer
}

#[test]
fn a_clean_run_has_no_row_that_is_not_as_planned_and_proves_what_was_only_sent() {
    let site = SimulatedSite::finished();
    let changes = site.ledger().change_count();
    let ran = read_back(&site).exits_with(0);
    let rows = rows(&ran);
    assert!(rows.len() > 20, "{rows:#?}");
    for (key, row) in &rows {
        let verdict = row["verdict"].as_str().expect("a verdict");
        assert!(["equal", "unreadable", "kept", "not-planned"].contains(&verdict), "{key}: {row:#}");
        if verdict == "equal" {
            let digest = row["evidence"]["sha256"].as_str().expect("every proof has its exchange");
            assert_eq!(digest.len(), 64, "{key}");
            assert!(row["evidence"]["at"].is_string() && row["evidence"]["path"].is_string(), "{key}");
        }
    }
    assert_eq!(site.ledger().change_count(), changes);
    ran.does_not_say("P@ss");
}

/// The switch of that name.
fn switch(name: &str) -> String {
    format!("/cluster/vdses/name={name}")
}

const DEPLOYED: &str = "/cluster/deployment/member/body";

#[test]
fn every_fact_about_a_switch_has_its_row() {
    breaking(
        &switch("vDS-MgMt-Network/bond_mode"),
        json!("balance-slb"),
        &[("vds.mgmt.bond_mode", "differs")],
    );
    breaking(&switch("vDS-Storage-Network/bond_mode"), json!(null), &[("vds.storage.bond_mode", "missing")]);
    breaking(
        &switch("vDS-Prod-Network/bond_mode"),
        json!("active-backup"),
        &[("vds.business.bond_mode", "differs")],
    );
}

#[test]
fn a_switch_that_is_gone_takes_its_networks_along() {
    breaking(
        &switch("vDS-Storage-Network/name"),
        json!("somebody-elses"),
        &[
            ("networks.storage.vlan_id", "unread"),
            ("vds.storage.bond_mode", "missing"),
            ("vds.storage.name", "missing"),
        ],
    );
}

#[test]
fn every_network_has_a_row_for_its_name_and_one_for_its_id() {
    let network = |switch: &str, name: &str| format!("/cluster/vdses/name={switch}/networks/name={name}");
    let id = |switch: &str, name: &str| format!("{}/vlan_id", network(switch, name));
    breaking(&id("vDS-MgMt-Network", "mgt-network"), json!(7), &[("networks.mgmt.vlan_id", "differs")]);
    breaking(
        &id("vDS-Storage-Network", "storage-network"),
        json!(7),
        &[("networks.storage.vlan_id", "differs")],
    );
    for (index, name) in ["VLAN-210", "VLAN-211", "VLAN-220", "VLAN-230"].into_iter().enumerate() {
        let key = |field: &str| format!("networks.business[{index}].{field}");
        breaking(&id("vDS-Prod-Network", name), json!(7), &[(&key("vlan_id"), "differs")]);
        let renamed = format!("{}/name", network("vDS-Prod-Network", name));
        let both = [(key("name"), "missing"), (key("vlan_id"), "missing")];
        let both: Vec<(&str, &str)> = both.iter().map(|(key, verdict)| (key.as_str(), *verdict)).collect();
        breaking(&renamed, json!("other"), &both);
    }
}

#[test]
fn the_cpu_model_and_the_licence_have_their_rows() {
    breaking("/cluster/cpu_model", json!("host_passthrough"), &[("cluster.cpu_model", "differs")]);
    breaking("/cluster/licence/serial", json!("0-0-0"), &[("cluster.licence", "differs")]);
}

#[test]
fn every_fact_about_a_host_has_its_row() {
    for (index, name) in ["QS-SZ-SMTX-Node-01", "QS-SZ-SMTX-Node-02", "QS-SZ-SMTX-Node-03"].iter().enumerate()
    {
        let key = |field: &str| format!("hosts[{index}].{field}");
        let host = format!("{DEPLOYED}/hosts/hostname={name}/hostname");
        breaking(&host, json!("other"), &[(&key("hostname"), "differs")]);
        let ip = format!("10.40.8.{}", 11 + index);
        let twin = |field: &str| format!("/twin/hosts/mgmt_ip={ip}/{field}");
        breaking(&twin("bmc_ip"), json!("10.40.7.99"), &[(&key("bmc_ip"), "differs")]);
        let storage = format!("10.40.9.{}", 11 + index);
        let service = |network: &str, ip: &str| {
            format!(
                "{DEPLOYED}/networks/name={network}/network_config/service/service_interface_ip={ip}/service_interface_ip"
            )
        };
        let port = service("storage-network", &storage);
        breaking(&port, json!("10.40.9.99"), &[(&key("storage_ip"), "missing")]);
    }
    let versions = ["hosts[0].smtx_version", "hosts[1].smtx_version", "hosts[2].smtx_version"];
    breaking("/twin/plan/patch", json!("P3"), &versions.map(|key| (key, "differs")));
}

#[test]
fn a_run_tells_of_steps_that_were_only_sent_whether_they_are_proved() {
    let site = SimulatedSite::finished();
    site.run()
        .args(["--stage", "config-cluster", "verify"])
        .run()
        .exits_with(0)
        .says("DNS servers (config-cluster.dns): proved: read back as planned")
        .says("IPMI accounts (config-cluster.ipmi): not proved");
    let runs = || Voyager::within(site.folder.path()).arg("runs").run().exits_with(0);
    runs().says("5, 2 proved");
    patch(&site, "/cluster/dns", json!(["10.40.1.53"]));
    site.run().args(["--stage", "verify"]).run().exits_with(4).says("10.40.1.53");
    runs().says("5, 1 proved, 1 refuted");
}

#[test]
fn an_account_that_does_not_log_in_turns_its_row_and_no_other() {
    for (index, address) in ["10.40.8.11", "10.40.8.12", "10.40.8.13"].iter().enumerate() {
        let account = |user: &str| format!("/accounts/{address}/{user}");
        let key = |field: &str| format!("hosts[{index}].{field}");
        breaking(&account("smartx"), json!("Changed!1"), &[(&key("ssh_password"), "differs")]);
        breaking(&account("root"), json!("Changed!1"), &[(&key("admin_password"), "differs")]);
    }
}

#[test]
fn root_logins_that_no_host_allows_are_not_provable_and_no_difference() {
    let site = SimulatedSite::finished();
    for address in ["10.40.8.11", "10.40.8.12", "10.40.8.13"] {
        site.running().patch(&format!("/accounts/{address}/root"), json!("-")).expect("it is patched");
    }
    let rows =
        rows(&site.voyager("diff").args(["--stage", "verify", "--output", "json"]).run().exits_with(0));
    let admins: Vec<&Value> = rows
        .iter()
        .filter(|(key, _)| key.contains("].admin_password"))
        .map(|(_, row)| &row["verdict"])
        .collect();
    assert_eq!(admins, ["unreadable"; 3]);
}

#[test]
fn without_a_login_the_rest_of_the_cluster_is_told_as_not_read() {
    let site = SimulatedSite::finished();
    site.running().patch("/cluster/root_password", json!("Changed!1")).expect("it is patched");
    site.running().patch("/cluster/sessions", json!({})).expect("it is patched");
    let turned = turned(&site);
    let of = |name: &str| {
        turned.iter().find(|(key, _)| key.starts_with(name)).map(|(_, verdict)| verdict.as_str())
    };
    assert_eq!(of("cluster.admin_password"), Some("differs"));
    assert_eq!(of("cluster.vip"), Some("differs"));
    assert_eq!((of("vds.mgmt.name"), of("cluster.cpu_model")), (Some("unread"), Some("unread")));
    assert_eq!(of("hosts[0].hostname"), None, "a host tells about itself without a login");
}

#[test]
fn a_vip_that_nobody_holds_is_missing_and_the_rest_is_read_from_a_host() {
    breaking("/cluster/vip", json!(null), &[("cluster.vip", "missing")]);
}

#[test]
fn a_serial_that_was_wiped_from_the_workbook_is_seen() {
    let site = SimulatedSite::finished();
    let copies = files_below(&site.folder.path().join("artifacts"));
    let copy = copies.iter().find(|path| path.ends_with("plan.xlsx")).expect("the rehearsal's copy");
    std::fs::copy(site.folder.path().join("plan.xlsx"), copy).expect("it is overwritten");
    let turned = turned(&site);
    let expected =
        [("cloudtower.serial verify.workbook", "missing"), ("cluster.serial verify.workbook", "missing")];
    let turned: Vec<(&str, &str)> =
        turned.iter().map(|(key, verdict)| (key.as_str(), verdict.as_str())).collect();
    assert_eq!(turned, expected);
}

#[test]
fn a_difference_fails_the_run_after_all_rows_are_told() {
    let site = SimulatedSite::finished();
    site.running().patch("/cluster/cpu_model", json!("host_passthrough")).expect("it is patched");
    site.run()
        .args(["--stage", "verify"])
        .run()
        .exits_with(4)
        .says("planned EPYC, found host_passthrough")
        .says("voyager run --stage verify");
    let rows = journaled(&site);
    assert!(rows.len() > 20 && rows.iter().any(|row| row["verdict"] == "differs"), "{rows:#?}");
}

#[test]
fn the_evidence_of_a_row_is_the_digest_of_a_line_in_the_transcript_of_the_run() {
    use sha2::{Digest, Sha256};
    let site = SimulatedSite::finished();
    site.run().args(["--stage", "verify"]).run().exits_with(0);
    let run = newest(&site, "wire.jsonl");
    let lines: Vec<String> = run
        .lines()
        .map(|line| Sha256::digest(line).iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    let rows = journaled(&site);
    assert!(!rows.is_empty());
    for row in rows.iter().filter(|row| !row["evidence"].is_null() && row["evidence"]["method"] != "FILE") {
        let digest = row["evidence"]["sha256"].as_str().expect("a digest").to_owned();
        assert!(lines.contains(&digest), "{row:#}");
    }
}

/// A file of the newest run folder.
fn newest(site: &SimulatedSite, name: &str) -> String {
    let artifacts = site.folder.path().join("artifacts/simulated");
    let mut all: Vec<_> = files_below(&artifacts).into_iter().filter(|path| path.ends_with(name)).collect();
    all.sort();
    std::fs::read_to_string(all.last().expect("it is there")).expect("it is read")
}

/// The rows that the last run left in the journal.
fn journaled(site: &SimulatedSite) -> Vec<Value> {
    let journal = newest(site, "journal.jsonl");
    let lines: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = lines.last().expect("lines")["run"].clone();
    let of_last = lines.into_iter().filter(|line| line["run"] == last);
    of_last.map(|line| line["record"].clone()).filter(|record| record["event"] == "setting").collect()
}
