//! A terminal: how a run looks on a narrow one and on a dumb one, and that it is left as it was found.

use std::{fs, path::Path};

use serde_json::Value;
use voyager::sim::fault::HoldPoint;

use crate::support::{
    fault::hold,
    site::{SimulatedSite, files_below, until},
    tool::{Ran, SPOILT, Voyager, project},
};

/// The first stage on a terminal; `None` where this machine has none to give.
fn prepare(terminal: &str, first: &str) -> Option<Ran> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(project("examples/plan.xlsx"), folder.path().join("plan.xlsx")).expect("the example");
    let args = ["run", "--plan", "plan.xlsx", "--simulate", "--stage", "01", "--speed", "1000"];
    let run = Voyager::within(folder.path()).env("VOYAGER_LIMITS_SILENT_PROBE", "500ms").args(args);
    run.env("TERM", terminal).run_at_terminal(first, "")
}

#[test]
fn a_narrow_terminal_shows_every_word_and_is_left_as_it_was_found() {
    let Some(ran) = prepare("xterm", "stty rows 24 cols 40") else { return };
    // A live line that would be wider is shortened: a terminal that wraps it could not take it back.
    let ran = ran
        .exits_with(0)
        .says("Done in ")
        .says("Addresses and clock…: 0.0s real so far")
        .does_not_say(SPOILT);
    leaves_the_cursor(&ran.stdout);
}

#[test]
fn a_dumb_terminal_is_sent_plain_lines() {
    let Some(ran) = prepare("dumb", "stty rows 24 cols 40") else { return };
    ran.exits_with(0).says("Done in ").does_not_say(SPOILT).does_not_say("\u{1b}");
}

#[test]
fn a_run_that_is_stopped_leaves_the_terminal_as_it_was_found() {
    for (times, name, code) in [(1, "INT", 130), (2, "INT", 130), (1, "TERM", 143), (1, "HUP", 129)] {
        let site = SimulatedSite::example().start();
        site.set_faults(vec![hold("fisheye.deploy", HoldPoint::BeforeEffect)]);
        let log = site.folder.path().join("terminal.log");
        let run = site.run().env("TERM", "xterm");
        let Some(mut script) = run.start_at_terminal("true", &log) else { return };
        site.until_held();
        let pid = holder(site.folder.path());
        let shown = || String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
        for _ in 0..times {
            let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status();
            assert!(sent.expect("kill(1) is there").success());
            until("the tool says that it stops", || shown().contains("stopping"));
        }
        site.release();
        let status = script.wait().expect("it ends");
        assert_eq!(status.code(), Some(code), "{name} {times} times: {}", shown());
        assert!(!shown().contains(SPOILT), "{}", shown());
        leaves_the_cursor(&shown());
        site.set_faults(Vec::new());
        site.run().args(["--to", "02"]).run().exits_with(0);
        assert_eq!(site.ledger().deployments.count, 1);
    }
}

/// The process that holds the site.
fn holder(folder: &Path) -> String {
    let path = files_below(folder).into_iter().find(|path| path.ends_with("holder.json"));
    let text = fs::read(path.expect("somebody holds the site")).expect("read");
    serde_json::from_slice::<Value>(&text).expect("JSON")["pid"].to_string()
}

/// Whoever hides the cursor shows it again, and the last colour is taken back.
#[track_caller]
fn leaves_the_cursor(shown: &str) {
    let last = |sequence: &str| shown.rfind(sequence);
    assert!(last("\u{1b}[?25l") <= last("\u{1b}[?25h"), "the cursor stays hidden: {shown}");
    let coloured = shown.match_indices("\u{1b}[3").map(|(at, _)| at).max();
    assert!(coloured <= last("\u{1b}[0m"), "the colour stays: {shown}");
}
