//! One site, one run at a time: the other is told who holds it and since when; a dead holder is recognised at once on
//! its own machine, and on another one only the operator knows.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use voyager::sim::fault::HoldPoint;

use crate::support::{
    fault::hold,
    site::{SimulatedSite, files_below},
    tool::{Ran, Voyager},
};

/// The site folder that the runs of this site share.
fn site_folder(site: &SimulatedSite) -> PathBuf {
    let files = files_below(&site.folder.path().join("artifacts"));
    let journal = files.iter().find(|path| path.ends_with("journal.jsonl")).expect("a journal");
    journal.parent().expect("a folder").to_owned()
}

fn holder(site: &SimulatedSite) -> Value {
    let text = fs::read(site_folder(site).join("holder.json")).expect("somebody holds the site");
    serde_json::from_slice(&text).expect("JSON")
}

fn runs(site: &SimulatedSite) -> usize {
    fs::read_dir(site_folder(site).join("runs")).expect("runs").count()
}

/// A run as far as its stage 02 that holds the site while its deployment is held.
fn holding(site: &SimulatedSite) -> std::process::Child {
    site.set_faults(vec![hold("fisheye.deploy", HoldPoint::BeforeEffect)]);
    let run = site.run().args(["--to", "02"]).start(&site.folder.path().join("run.log"));
    site.until_held();
    run
}

/// Somebody on another computer held the site last, and never gave it back.
fn held_elsewhere() -> SimulatedSite {
    let site = SimulatedSite::example().start();
    site.run().args(["--stage", "01"]).run().exits_with(0);
    let elsewhere = json!({
        "pid": 4711, "host": "laptop-of-li", "run": "20260105-083000",
        "started": "2026-01-05T08:30:00Z", "heartbeat": "2026-01-05T09:12:10Z",
    });
    fs::write(site_folder(&site).join("holder.json"), elsewhere.to_string()).expect("written");
    site
}

#[test]
fn of_two_runs_one_proceeds_and_the_other_names_process_host_and_time_and_leaves_nothing() {
    let site = SimulatedSite::example().start();
    let mut first = holding(&site);
    let (asked, known, held) = (site.requests().len(), runs(&site), holder(&site));
    let mut refused = site.run().run().exits_with(7).says(&first.id().to_string());
    for key in ["host", "run", "started"] {
        refused = refused.says(held[key].as_str().expect("text"));
    }
    // Not even the operator's word takes it from a run that lives.
    site.run().args(["--take-over"]).run().exits_with(7);
    assert_eq!((site.requests().len(), runs(&site)), (asked, known));
    assert_eq!(holder(&site)["pid"], held["pid"], "the holder was written over");
    site.release();
    assert!(first.wait().expect("the first run ends").success());
    assert!(!site_folder(&site).join("holder.json").exists(), "the lock was not given back");
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn a_dead_holder_on_this_machine_is_recognised_at_once_and_named() {
    let site = SimulatedSite::example().start();
    let mut first = holding(&site);
    let dead = holder(&site)["run"].as_str().expect("text").to_owned();
    first.kill().expect("killed");
    first.wait().expect("it ended");
    assert!(site_folder(&site).join("holder.json").exists(), "nobody gave the lock back");
    site.release();
    site.set_faults(Vec::new());
    site.run().args(["--to", "02"]).run().exits_with(0).says(&format!("taking the place of run {dead}"));
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn a_holder_on_another_computer_is_never_taken_for_dead_by_itself() {
    let site = held_elsewhere();
    let asked = site.requests().len();
    // Without somebody to ask, `--yes` or not.
    let refused = site.run().args(["--stage", "01"]).run().exits_with(9);
    refused.says("laptop-of-li").says("4711").says("2026-01-05T08:30:00Z").says("--take-over");
    assert_eq!(site.requests().len(), asked);
    assert_eq!(holder(&site)["host"], "laptop-of-li");
    site.run().args(["--stage", "01", "--take-over"]).run().exits_with(0);
    assert!(!site_folder(&site).join("holder.json").exists());
}

#[test]
fn on_a_terminal_the_take_over_is_asked_and_only_a_yes_takes_it() {
    let site = held_elsewhere();
    let at_terminal = |answer: &str| -> Option<Ran> {
        let run: Voyager = site.run().args(["--stage", "01"]).env("TERM", "dumb");
        run.run_at_terminal("true", &format!("{answer}\n"))
    };
    // A dumb terminal asks nothing, so nothing is assumed.
    let Some(ran) = at_terminal("y") else { return };
    ran.exits_with(9).says("--take-over");
    let ask = |answer: &str| {
        let run = site.run().args(["--stage", "01"]).env("TERM", "xterm");
        run.run_at_terminal("true", &format!("{answer}\n")).expect("it worked before")
    };
    ask("n").exits_with(9).says("laptop-of-li").says("has it really stopped");
    assert_eq!(holder(&site)["host"], "laptop-of-li");
    ask("y").exits_with(0);
    assert!(!site_folder(&site).join("holder.json").exists());
}
