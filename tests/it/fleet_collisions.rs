//! What the plans of several clusters take from each other is found before anything is started.

use crate::support::{
    tool::{Ran, Voyager},
    workbook::Workbook,
};

/// Makes the second plan one of another cluster in the same networks that has nothing in common with the first.
const APART: [&str; 19] = [
    "N!B3 = QS-SZ-SMTX-Prod-Cls02",
    "H!I19 = 10.40.8.30",
    "M!E3 = 10.40.8.40",
    "M!E4 = 10.40.8.41",
    "M!E5 = 10.40.8.42",
    "M!E18 = 10.40.8.210",
    "M!E19 = 10.40.8.219",
    "H!E3 = 10.40.7.21",
    "H!E4 = 10.40.7.22",
    "H!E5 = 10.40.7.23",
    "H!I3 = 10.40.8.31",
    "H!I4 = 10.40.8.32",
    "H!I5 = 10.40.8.33",
    "H!N3 = 10.40.9.31",
    "H!N4 = 10.40.9.32",
    "H!N5 = 10.40.9.33",
    "H!H3 = QS-SZ-SMTX-Node-11",
    "H!H4 = QS-SZ-SMTX-Node-12",
    "H!H5 = QS-SZ-SMTX-Node-13",
];

/// Cells with formulas that follow the cluster's name.
const FOLLOWING: [&str; 2] = ["H!C3f= 虚拟网络!B3", "M!N3f= 虚拟网络!B3"];

/// `plan check` of the good plan and of another cluster's, each with edits of its own.
fn check(one: &[&str], other: &[&str]) -> (Ran, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    Workbook::good().edit(one).write(folder.path(), "a.xlsx");
    let edits = [&APART[..], &FOLLOWING, other].concat();
    Workbook::good().edit(&edits).write(folder.path(), "b.xlsx");
    let ran = Voyager::within(folder.path());
    let ran = ran.args(["plan", "check", "a.xlsx", "b.xlsx", "--output", "json"]).run();
    let found = found(&ran);
    (ran, found)
}

/// `FLEET-01 error: a.xlsx 主机规划!I19, b.xlsx 集群管理信息!E4` of each collision.
fn found(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    let told = json["collisions"].as_array().expect("a list").iter().map(|one| {
        let side = |at: usize| {
            let side = &one["sides"][at];
            let text = |key: &str| side[key].as_str().expect("text").to_owned();
            format!("{} {}!{}", text("file"), text("sheet"), text("cell"))
        };
        format!("{} {}: {}, {}", one["id"], one["severity"], side(0), side(1)).replace('"', "")
    });
    told.collect()
}

#[test]
fn a_plan_that_is_not_valid_is_named_as_not_compared() {
    let (ran, found) = check(&[], &["H!I3 = 10.40.8"]);
    assert_eq!((found.len(), &ran.json()["not_compared"]), (0, &serde_json::json!(["b.xlsx"])), "{ran}");
    ran.exits_with(3);
}

#[test]
fn two_clusters_in_the_same_networks_with_nothing_in_common_are_well() {
    let (ran, found) = check(&[], &[]);
    assert_eq!(found, Vec::<String>::new());
    ran.exits_with(0);
}

#[test]
fn everything_that_two_plans_must_not_have_in_common_is_found() {
    let (a, b) = ("a.xlsx", "b.xlsx");
    let (hosts, management, networks) = ("主机规划", "集群管理信息", "虚拟网络");
    let cases: &[(&[&str], &[&str], String)] = &[
        // One VIP for two clusters.
        (&[], &["H!I19 = 10.40.8.10"], format!("FLEET-01 error: {a} {hosts}!I19, {b} {hosts}!I19")),
        // The name server of one is the other's CloudTower.
        (&["M!E22 = 10.40.8.40"], &[], format!("FLEET-02 error: {b} {management}!E3, {a} {management}!E22")),
        (&[], &["M!E3 = 10.40.8.205"], format!("FLEET-03 error: {a} {management}!E18, {b} {management}!E3")),
        (
            &[],
            &["M!E18 = 10.40.8.205"],
            format!("FLEET-04 warning: {a} {management}!E18, {b} {management}!E18"),
        ),
        (
            &[],
            &["N!B3 = qs-sz-smtx-prod-CLS01"],
            format!("FLEET-11 error: {a} {networks}!B3, {b} {networks}!B3"),
        ),
        (&["H!D3 = 4LXKQX3"], &["H!D5 = 4lxkqx3"], format!("FLEET-13 error: {a} {hosts}!D3, {b} {hosts}!D5")),
    ];
    for (one, other, expected) in cases {
        let (ran, found) = check(one, other);
        assert_eq!(found, std::slice::from_ref(expected), "{one:?} {other:?}: {ran}");
        ran.exits_with(if expected.contains("error") { 3 } else { 0 });
    }
}

#[test]
fn what_two_plans_take_from_each_other_is_told_with_both_cells_and_nothing_is_started() {
    let folder = tempfile::tempdir().expect("a folder");
    Workbook::good().write(folder.path(), "a.xlsx");
    // In the same networks with addresses of its own but for one, which is the VIP of the first; one host name, one
    // VLAN, one subnet and one mask are not what they should be.
    let edits = [
        "M!E4 = 10.40.8.10",
        "H!H5 = QS-SZ-SMTX-Node-01",
        "N!F9 = 212",
        "N!D9 = VLAN-212",
        "N!H10 = 10.42.20.0/24",
        "N!I10 = 10.42.20.254",
        "N!H11 = 10.42.31.0/24",
        "N!I11 = 10.42.31.254",
    ];
    let edits = [&APART[..], &FOLLOWING, &edits].concat();
    Workbook::good().edit(&edits).write(folder.path(), "b.xlsx");
    let check = |args: &[&str]| Voyager::within(folder.path()).args(["plan", "check"]).args(args).run();
    let ran = check(&["a.xlsx", "b.xlsx", "--output", "json"]).exits_with(3);
    let json = ran.json();
    assert_eq!(
        found(&ran),
        [
            "FLEET-01 error: a.xlsx 主机规划!I19, b.xlsx 集群管理信息!E4",
            "FLEET-12 warning: a.xlsx 主机规划!H3, b.xlsx 主机规划!H5",
            "FLEET-21 warning: a.xlsx 虚拟网络!F9, b.xlsx 虚拟网络!F9",
            "FLEET-23 warning: a.xlsx 虚拟网络!H10, b.xlsx 虚拟网络!H10",
            "FLEET-22 warning: a.xlsx 虚拟网络!F11, b.xlsx 虚拟网络!F11",
        ],
        "{ran}"
    );
    assert_eq!(json["plans"].as_array().map(Vec::len), Some(2));
    check(&["."]).exits_with(3).says("error FLEET-01  ./a.xlsx 主机规划!I19  ./b.xlsx 集群管理信息!E4");

    let run = Voyager::within(folder.path()).args(["run", "--plan", ".", "--simulate"]).run();
    run.exits_with(3).says("FLEET-01").says("nothing was started").says("voyager plan check");
    assert!(!folder.path().join("artifacts").exists());
}
