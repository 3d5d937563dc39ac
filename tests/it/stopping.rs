//! Signals: a run that is told to stop ends with the signal's exit code, says how to go on, and can.

#![cfg(unix)]

use std::{fs, path::Path, process::Child};

use tempfile::TempDir;

use crate::support::tool::{Voyager, project};

/// A rehearsal that is slow enough to be stopped in the middle of the deployment.
fn deploying(folder: &Path, log: &Path) -> Child {
    let args = ["run", "--plan", "plan.xlsx", "--simulate", "--speed", "20"];
    let mut run = Voyager::within(folder).args(args).start(log);
    loop {
        let text = fs::read_to_string(log).unwrap_or_default();
        if text.contains("answer") {
            return run;
        }
        assert!(run.try_wait().expect("it can be asked").is_none(), "it ended by itself: {text}");
        std::thread::yield_now();
    }
}

fn signal(run: &Child, name: &str) {
    let pid = run.id().to_string();
    let sent =
        std::process::Command::new("kill").args(["-s", name, &pid]).status().expect("kill(1) is there");
    assert!(sent.success());
}

fn with_plan() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(project("examples/plan.xlsx"), folder.path().join("plan.xlsx")).expect("the example");
    fs::write(folder.path().join("voyager.toml"), "[limits]\nsilent_probe = \"500ms\"\n").expect("written");
    folder
}

#[track_caller]
fn stops_with(name: &str, times: usize, code: i32) {
    let folder = with_plan();
    let log = folder.path().join("run.log");
    let mut run = deploying(folder.path(), &log);
    for _ in 0..times {
        signal(&run, name);
    }
    let status = run.wait().expect("it ends");
    let text = fs::read_to_string(&log).expect("the log");
    assert_eq!(status.code(), Some(code), "{text}");
    assert!(text.contains("  next        voyager run --plan plan.xlsx --simulate"), "{text}");
}

#[test]
fn ctrl_c_ends_with_130_and_names_the_command_to_go_on_with() {
    stops_with("INT", 1, 130);
}

#[test]
fn ctrl_c_twice_stops_at_once_with_130() {
    stops_with("INT", 2, 130);
}

#[test]
fn termination_ends_with_143_and_a_hang_up_with_129() {
    stops_with("TERM", 1, 143);
    stops_with("HUP", 1, 129);
}
