//! What stops a run from outside: signals, locks, disks, missing files. Each leaves a state that can be resumed.

use std::{os::unix::fs::PermissionsExt, process::Command};

use voyager::sim::fault::HoldPoint;

use crate::support::{
    fault::hold,
    site::{SimulatedSite, until},
};

#[test]
fn ctrl_c_once_lets_the_act_in_hand_end_and_exits_with_130() {
    let site = SimulatedSite::example().start();
    site.set_faults(vec![hold("fisheye.deploy", HoldPoint::BeforeEffect)]);
    let log = site.folder.path().join("run.log");
    let mut tool = site.run().start(&log);
    site.until_held();
    signal("INT", tool.id());
    until("the tool says that it stops", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("Ctrl-C"))
    });
    site.release();
    let status = tool.wait().expect("the tool ends");
    assert_eq!(status.code(), Some(130), "{}", std::fs::read_to_string(&log).unwrap_or_default());
    assert_eq!(site.ledger().deployments.count, 1, "the act in hand was not allowed to end");
    site.run().run().exits_with(0);
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn ctrl_c_twice_stops_at_once_and_can_still_be_resumed() {
    let site = SimulatedSite::example().start();
    site.set_faults(vec![hold("fisheye.vds.create", HoldPoint::BeforeEffect)]);
    let log = site.folder.path().join("run.log");
    let mut tool = site.run().start(&log);
    site.until_held();
    signal("INT", tool.id());
    until("the tool says that it stops", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("Ctrl-C"))
    });
    signal("INT", tool.id());
    let status = tool.wait().expect("the tool ends");
    assert_eq!(status.code(), Some(130), "{}", std::fs::read_to_string(&log).unwrap_or_default());
    site.release();
    site.set_faults(Vec::new());
    site.run().run().exits_with(0);
    assert_eq!(site.ledger().vds.values().map(|tally| tally.count).sum::<u64>(), 1);
}

#[test]
fn a_termination_exits_with_143_and_a_hang_up_with_129() {
    for (name, code) in [("TERM", 143), ("HUP", 129)] {
        let site = SimulatedSite::example().start();
        site.set_faults(vec![hold("fisheye.deploy", HoldPoint::BeforeEffect)]);
        let log = site.folder.path().join("run.log");
        let mut tool = site.run().start(&log);
        site.until_held();
        signal(name, tool.id());
        site.release();
        let status = tool.wait().expect("the tool ends");
        assert_eq!(status.code(), Some(code), "{}", std::fs::read_to_string(&log).unwrap_or_default());
        site.run().run().exits_with(0);
    }
}

#[test]
fn a_second_run_on_the_same_site_is_refused_and_names_the_first() {
    let site = SimulatedSite::example().start();
    site.set_faults(vec![hold("fisheye.deploy", HoldPoint::BeforeEffect)]);
    let mut first = site.run().start(&site.folder.path().join("run.log"));
    site.until_held();
    site.run().run().exits_with(7).says(&first.id().to_string());
    site.release();
    assert!(first.wait().expect("the first run ends").success());
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_anything_is_touched() {
    let site = SimulatedSite::example().start();
    // Root may write anywhere, so the folder is a file here: nobody can make a folder below it.
    std::fs::write(site.folder.path().join("blocked"), "").expect("a file is written");
    site.run().args(["--artifacts", "blocked/below"]).run().exits_with(8).says("blocked");
    assert_eq!(site.ledger().change_count(), 0);
}

#[test]
fn a_disk_that_fills_up_stops_the_run_before_the_next_change() {
    let site = SimulatedSite::example().start();
    // A file-size limit acts as a full disk: writes beyond it fail.
    let proxy = site.running().proxy_url();
    let tool = env!("CARGO_BIN_EXE_voyager");
    let script = format!(
        "trap '' XFSZ; ulimit -f 24; exec {tool} run --plan plan.xlsx --proxy '{proxy}' --media media --yes"
    );
    let output =
        Command::new("sh").args(["-c", &script]).current_dir(site.folder.path()).output().expect("sh runs");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(8), "{said}");
    let state = site.state();
    site.run().run().exits_with(0);
    assert_eq!(site.ledger().deployments.count, 1, "stopped at {state}");
}

#[test]
fn a_plan_that_nobody_may_read_is_a_plan_error() {
    let site = SimulatedSite::example().start();
    let plan = site.folder.path().join("plan.xlsx");
    std::fs::remove_file(&plan).expect("the plan is removed");
    std::fs::create_dir(&plan).expect("a folder takes its place");
    std::fs::set_permissions(&plan, std::fs::Permissions::from_mode(0o700)).expect("permissions are set");
    site.run().run().exits_with(3).says("PLAN-001");
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.expect("kill runs").success());
}
