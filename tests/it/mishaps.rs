//! What stops a run beside signals: locks, disks, missing files. Each leaves a state that can be resumed.

use std::{fs, process::Command};

use voyager::sim::fault::HoldPoint;

use crate::support::{fault::hold, site::SimulatedSite};

#[test]
fn a_second_run_on_the_same_site_is_refused_and_names_the_first() {
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
fn a_folder_that_cannot_be_written_is_refused_before_anything_is_touched() {
    let site = SimulatedSite::example().start();
    // Root may write anywhere, so the folder is a file here: nobody can make a folder below it.
    fs::write(site.folder.path().join("blocked"), "").expect("a file is written");
    site.run().args(["--artifacts", "blocked/below"]).run().exits_with(8).says("blocked");
    assert_eq!(site.requests().len(), 0);
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
    fs::remove_file(&plan).expect("the plan is removed");
    fs::create_dir(&plan).expect("a folder takes its place");
    site.run().run().exits_with(3).says("PLAN-001");
}
