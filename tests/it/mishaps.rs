//! What goes wrong around a run: each mishap has its exit code, its words, and a state that can be resumed.

use std::fs;

use serde_json::json;
use voyager::sim::fault::{Action, HoldPoint};

use crate::support::{
    fault::{always_at, hold},
    site::SimulatedSite,
    tool::Voyager,
    workbook::Workbook,
};

/// How many hosts the example plans.
const HOSTS: u64 = 3;

#[test]
fn a_plan_with_an_error_stops_with_3_and_its_cell_before_anything_is_asked_or_written() {
    let site = SimulatedSite::example().start();
    Workbook::good().edit(&["H!I19 = 10.40.8.300"]).write(site.folder.path(), "plan.xlsx");
    site.run().run().exits_with(3).says("主机规划!I19").says("10.40.8.300");
    assert_eq!(site.requests().len(), 0);
    assert!(!site.folder.path().join("artifacts").exists(), "a run folder was made");
    Workbook::good().write(site.folder.path(), "plan.xlsx");
    site.run().args(["--stage", "01"]).run().exits_with(0);
}

#[test]
fn a_plan_that_nobody_can_read_stops_with_3() {
    let site = SimulatedSite::example().start();
    let plan = site.folder.path().join("plan.xlsx");
    fs::remove_file(&plan).expect("the plan is removed");
    fs::create_dir(&plan).expect("a folder takes its place");
    site.run().run().exits_with(3).says("PLAN-001");
    assert_eq!(site.requests().len(), 0);
}

