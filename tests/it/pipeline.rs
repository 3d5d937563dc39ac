//! The pipeline from end to end, judged by what the site counted.

use std::collections::BTreeMap;

use serde_json::Value;
use voyager::sim::{
    Ledger,
    fault::{Action, Fault},
};

use crate::support::{
    fault::{always, always_at},
    runbook, side_by_side,
    site::{SimulatedSite, TOWER_ISO, undisturbed, until},
    workbook::Workbook,
};

#[test]
fn a_run_does_everything_once_and_a_second_one_changes_nothing() {
    let proved = runbook::steps().iter().filter(|step| ["change", "once"].contains(&step.kind.as_str()));
    // Without --move-nodes the hosts stay where they are, and the step does not call itself done; Everoute's package is
    // uploaded by hand.
    let proved =
        proved.filter(|step| !["config-cloudtower.racks", "deploy-packages.everoute"].contains(&&*step.id));
    undisturbed().ran.clone().says(&format!("{} changed", proved.count())).says("--move-nodes");
    // What decided how long it took.
    undisturbed()
        .ran
        .clone()
        .says("init-cluster.deploy → config-cluster.root-account → config-cluster.vip → ");
    let ledger = &undisturbed().ledger;
    assert_eq!(ledger.breaches.len(), 0, "{:?}", ledger.breaches);
    assert!(ledger.outside_plan.is_empty() && ledger.secrets_in_urls.is_empty());
    assert_eq!((ledger.deployments.count, ledger.setup_root.count, ledger.vip_writes.count), (1, 1, 1));
    assert_eq!((ledger.dns_writes.count, ledger.ntp_writes.count, ledger.cpu_writes.count), (1, 1, 1));
    let once = |counts: Vec<u64>, expected: usize| {
        assert_eq!(counts, vec![1; expected]);
    };
    once(ledger.vds.values().map(|tally| tally.count).collect(), 1);
    once(ledger.networks.values().map(|tally| tally.count).collect(), 4);
    once(ledger.ipmi_upserts.values().map(|tally| tally.count).collect(), 3);
    once(ledger.password_changes.values().map(|tally| tally.count).collect(), 6);
    let chunks: BTreeMap<&str, _> = ledger
        .volumes
        .values()
        .map(|image| (image.name.as_str(), (image.chunks_new, image.chunks_repeated, image.chunks_refused)))
        .collect();
    assert_eq!(
        chunks,
        BTreeMap::from([("SMTX_VMTOOLS-4.1.0-2601010000.iso", (4, 0, 0)), (TOWER_ISO, (5, 0, 0))])
    );
    once(ledger.vms.values().map(|tally| tally.count).collect(), 1);
    once(ledger.vm_writes.values().map(|tally| tally.count).collect(), 1);
    let inside = [&ledger.resolv_conf_writes, &ledger.preinstalls, &ledger.installer_starts];
    once(inside.map(|tally| tally.count).to_vec(), 3);
    once(ledger.organizations.values().map(|tally| tally.count).collect(), 1);
    once(ledger.datacenters.values().map(|tally| tally.count).collect(), 1);
    once(ledger.connections.values().map(|tally| tally.count).collect(), 1);
    once(ledger.views.values().map(|tally| tally.count).collect(), 3);
    once(ledger.graphs.values().map(|tally| tally.count).collect(), 15);
    once(vec![ledger.root_users.count, ledger.settings_writes.count], 2);

    let site = SimulatedSite::finished();
    site.run().run().exits_with(0).says("0 changed");
    let changes = |ledger: &Ledger| -> BTreeMap<String, u64> {
        ledger.changes.iter().map(|(name, tally)| (name.clone(), tally.count)).collect()
    };
    assert_eq!(changes(&site.ledger()), changes(ledger));
    assert_eq!(site.state(), undisturbed().state);
}

#[test]
fn an_address_that_is_silent_for_a_moment_is_not_set_once_more() {
    // Several steps connect to the VIP; whichever of them it is.
    let silent: Vec<u64> = (1..=6).collect();
    side_by_side(&silent, |nth| {
        let site = SimulatedSite::finished();
        let silent = always_at("10.40.8.10", "connect.443", Action::Hang);
        site.set_faults(vec![Fault { nth: *nth, count: 1, ..silent }]);
        site.run().args(["--to", "03"]).run().exits_with(0).says("0 changed");
        assert_eq!(site.ledger().vip_writes.count, 1, "silent at connection {nth}");
    });
}

