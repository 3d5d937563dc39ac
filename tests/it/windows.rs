//! A maintenance window at the simulated site: where a run stops, that nothing changes afterwards, and that it goes on.

use std::fs;

use voyager::sim::fault::HoldPoint;

use crate::support::{
    fault::hold,
    site::{SimulatedSite, undisturbed, until},
    tool::Voyager,
};

/// A run that begins at ten in the evening, in a time zone of its own.
fn at_ten(site: &SimulatedSite, more: &[&str]) -> Voyager {
    site.run().env("TZ", "UTC").args(["--now", "2026-11-30T22:00"]).args(more)
}

#[test]
fn a_window_too_short_for_the_deployment_stops_before_it_and_the_same_command_with_a_later_end_finishes() {
    // Only checks run here, and they take their own time: a slow clock leaves them enough of the window.
    let site = SimulatedSite::restored_at(&SimulatedSite::example().start().snapshot(), 60.0, &[]);
    let ran = at_ten(&site, &["--until", "23:00"]).run().exits_with(11);
    let ledger = site.ledger();
    assert_eq!((ledger.deployments.count, ledger.setup_root.count), (0, 0), "{ran}");
    assert!(site.requests().iter().all(|request| !request.changing), "{ran}");
    assert!(ran.stderr.contains("the maintenance window ends at 2026-11-30 23:00, too soon"), "{ran}");
    assert!(
        ran.stderr.contains("Cluster administrator") && ran.stderr.contains("point of no return"),
        "{ran}"
    );
    assert!(ran.stdout.contains("at a slow site the run stops after"), "{ran}");
    // Not even all of that hour would do, so the next command names more.
    assert!(ran.stderr.contains("even the whole window would not do: 1h15m are needed"), "{ran}");
    assert!(ran.stdout.contains("--window 22:00-23:35"), "{ran}");

    let zh = at_ten(&site, &["--until", "23:00", "--lang", "zh"]).run().exits_with(11);
    assert!(zh.stderr.contains("维护窗口到 2026-11-30 23:00 为止，余下的时间不够"), "{zh}");

    let site = SimulatedSite::restored(&site.snapshot());
    at_ten(&site, &["--until", "2026-12-05T22:00"]).run().exits_with(0);
    assert_eq!(site.state(), undisturbed().state);
}

#[test]
fn a_window_that_closes_over_a_request_lets_it_land_and_no_other_leave_and_a_later_run_goes_on_inside_the_step()
 {
    let site = SimulatedSite::example().start();
    site.run().args(["--to", "init-cluster"]).run().exits_with(0);
    site.set_faults(vec![hold("fisheye.svt.create_volume", HoldPoint::BeforeEffect)]);
    let log = site.folder.path().join("window.log");
    let command = ["--to", "config-cluster", "--until", "02:00"];
    let mut tool = at_ten(&site, &command).start(&log);
    site.until_held();
    // Four hours of the site are a few seconds here; the tool says when they are over.
    until("the window has ended", || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("no request that changes the site leaves"))
    });
    let changing = || site.requests().iter().filter(|request| request.changing).count();
    let before = changing();
    site.release();
    let ended = tool.wait().expect("the tool ends");
    let told = fs::read_to_string(&log).expect("the log");
    assert_eq!(ended.code(), Some(11), "{told}");
    // What was held when the window ended is counted when it lands.
    assert!(changing() <= before + 1, "{told}");
    assert!(told.contains("not sent: the maintenance window ended at 2026-12-01 02:00"), "{told}");

    at_ten(&site, &["--until", "2026-12-05T22:00"]).run().exits_with(0);
    assert_eq!(site.state(), undisturbed().state);
}

#[test]
fn before_the_window_opens_nothing_is_changed_and_the_run_waits_for_it() {
    let site = SimulatedSite::example().start();
    let ran = at_ten(&site, &["--to", "init-cluster", "--window", "23:00-12:00"]).run().exits_with(0);
    assert!(ran.stdout.contains("the maintenance window opens at 2026-11-30 23:00 (in "), "{ran}");
    assert!(ran.stdout.contains("the maintenance window is open, until 2026-12-01 12:00"), "{ran}");
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn a_dry_run_tells_how_long_it_takes_and_where_the_window_would_stop_it() {
    let site = SimulatedSite::example().start();
    let dry = |more: &[&str]| {
        let voyager = Voyager::within(site.folder.path()).env("TZ", "UTC");
        let voyager = voyager.args(["run", "--plan", "plan.xlsx", "--dry-run", "--to", "init-cluster"]);
        voyager.args(["--now", "2026-11-30T22:00"]).args(more).run().exits_with(0)
    };
    let ran = dry(&["--window", "22:00-23:00"]);
    assert!(ran.stdout.contains("what is left takes 20m"), "{ran}");
    assert!(ran.stdout.contains("before Deploy the cluster (init-cluster.deploy)"), "{ran}");
    let told = dry(&["--window", "22:00-02:00", "--output", "json"]).json();
    assert_eq!(told["rest"]["slow"]["stops_before"], serde_json::Value::Null);
}

#[test]
fn what_is_no_window_is_refused_before_anything_is_sent() {
    let site = SimulatedSite::example().start();
    for wrong in [&["--window", "22:00"][..], &["--until", "soon"], &["--until", "21:00"]] {
        at_ten(&site, wrong).run().exits_with(2);
    }
    at_ten(&site, &["--until", "23:00", "--window", "22:00-23:00"]).run().exits_with(2);
    assert!(site.requests().is_empty());
    let real = Voyager::within(site.folder.path()).args(["run", "--plan", "plan.xlsx", "--until", "23:00"]);
    real.args(["--now", "2026-11-30T22:00"]).run().exits_with(2);
}
