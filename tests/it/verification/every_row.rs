//! Every row that stage 07 can prove is broken once at the site, and turns, with what depends on it and nothing else;
//! no row can be added to the stage without a case here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Mutex,
};

use serde_json::{Value, json};
use voyager::sim::fault::Action;

use super::{DEPLOYED, patch, read_back, rows};
use crate::support::{
    fault::always,
    side_by_side,
    site::{SimulatedSite, files_below},
    tool::Voyager,
};

/// One thing that is not as planned any more, and the rows that show it.
struct Case {
    broken: Broken,
    /// `key` in every area that proves it, `key area` in one; a key may end in `*`. `~` before it: taken along, for it
    /// rests on what was broken. `-`: not that one.
    turn: Vec<String>,
}

enum Broken {
    /// The site's state, by pointers.
    State(Vec<(String, Value)>),
    /// What an operation answers.
    Answer(&'static str, Value),
    /// The serials are gone from the workbook.
    Workbook,
}

const CLUSTER: &str = "/tower/clusters/ip=10.40.8.10";
/// What CloudTower shows of a cluster only while it is connected.
const CONNECTED: &[&str] = &[
    "~alert.*",
    "~cluster.cpu_model verify.cloudtower",
    "~cluster.default_storage_policy",
    "~cluster.licence verify.cloudtower",
    "~dns.servers",
    "~hosts* verify.cloudtower",
    "~ntp.*",
    "~vds.* verify.cloudtower",
];
const RULE: &str = "/tower/rules/name=zbs_cluster_data_space_use_rate/customized/*";
const HOSTS: [(&str, &str, &str); 3] = [
    ("QS-SZ-SMTX-Node-01", "10.40.8.11", "10.40.9.11"),
    ("QS-SZ-SMTX-Node-02", "10.40.8.12", "10.40.9.12"),
    ("QS-SZ-SMTX-Node-03", "10.40.8.13", "10.40.9.13"),
];

fn state(pointer: impl Into<String>, value: Value, turn: &[&str]) -> Case {
    let turn = turn.iter().map(|key| (*key).to_owned()).collect();
    Case { broken: Broken::State(vec![(pointer.into(), value)]), turn }
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        state("/cluster/vip", json!(null), &["cluster.vip verify.fisheye"]),
        state("/cluster/cpu_model", json!("host_passthrough"), &["cluster.cpu_model"]),
        state("/cluster/licence/serial", json!("0-0-0"), &["cluster.licence"]),
        state("/cluster/volumes/kind=image/md5", json!("0"), &["cloudtower.image"]),
        state("/cluster/vms/name=cloudtower/name", json!("other"), &["cloudtower.vm_name"]),
        state("/cluster/dns", json!(["10.40.1.53"]), &["dns.servers"]),
        state("/cluster/ntp/1", json!(["10.40.1.99"]), &["ntp.servers"]),
        state("/cluster/ntp/0", json!("internal"), &["ntp.mode"]),
        state("/tower/ntp_service_url", json!("10.9.9.9"), &["cloudtower.ntp"]),
        state("/tower/organizations/0/name", json!("other"), &["project.customer_name"]),
        state("/tower/installation/licence_serial", json!("0-0-0"), &["cloudtower.licence"]),
        state(
            "/tower/datacenters/0/name",
            json!("other"),
            &["project.datacenter_name", "cluster.datacenter"],
        ),
        state(
            format!("{CLUSTER}/settings/policy"),
            json!("REPLICA_3_THIN_PROVISION"),
            &["cluster.default_storage_policy"],
        ),
        state(format!("{RULE}/thresholds/severity=NOTICE/value"), json!(80), &["alert.notice_percent"]),
        state(format!("{RULE}/thresholds/severity=CRITICAL/value"), json!(95), &["alert.critical_percent"]),
        state(format!("{RULE}/disabled"), json!(true), &["alert.enabled"]),
        state("/guest/files/~1etc~1resolv.conf/text", json!("nameserver 10.9.9.9\n"), &["cloudtower.dns"]),
        state(
            format!("{CLUSTER}/since"),
            json!(4_000_000_000_000_u64),
            &[&["cluster.connect_state"], CONNECTED].concat(),
        ),
        state(format!("{CLUSTER}/ip"), json!("10.40.8.99"), &["cluster.vip verify.cloudtower"]),
        state(
            format!("{DEPLOYED}/cluster_name"),
            json!("other"),
            &[&["cluster.name", "~cluster.* verify.cloudtower", "~views.*"], CONNECTED].concat(),
        ),
        state(
            "/cluster/vms/name=cloudtower/network/ip",
            json!("10.40.8.77"),
            &["cloudtower.ip", "~* verify.cloudtower", "~cloudtower.dns"],
        ),
        state(
            "/cluster/vms/name=cloudtower/running",
            json!(false),
            &["cloudtower.vm_status", "~cloudtower.ip", "~* verify.cloudtower", "~cloudtower.dns"],
        ),
        state(
            "/cluster/root_password",
            json!("Changed!1"),
            &["cluster.admin_password", "~* verify.fisheye", "-hosts*"],
        ),
        state(
            "/tower/root/password",
            json!("Changed!1"),
            &["cloudtower.web_password", "~* verify.cloudtower", "-cloudtower.version"],
        ),
        state(
            "/twin/plan/version",
            json!("6.1.0"),
            &[
                "cluster.smtx_version",
                "~hosts[0].smtx_version",
                "~hosts[1].smtx_version",
                "~hosts[2].smtx_version",
            ],
        ),
        state(
            "/twin/plan/patch",
            json!("P3"),
            &["hosts[0].smtx_version", "hosts[1].smtx_version", "hosts[2].smtx_version"],
        ),
        Case {
            broken: Broken::Answer("tower.get-version", json!("4.0.0")),
            turn: vec!["cloudtower.version".into()],
        },
        Case {
            broken: Broken::Workbook,
            turn: vec!["cluster.serial verify.workbook".into(), "cloudtower.serial verify.workbook".into()],
        },
    ];
    cases.extend(switches());
    cases.extend(networks());
    cases.extend(hosts());
    cases.extend(boards());
    cases
}