#[test]
fn the_slowest_deployment_that_ends_well_is_followed_to_its_end() {
    // Site-behaviour §2: up to 75 minutes, for the last twentieth of which a host says that nothing is deployed.
    let site = SimulatedSite::example().scenario("[durations]\ndeployment = 4400\n").start();
    site.run().args(["--to", "02"]).run().exits_with(0).says("1 changed");
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn of_sixteen_hosts_the_one_that_never_answers_is_awaited_named_and_nothing_is_deployed() {
    let site = SimulatedSite::of(&sixteen_hosts()).start();
    site.set_faults(vec![always_at("10.40.8.109", "fisheye.scan.host", Action::Hang)]);
    let log = site.folder.path().join("run.log");
    let scan = site.run().env("VOYAGER_STAGES_SCAN", "3s").args(["--output", "json"]);
    let mut tool = scan.start(&log);
    let of_scan = |event: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter(|told| told["step"] == "init-cluster.scan" && told["event"] == event).collect()
    };
    let found = || of_scan("note").iter().filter(|note| note.to_string().contains("SMTX OS")).count();
    until("fifteen results are shown", || found() == 15);
    until("the silent one alone is awaited", || {
        let waiting = of_scan("waiting");
        let last = waiting.last().map(|told| told["reason"]["en"].to_string()).unwrap_or_default();
        last.contains("waiting for 1 hosts to answer: QS-SZ-SMTX-Node-07 10.40.8.109")
    });
    assert_eq!(of_scan("step-finished").len(), 0, "nobody waits for the silent host");
    let status = tool.wait().expect("it ends");
    assert_eq!(status.code(), Some(4));
    let ended = &of_scan("step-finished")[0];
    let silent = "QS-SZ-SMTX-Node-07 10.40.8.109 (主机规划!I9): no answer within 3.0s";
    assert!(ended.to_string().contains(silent), "{ended}");
    assert_eq!(site.ledger().deployments.count, 0);
    assert_eq!(site.ledger().change_count(), 0);
}

#[test]
fn a_scan_that_reaches_the_limit_of_its_step_names_the_host_too() {
    let site = SimulatedSite::example().start();
    site.set_faults(vec![always_at("10.40.8.12", "fisheye.scan.host", Action::Hang)]);
    let ran = site.run().env("VOYAGER_STEP_TIMEOUT_INIT_CLUSTER_SCAN", "3s").run().exits_with(5);
    ran.says("3.0s").says("waiting for 1 hosts to answer: QS-SZ-SMTX-Node-02 10.40.8.12");
    assert_eq!(site.ledger().change_count(), 0);
}

/// Thirteen more hosts in rows 6 to 18.
fn sixteen_hosts() -> Workbook {
    let mut edits = Vec::new();
    for row in 6..=18 {
        edits.push(format!("H!H{row} = QS-SZ-SMTX-Node-{:02}", row - 2));
        edits.push(format!("H!I{row} = 10.40.8.{}", 100 + row));
        edits.push(format!("H!N{row} = 10.40.9.{}", 100 + row));
        edits.push(format!("H!K{row} = Sixteen!{row}Hosts"));
    }
    Workbook::good().edit(&edits.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_cluster_that_nothing_here_knows_is_refused_before_anything_is_sent() {
    let site = SimulatedSite::finished();
    let before = site.ledger().changes.len();
    // The journal is lost, and the workbook never got the serial: the rehearsal wrote it into a copy.
    std::fs::remove_dir_all(site.folder.path().join("artifacts")).expect("the artifacts are there");
    site.run().run().exits_with(4).says("a cluster already runs at 10.40.8.11");
    assert_eq!(site.ledger().changes.len(), before);
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn networks_lie_on_the_management_switch_where_storage_alone_is_separate() {
    let site = SimulatedSite::of(&Workbook::storage_separate()).start();
    site.run().run().exits_with(0);
    let ledger = site.ledger();
    assert!(ledger.vds.is_empty(), "{:?}", ledger.vds);
    assert!(!ledger.networks.is_empty());
    assert!(ledger.networks.values().all(|tally| tally.count == 1));
}

#[test]
fn invalid_bmc_accounts_are_warnings_host_by_host() {
    let site = SimulatedSite::example().start();
    let invalid = serde_json::json!({"data": {"success": [], "failure": [
        {"node_name": "QS-SZ-SMTX-Node-01", "host": "10.40.7.11", "is_valid": false}]}});
    site.set_faults(vec![always("fisheye.ipmi", Action::MergeBody(invalid))]);
    site.run().run().exits_with(0).says("QS-SZ-SMTX-Node-01 at 10.40.7.11 is not valid").says("5 warnings");
}

#[test]
fn a_vip_that_moves_to_another_node_is_still_the_cluster_s() {
    for holder in [1, 2] {
        let site = SimulatedSite::finished();
        site.running().site().with(|state, _| state.quirks.vip_holder = holder);
        site.run().run().exits_with(0).says("0 changed").does_not_say("pinned before");
    }
}
