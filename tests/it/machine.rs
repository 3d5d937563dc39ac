//! What the machine does to a run: an output that nobody reads, a suspended process, a clock that was set, a folder that
//! became read-only, a damaged checkpoint, a bare environment.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use sha2::{Digest, Sha256};
use voyager::sim::fault::HoldPoint;

use crate::support::{
    fault::hold,
    site::{SimulatedSite, files_below, until},
    tool::{Voyager, project},
};

fn journal(site: &SimulatedSite) -> PathBuf {
    let files = files_below(&site.folder.path().join("artifacts"));
    files.into_iter().find(|path| path.ends_with("journal.jsonl")).expect("a journal")
}

fn signal(pid: u32, name: &str) {
    let sent = std::process::Command::new("kill").args(["-s", name, &pid.to_string()]).status();
    assert!(sent.expect("kill(1) is there").success());
}

#[test]
fn an_output_that_nobody_reads_any_more_stops_the_run_as_a_hang_up_does() {
    let site = SimulatedSite::example().start();
    site.set_faults(vec![hold("fisheye.deploy", HoldPoint::BeforeEffect)]);
    let mut run = site.run().start_piped();
    site.until_held();
    drop(run.stdout.take());
    site.release();
    assert_eq!(run.wait().expect("it ends").code(), Some(129));
    assert_eq!((site.ledger().deployments.count, site.ledger().setup_root.count), (1, 0));
    site.run().args(["--to", "02"]).run().exits_with(0);
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn a_run_that_was_suspended_goes_on_where_it_was() {
    let site = SimulatedSite::example().start();
    let now = || site.running().site().with(|_, now| now);
    site.set_faults(vec![hold("fisheye.deploy", HoldPoint::AfterEffect)]);
    let mut run = site.run().args(["--to", "02"]).start(&site.folder.path().join("run.log"));
    site.until_held();
    signal(run.id(), "STOP");
    // The answer and the whole deployment come while the process sleeps, and every limit of a request or step passes.
    let suspended = now();
    site.release();
    until("hours pass at the site", || now().since(suspended) > Duration::from_secs(4 * 3600));
    signal(run.id(), "CONT");
    assert!(run.wait().expect("it ends").success());
    assert_eq!(site.ledger().deployments.count, 1);
}

#[test]
fn after_a_clock_was_set_back_the_newest_run_is_still_the_last_one() {
    let site = SimulatedSite::example().start();
    site.run().args(["--to", "02"]).run().exits_with(0);
    let path = journal(&site);
    in_the_future(&path);
    site.run().args(["--to", "02"]).run().exits_with(0).says("0 changed");
    assert_eq!(site.ledger().deployments.count, 1);
    let places = ["--artifacts", "artifacts/simulated"];
    let within = |command: &str| Voyager::within(site.folder.path()).arg(command).args(places);
    let listed = within("runs").args(["--output", "json"]).run().exits_with(0).json();
    let listed = listed["runs"].as_array().expect("a list").clone();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|run| run["plan"] == "plan.xlsx"), "{listed:?}");
    let names: Vec<&str> = listed.iter().filter_map(|run| run["run"].as_str()).collect();
    let newest = names.iter().max().expect("a run");
    assert!(newest.starts_with("2096") && newest.ends_with("-002"), "{names:?}");
    within("report").run().exits_with(0).says(newest);
}

/// The runs of a journal, their folders too, as if the clock had run seventy years ahead.
fn in_the_future(journal: &Path) {
    let text = fs::read_to_string(journal).expect("the journal is read");
    let (mut shifted, mut before) = (String::new(), String::new());
    let later = |text: &str| format!("2096{}", &text[4..]);
    for line in text.lines() {
        let mut line: Value = serde_json::from_str(line).expect("JSON");
        let run = line["run"].as_str().expect("text").to_owned();
        line["run"] = later(&run).into();
        line["record"]["at"] = later(line["record"]["at"].as_str().expect("a time")).into();
        line["prev"] = before.into();
        let line = line.to_string().replace(&format!("runs/{run}"), &format!("runs/{}", later(&run)));
        before = Sha256::digest(&line).iter().map(|byte| format!("{byte:02x}")).collect();
        shifted += &(line + "\n");
    }
    fs::write(journal, shifted).expect("written");
    for run in fs::read_dir(journal.with_file_name("runs")).expect("runs").flatten() {
        let name = later(run.file_name().to_str().expect("text"));
        fs::rename(run.path(), run.path().with_file_name(name)).expect("renamed");
    }
}

#[test]
fn a_checkpoint_in_a_folder_that_became_read_only_stops_with_8_before_anything_is_asked() {
    let site = SimulatedSite::example().start();
    site.run().args(["--stage", "01"]).run().exits_with(0);
    let asked = site.requests().len();
    let read_only = "mount --bind artifacts artifacts && mount -o remount,ro,bind artifacts";
    let Some(ran) = site.run().run_within(&["--mount"], read_only) else { return };
    ran.exits_with(8).says("artifacts");
    assert_eq!(site.requests().len(), asked);
    site.run().args(["--stage", "01"]).run().exits_with(0);
}

#[test]
fn a_damaged_line_in_the_middle_of_the_checkpoint_stops_with_7_and_its_number() {
    let site = SimulatedSite::example().start();
    site.run().args(["--stage", "01"]).run().exits_with(0);
    let (path, asked) = (journal(&site), site.requests().len());
    let whole = fs::read(&path).expect("the journal is read");
    let second = whole.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    for damage in [b'#', 0] {
        let mut damaged = whole.clone();
        damaged[second + 40] = damage;
        fs::write(&path, &damaged).expect("written");
        let refused = site.run().args(["--stage", "01"]).run().exits_with(7);
        refused.says("journal.jsonl:").says("restore its backup");
        assert_eq!(fs::read(&path).expect("the journal is read"), damaged, "it was changed");
    }
    assert_eq!(site.requests().len(), asked);
    // What a power loss leaves instead: blocks that were never written.
    fs::write(&path, [&whole[..], &[0; 300]].concat()).expect("written");
    site.run().args(["--stage", "01"]).run().exits_with(0).says("300 bytes");
}

#[test]
fn neither_a_home_nor_a_locale_nor_text_in_the_environment_is_needed() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(project("examples/plan.xlsx"), folder.path().join("plan.xlsx")).expect("the example");
    let run = || {
        let args = ["run", "--plan", "plan.xlsx", "--simulate", "--stage", "01", "--speed", "2000"];
        Voyager::within(folder.path()).env("VOYAGER_LIMITS_SILENT_PROBE", "500ms").args(args)
    };
    run().without("HOME").without("LANG").run().exits_with(0).says("Done in ");
    run().env("LANG", "C").run().exits_with(0).says("Done in ").says("主机规划!I3");
    run().env("LC_ALL", "zh_CN.GBK").run().exits_with(0).says("完成，用时");
    // A value that is no text, and a file name that is none.
    run().env_bytes("HOME", b"/home/\xff").run().exits_with(0).says("Done in ");
    let name = OsStr::from_bytes(b"plan-\xff.xlsx");
    if fs::copy(project("examples/plan.xlsx"), folder.path().join(name)).is_ok() {
        let args = ["run", "--simulate", "--stage", "01", "--speed", "2000", "--plan"];
        let run = Voyager::within(folder.path()).env("VOYAGER_LIMITS_SILENT_PROBE", "500ms").args(args);
        run.arg(name).run().exits_with(0).says("Done in ");
    }
}