fn switches() -> Vec<Case> {
    let switch = |name: &str, field: &str| format!("/cluster/vdses/name={name}/{field}");
    let all = [
        ("mgmt", "vDS-MgMt-Network", "balance-slb"),
        ("storage", "vDS-Storage-Network", "balance-slb"),
        ("business", "vDS-Prod-Network", "active-backup"),
    ];
    let mut cases = Vec::new();
    for (role, name, other) in all {
        let key = |field: &str| format!("vds.{role}.{field}");
        cases.push(state(switch(name, "bond_mode"), json!(other), &[&key("bond_mode")]));
        let mut gone = vec![key("name"), key("bond_mode")];
        if role == "business" {
            let networks = (0..4)
                .flat_map(|at| ["name", "vlan_id"].map(|field| format!("networks.business[{at}].{field}")));
            gone.extend(networks);
        } else {
            gone.push(format!("networks.{role}.vlan_id"));
        }
        cases.push(Case {
            broken: Broken::State(vec![(switch(name, "name"), json!("somebody-elses"))]),
            turn: gone,
        });
    }
    cases
}

fn networks() -> Vec<Case> {
    let network = |switch: &str, name: &str, field: &str| {
        format!("/cluster/vdses/name={switch}/networks/name={name}/{field}")
    };
    let id = |switch: &str, name: &str| network(switch, name, "vlan_id");
    let mut cases = vec![
        state(id("vDS-MgMt-Network", "mgt-network"), json!(7), &["networks.mgmt.vlan_id"]),
        state(id("vDS-Storage-Network", "storage-network"), json!(7), &["networks.storage.vlan_id"]),
    ];
    for (index, name) in ["VLAN-210", "VLAN-211", "VLAN-220", "VLAN-230"].into_iter().enumerate() {
        let key = |field: &str| format!("networks.business[{index}].{field}");
        cases.push(state(id("vDS-Prod-Network", name), json!(7), &[&key("vlan_id")]));
        let renamed = network("vDS-Prod-Network", name, "name");
        cases.push(state(renamed, json!("other"), &[&key("name"), &key("vlan_id")]));
    }
    cases
}

