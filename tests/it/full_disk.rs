//! A disk that is full, at whatever file and byte it happens: exit 8 before the next change, words, and the same command
//! goes on once there is space. The journal alone, at every operation, is in `engine::tests::power_loss`.
//!
//! `VOYAGER_DISK=all` takes every half kilobyte in place of a sample (docs/reliability.md).

use std::{fs, io::Write};

use crate::support::{side_by_side, site::SimulatedSite, tool::Ran};

/// Every size in place of a sample.
fn all() -> bool {
    std::env::var_os("VOYAGER_DISK").is_some()
}

/// For docs/reliability.md, shown with --nocapture.
fn figures(what: &str, stopped: &[bool]) {
    let short = stopped.iter().filter(|stopped| **stopped).count();
    writeln!(std::io::stderr(), "full disk: {} {what}, {short} of them too small", stopped.len())
        .expect("stderr");
}

/// Ended well, or stopped by the disk with the words for it; never anything else.
#[track_caller]
fn stopped_by_the_disk(ran: Ran, what: &str) -> bool {
    match ran.status.code() {
        Some(0) => false,
        Some(8) => {
            let told = format!("{}{}", ran.stdout, ran.stderr);
            assert!(told.contains("failed: ") && told.contains("what now"), "{what}: {ran}");
            assert!(!told.contains("panicked"), "{what}: {ran}");
            true
        }
        _ => panic!("{what}: {ran}"),
    }
}

/// With more room the same command goes on. Where the disk was full just after the intent to deploy, nobody wrote down
/// whether it was sent: that is asked, with the answers to choose from.
#[track_caller]
fn goes_on(site: &SimulatedSite, what: &str) {
    let command = || site.run().args(["--to", "02"]);
    let mut ran = command().run();
    if ran.status.code() == Some(9) {
        let happened = site.ledger().deployments.count > 0;
        ran = command().args(["--settle", &ran.settlement("init-cluster.deploy", happened)]).run();
    }
    let ran = ran.exits_with(0);
    assert_eq!(site.ledger().deployments.count, 1, "{what}: {ran}");
    assert!(site.ledger().breaches.is_empty(), "{what}: {ran}");
}

#[test]
fn a_limit_on_the_size_of_files_stops_the_run_wherever_it_strikes_and_the_same_command_goes_on() {
    // Blocks of 512 bytes: from nothing at all to more than the largest file of the first two stages. Up to 32 blocks it
    // is the rehearsal's copy of the plan that does not fit; then the journal, the log and the transcript.
    let sample = || [0, 1, 20].into_iter().chain((33..66).step_by(6)).collect();
    let sizes: Vec<usize> = if all() { (0..130).collect() } else { sample() };
    let stopped = side_by_side(&sizes, |blocks| {
        let site = SimulatedSite::example().start();
        let what = format!("files of {blocks} blocks");
        let ran = site.run().args(["--to", "02"]).run_after(&format!("trap '' XFSZ; ulimit -f {blocks}"));
        let stopped = stopped_by_the_disk(ran, &what);
        goes_on(&site, &what);
        stopped
    });
    figures("file-size limits", &stopped);
    assert!(stopped.iter().filter(|stopped| **stopped).count() > 4, "{sizes:?}: {stopped:?}");
}

#[test]
fn a_file_system_that_fills_up_stops_the_run_and_with_more_room_the_same_command_goes_on() {
    // A small file system of its own, where journal, transcript, log and reports take each other's room. What it holds
    // at the end is copied to where the next run looks.
    let sizes: Vec<usize> = (24..280).step_by(if all() { 4 } else { 40 }).collect();
    let results = side_by_side(&sizes, |kibibytes| {
        let site = SimulatedSite::example().start();
        fs::create_dir(site.folder.path().join("artifacts")).expect("a folder");
        let mount = format!("mount -t tmpfs -o size={kibibytes}k tmpfs artifacts");
        let save = "mkdir kept; cp -a artifacts/. kept/";
        let ran = site.run().args(["--to", "02"]).run_within_and_then(&["--mount"], &mount, save)?;
        let what = format!("{kibibytes} KiB");
        let stopped = stopped_by_the_disk(ran, &what);
        fs::remove_dir(site.folder.path().join("artifacts")).expect("the mount point");
        fs::rename(site.folder.path().join("kept"), site.folder.path().join("artifacts")).expect("renamed");
        goes_on(&site, &what);
        Some(stopped)
    });
    let stopped: Vec<bool> = results.into_iter().flatten().collect();
    figures("sizes of a file system", &stopped);
    assert!(stopped.is_empty() || stopped.contains(&true), "no size was too small: {sizes:?}");
}