#[test]
fn a_host_that_cannot_be_reached_stops_with_4_is_named_and_nothing_is_changed() {
    let site = SimulatedSite::example().start();
    site.set_faults(vec![always_at("10.40.8.12", "connect.*", Action::Silent)]);
    site.run().run().exits_with(4).says("10.40.8.12 (QS-SZ-SMTX-Node-02, 主机规划!I4)").says("check power");
    assert_eq!(site.ledger().change_count(), 0);
    site.set_faults(Vec::new());
    site.run().args(["--to", "02"]).run().exits_with(0);
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn a_host_password_that_is_not_the_known_one_stops_with_4_and_only_that_host_is_left() {
    let site = SimulatedSite::example().start();
    let other = |words: &mut voyager::sim::site::State| {
        let accounts = words.accounts.get_mut(&"10.40.8.12".parse().expect("an address"));
        let known = accounts.expect("its accounts").insert("smartx".into(), "Somebody#Else1".into());
        known.expect("a password")
    };
    site.run().args(["--to", "02"]).run().exits_with(0);
    let known = site.running().site().with(|state, _| other(state));
    site.run()
        .run()
        .exits_with(4)
        .says("10.40.8.12")
        .says("config-cluster.host-passwords")
        .does_not_say(&known);
    let changed = |site: &SimulatedSite| site.ledger().password_changes.len() as u64;
    assert_eq!(changed(&site), 2 * (HOSTS - 1), "the other hosts have theirs");
    let restored = |state: &mut voyager::sim::site::State| {
        let accounts = state.accounts.get_mut(&"10.40.8.12".parse().expect("an address"));
        accounts.expect("its accounts").insert("smartx".into(), known.clone());
    };
    site.running().site().with(|state, _| restored(state));
    site.run().run().exits_with(0);
    assert_eq!(changed(&site), 2 * HOSTS);
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn another_administrator_password_stops_with_4_and_its_cell_and_changes_nothing() {
    let site = SimulatedSite::finished();
    let plan = Workbook::good().edit(&["H!M19 = Another!Pass9"]);
    plan.write(site.folder.path(), "plan.xlsx");
    let changes = site.ledger().change_count();
    // The two finished steps that log in with it, as the tool names them.
    let redo = ["--redo", "config-cluster.root-account", "--redo", "attach-cluster.cluster"];
    let ran = site.run().args(redo).run().exits_with(4);
    ran.says("another password than 主机规划!M19").does_not_say("Another!Pass9");
    assert_eq!(site.ledger().change_count(), changes);
    Workbook::good().write(site.folder.path(), "plan.xlsx");
    site.run().args(redo).run().exits_with(0);
}

#[test]
fn a_disk_that_fills_up_stops_with_8_before_the_next_change_and_the_run_goes_on_with_space() {
    // A file-size limit acts as a full disk: writes beyond it fail. The journal meets the first before anything was
    // changed; the transcript meets the second while the deployment is followed.
    for (blocks, deployed) in [(36, 0), (86, 1)] {
        let site = SimulatedSite::example().start();
        let ran = site.run().run_after(&format!("trap '' XFSZ; ulimit -f {blocks}"));
        ran.exits_with(8).says("File too large").says("check disk space").says("next        voyager run");
        assert_eq!((site.ledger().deployments.count, site.ledger().setup_root.count), (deployed, 0));
        site.run().args(["--to", "02"]).run().exits_with(0);
        assert_eq!(site.ledger().deployments.count, 1);
    }
}

#[test]
fn a_place_where_no_folder_can_be_made_stops_with_8_before_anything_is_asked() {
    let site = SimulatedSite::example().start();
    fs::write(site.folder.path().join("blocked"), "").expect("a file is written");
    site.run()
        .args(["--artifacts", "blocked/below"])
        .run()
        .exits_with(8)
        .says("blocked")
        .says("--artifacts DIR");
    assert_eq!(site.requests().len(), 0);
}

#[test]
fn a_read_only_folder_stops_with_8_before_anything_is_asked_and_another_place_helps() {
    let site = SimulatedSite::example().start();
    // Root may write where the mode forbids it; into a read-only mount nobody may.
    let read_only = "mount --bind . . && mount -o remount,ro,bind . && cd \"$PWD\"";
    let Some(ran) = site.run().run_within(&["--mount"], read_only) else { return };
    ran.exits_with(8).says("artifacts").says("--artifacts DIR");
    assert_eq!(site.requests().len(), 0);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let place = elsewhere.path().to_str().expect("text");
    let run = site.run().args(["--stage", "01", "--artifacts", place]);
    run.run_within(&["--mount"], read_only).expect("it worked before").exits_with(0);
}

#[test]
fn a_second_run_at_the_same_time_stops_with_7_names_the_first_and_asks_nothing() {
    let site = SimulatedSite::example().start();
    site.set_faults(vec![hold("fisheye.deploy", HoldPoint::BeforeEffect)]);
    let mut first = site.run().args(["--to", "02"]).start(&site.folder.path().join("run.log"));
    site.until_held();
    let asked = site.requests().len();
    site.run().run().exits_with(7).says(&first.id().to_string()).says("what now");
    assert_eq!(site.requests().len(), asked, "the second run spoke to the site");
    site.release();
    assert!(first.wait().expect("the first run ends").success());
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn a_variable_that_nothing_reads_stops_with_2_before_anything_is_asked() {
    let site = SimulatedSite::example().start();
    site.run().env("VOYAGER_LIMITS_CONECT", "1s").run().exits_with(2).says("VOYAGER_LIMITS_CONECT");
    assert_eq!(site.requests().len(), 0);
    assert!(!site.folder.path().join("artifacts").exists());
}

#[test]
fn a_deployment_that_the_site_refuses_names_the_field_and_can_be_sent_again() {
    let site = SimulatedSite::example().start();
    let detail = json!({"cluster_name": ["too long"]});
    let refused = Action::V2 { ec: "REST_FORM_ERROR".into(), msg: "form error".into(), detail };
    site.set_faults(vec![always_at("10.40.8.11", "fisheye.deploy", refused)]);
    site.run().args(["--to", "02"]).run().exits_with(4).says("cluster_name");
    assert_eq!(site.ledger().deployments.count, 0);
    site.set_faults(Vec::new());
    site.run().args(["--to", "02"]).run().exits_with(0);
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn a_seed_alone_draws_faults() {
    let folder = tempfile::tempdir().expect("a folder");
    Workbook::good().write(folder.path(), "plan.xlsx");
    let args = ["run", "--plan", "plan.xlsx", "--simulate", "--seed", "7", "--speed", "2000"];
    let ran = Voyager::within(folder.path()).args(args).run();
    let transcripts = crate::support::site::files_below(folder.path());
    let wire = transcripts.iter().find(|path| path.ends_with("wire.jsonl")).expect("a transcript");
    let wire = fs::read_to_string(wire).expect("the transcript is read");
    let lost = wire.lines().filter(|line| line.contains("\"error\":\"")).count();
    assert!(lost > 0, "no exchange was disturbed: {ran}");
}