fn hosts() -> Vec<Case> {
    let mut cases = Vec::new();
    for (index, (name, mgmt, storage)) in HOSTS.into_iter().enumerate() {
        let key = |field: &str| format!("hosts[{index}].{field}");
        let service = |network: &str, ip: &str| {
            format!(
                "{DEPLOYED}/networks/name={network}/network_config/service/service_interface_ip={ip}/service_interface_ip"
            )
        };
        let account = |user: &str| format!("/accounts/{mgmt}/{user}");
        cases.extend([
            state(format!("{DEPLOYED}/hosts/hostname={name}/hostname"), json!("other"), &[&key("hostname")]),
            state(service("storage-network", storage), json!("10.40.9.99"), &[&key("storage_ip")]),
            state(format!("/twin/hosts/mgmt_ip={mgmt}/bmc_ip"), json!("10.40.7.99"), &[&key("bmc_ip")]),
            state(account("smartx"), json!("Changed!1"), &[&key("ssh_password")]),
            state(account("root"), json!("Changed!1"), &[&key("admin_password")]),
        ]);
        let other = || json!("10.40.8.99");
        let twin = format!("/twin/hosts/mgmt_ip={mgmt}");
        // The port and the service on it both have the address.
        let both = vec![
            (service("mgt-network", mgmt), other()),
            (format!("{twin}/ifaces/ipv4={mgmt}/ipv4"), other()),
        ];
        let of_fisheye = vec![format!("{} verify.fisheye", key("mgmt_ip"))];
        cases.push(Case { broken: Broken::State(both), turn: of_fisheye });
        let (own, all) = (format!("{} verify.cloudtower", key("mgmt_ip")), format!("~{}", key("*")));
        let moved = vec![(format!("{twin}/mgmt_ip"), other())];
        let mut turn = vec![own, all];
        if index == 0 {
            // The VIP is held by the first host, and the cluster is read by way of it.
            let cluster = ["cluster.*", "networks.*", "vds.*", "cloudtower.*"];
            turn.extend(cluster.map(|rows| format!("~{rows} verify.fisheye")));
        }
        cases.push(Case { broken: Broken::State(moved), turn });
    }
    cases
}

fn boards() -> Vec<Case> {
    let state_of = SimulatedSite::finished().running().whole_state();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let views = state_of["tower"]["views"].as_array().expect("views");
    let graphs = state_of["tower"]["graphs"].as_array().expect("graphs");
    let mut cases = Vec::new();
    for view in views {
        let name = text(&view["name"]);
        let mut all = vec![format!("views.{name}")];
        for graph in graphs.iter().filter(|graph| graph["view_id"] == view["id"]) {
            let metric = text(&graph["metric_name"]);
            let key = format!("views.{name}.{metric}");
            let pointer = format!("/tower/graphs/metric_name={metric}/metric_name");
            cases.push(state(pointer, json!("host_network_ping_packet_loss_percent_storage"), &[&key]));
            all.push(key);
        }
        let pointer = format!("/tower/views/name={name}/name");
        cases.push(Case { broken: Broken::State(vec![(pointer, json!("other"))]), turn: all });
    }
    cases
}

/// The rows of an untouched site that are proved, as `key area`.
fn proved() -> BTreeSet<String> {
    let rows = rows(&read_back(&SimulatedSite::finished()).exits_with(0));
    rows.into_iter().filter(|(_, row)| row["verdict"] == "equal").map(|(key, _)| key).collect()
}

/// The rows that a case names.
fn expected(turn: &[String], proved: &BTreeSet<String>) -> BTreeSet<String> {
    let named = |row: &str, name: &str| {
        let (key, area) = row.split_once(' ').expect("key and area");
        let (wanted, in_area) = name.split_once(' ').map_or((name, area), |(key, area)| (key, area));
        let same = match wanted.strip_suffix('*') {
            Some(start) => key.starts_with(start),
            None => key == wanted,
        };
        same && area == in_area
    };
    let mut rows = BTreeSet::new();
    for name in turn {
        let bare = name.trim_start_matches(['~', '-']);
        let found: Vec<&String> = proved.iter().filter(|row| named(row, bare)).collect();
        assert!(!found.is_empty(), "no row is called {name}");
        if name.starts_with('-') {
            let out: BTreeSet<String> = found.into_iter().cloned().collect();
            rows.retain(|row| !out.contains(row));
        } else {
            rows.extend(found.into_iter().cloned());
        }
    }
    rows
}

