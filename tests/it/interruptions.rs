//! Signals: a run that is told to stop ends with the signal's exit code, says how to go on, and can.

use std::{fs, path::PathBuf, process::Child};

use voyager::sim::fault::HoldPoint;

use crate::support::{
    fault::hold,
    site::{SimulatedSite, until},
    tool::{Voyager, project},
};

/// A run in whose act, and so in the middle of everything, signals arrive.
struct InHand {
    tool: Child,
    log: PathBuf,
}

impl InHand {
    /// Starts a run, up to the request that `operation` names: the site keeps its answer back.
    fn at(site: &SimulatedSite, operation: &str) -> Self {
        site.set_faults(vec![hold(operation, HoldPoint::BeforeEffect)]);
        let log = site.folder.path().join("run.log");
        let tool = site.run().start(&log);
        site.until_held();
        Self { tool, log }
    }

    /// Sends a signal (`INT`) and waits until the tool says that it stops.
    fn told(self, signal: &str) -> Self {
        self.signal(signal);
        until("the tool says that it stops", || self.said().contains("stopping"));
        self
    }

    fn signal(&self, name: &str) {
        let pid = self.tool.id().to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill(1) is there").success());
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends with this code, and names the command to go on with.
    #[track_caller]
    fn ends_with(mut self, code: i32, command: &str) {
        let status = self.tool.wait().expect("the tool ends");
        assert_eq!(status.code(), Some(code), "{}", self.said());
        assert!(self.said().contains(&format!("  next        {command}")), "{}", self.said());
    }
}

const AGAIN: &str = "voyager run --plan plan.xlsx --proxy";

#[test]
fn ctrl_c_once_lets_the_act_in_hand_end_and_the_same_command_goes_on() {
    let site = SimulatedSite::example().start();
    let run = InHand::at(&site, "fisheye.deploy").told("INT");
    site.release();
    run.ends_with(130, AGAIN);
    assert_eq!(site.ledger().deployments.count, 1, "the act in hand was not allowed to end");
    assert_eq!(site.ledger().setup_root.count, 0, "another act was started");
    site.run().run().exits_with(0);
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn ctrl_c_twice_stops_at_once_and_the_same_command_goes_on() {
    let site = SimulatedSite::example().start();
    let run = InHand::at(&site, "fisheye.vds.create").told("INT");
    run.signal("INT");
    run.ends_with(130, AGAIN);
    assert!(site.ledger().vds.is_empty(), "the act that was held has no effect yet");
    site.release();
    site.set_faults(Vec::new());
    site.run().run().exits_with(0);
    assert_eq!(site.ledger().vds.values().map(|tally| tally.count).sum::<u64>(), 1);
}

#[test]
fn a_termination_ends_with_143_and_a_hang_up_with_129() {
    for (name, code) in [("TERM", 143), ("HUP", 129)] {
        let site = SimulatedSite::example().start();
        let run = InHand::at(&site, "fisheye.deploy").told(name);
        site.release();
        run.ends_with(code, AGAIN);
        assert_eq!((site.ledger().deployments.count, site.ledger().setup_root.count), (1, 0));
        site.run().args(["--to", "02"]).run().exits_with(0);
        assert_eq!(site.ledger().deployments.count, 1);
    }
}

#[test]
fn a_rehearsal_that_is_stopped_says_how_to_begin_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(project("examples/plan.xlsx"), folder.path().join("plan.xlsx")).expect("the example");
    let log = folder.path().join("run.log");
    // Slow enough to be stopped in the middle of the deployment.
    let args = ["run", "--plan", "plan.xlsx", "--simulate", "--speed", "20"];
    let run = InHand { tool: Voyager::within(folder.path()).args(args).start(&log), log };
    until("the deployment is under way", || run.said().contains("answer"));
    let log = run.log.clone();
    run.told("INT").ends_with(130, "voyager run --plan plan.xlsx --simulate");
    let said = fs::read_to_string(log).expect("what it said");
    assert!(said.contains("voyager simulate --plan plan.xlsx"), "{said}");
    assert!(!said.contains("from the checkpoint"), "that site is gone: {said}");
}