fn break_at(site: &SimulatedSite, case: &Case) -> String {
    match &case.broken {
        Broken::State(all) => {
            all.iter().for_each(|(pointer, value)| patch(site, pointer, value.clone()));
            format!("{all:?}")
        }
        Broken::Answer(operation, value) => {
            site.set_faults(vec![always(operation, Action::MergeBody(value.clone()))]);
            format!("{operation} answers {value}")
        }
        Broken::Workbook => {
            let copies = files_below(&site.folder.path().join("artifacts"));
            let copy = copies.iter().find(|path| path.ends_with("plan.xlsx")).expect("the rehearsal's copy");
            fs::copy(site.folder.path().join("plan.xlsx"), copy).expect("it is overwritten");
            "the workbook without serials".to_owned()
        }
    }
}

#[test]
fn every_provable_row_turns_when_its_fact_does_and_takes_nothing_along_but_what_rests_on_it() {
    let proved = proved();
    let cases = cases();
    let own = |case: &Case| -> BTreeSet<String> {
        let own: Vec<String> =
            case.turn.iter().filter(|name| !name.starts_with(['~', '-'])).cloned().collect();
        expected(&own, &proved)
    };
    let covered: BTreeSet<String> = cases.iter().flat_map(own).collect();
    let open: Vec<&String> = proved.difference(&covered).collect();
    let wrong = Mutex::new(Vec::new());
    side_by_side(&cases, |case| {
        let site = SimulatedSite::finished();
        let broken = break_at(&site, case);
        // Another exit code than 10 shows as a row that is missing.
        let after = rows(&read_back(&site));
        let turned: BTreeSet<String> =
            proved.iter().filter(|row| after[*row]["verdict"] != "equal").cloned().collect();
        let expected = expected(&case.turn, &proved);
        if turned != expected {
            let more: Vec<_> = turned.difference(&expected).collect();
            let less: Vec<_> = expected.difference(&turned).collect();
            wrong.lock().expect("whole").push(format!("{broken}\n  also: {more:?}\n  not: {less:?}"));
        }
    });
    let wrong = wrong.into_inner().expect("whole");
    assert!(wrong.is_empty() && open.is_empty(), "{}\nwithout a case: {open:#?}", wrong.join("\n"));
}

#[test]
fn what_turns_is_red_in_the_papers_and_nothing_else_is() {
    let proved = proved();
    let site = SimulatedSite::finished();
    let mut expected_red = BTreeSet::new();
    // Those that hinder no other from being read, all at once.
    let quiet = |case: &&Case| case.turn.len() == 1 && matches!(case.broken, Broken::State(..));
    let loud = ["*", "cluster.vip", "cluster.name", "cluster.connect_state", "mgmt_ip"];
    let cases = cases();
    for case in cases.iter().filter(quiet) {
        if loud.iter().any(|key| case.turn[0].contains(key)) {
            continue;
        }
        break_at(&site, case);
        expected_red.extend(expected(&case.turn, &proved));
    }
    site.run().args(["--stage", "verify"]).run().exits_with(4);
    Voyager::within(site.folder.path()).arg("report").run().exits_with(0);
    let pages = files_below(&site.folder.path().join("artifacts"));
    let page = pages.iter().filter(|path| path.ends_with("acceptance-en.html")).max().expect("papers");
    let page = fs::read_to_string(page).expect("a page");
    let red = page.split("<tr data-key=\"").skip(1).filter(|row| row.contains("class=\"bad\""));
    let red: BTreeMap<String, ()> = red
        .filter_map(|row| row.split('"').next()?.strip_prefix("setting."))
        .map(|key| {
            let mut parts = key.splitn(3, '.');
            let area = format!("{}.{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            (format!("{} {area}", parts.next().unwrap_or_default()), ())
        })
        .collect();
    assert!(expected_red.len() > 50, "{}", expected_red.len());
    assert_eq!(red.into_keys().collect::<BTreeSet<_>>(), expected_red);
}
