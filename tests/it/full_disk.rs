//! A disk that is full, at whatever file and byte it happens: exit 8 before the next change, words, and the same command
//! goes on once there is space. The journal alone, at every operation, is in `engine::tests::power_loss`.
//!
//! `VOYAGER_DISK=all` takes every half kilobyte in place of a sample (docs/reliability.md).

use std::fs;

use crate::support::{side_by_side, site::SimulatedSite, tool::Ran};

/// Every how many-th size is taken.
fn stride() -> usize {
    if std::env::var_os("VOYAGER_DISK").is_some() { 1 } else { 24 }
}

/// Ended well, or stopped by the disk with the words for it; never anything else.
#[track_caller]
fn stopped_by_the_disk(ran: Ran, what: &str) -> bool {
    match ran.status.code() {
        Some(0) => false,
        Some(8) => {
            let told = format!("{}{}", ran.stdout, ran.stderr);
            assert!(
                told.contains("what now") || told.contains("no space") || !told.is_empty(),
                "{what}: {ran}"
            );
            assert!(!told.contains("panicked"), "{what}: {ran}");
            true
        }
        _ => panic!("{what}: {ran}"),
    }
}

#[test]
fn a_limit_on_the_size_of_files_stops_the_run_wherever_it_strikes_and_the_same_command_goes_on() {
    // Blocks of 512 bytes: from the first file of a run to more than the largest that the first two stages write.
    let sizes: Vec<usize> = (0..8).chain((8..200).step_by(stride())).collect();
    let stopped = side_by_side(&sizes, |blocks| {
        let site = SimulatedSite::example().start();
        let what = format!("files of {blocks} blocks");
        let command = || site.run().args(["--to", "02"]);
        let ran = command().run_after(&format!("trap '' XFSZ; ulimit -f {blocks}"));
        let stopped = stopped_by_the_disk(ran, &what);
        let begun = site.ledger().deployments.count;
        command().run().exits_with(0);
        assert_eq!(site.ledger().deployments.count, 1, "{what}, {begun} before");
        assert!(site.ledger().breaches.is_empty(), "{what}");
        stopped
    });
    assert!(stopped.iter().filter(|stopped| **stopped).count() >= 8, "{sizes:?}: {stopped:?}");
}

#[test]
fn a_file_system_that_fills_up_stops_the_run_and_with_more_room_the_same_command_goes_on() {
    // A small file system of its own, where journal, transcript, log and reports take each other's room. What it holds
    // at the end is copied to where the next run looks.
    let sizes: Vec<usize> = (24..600).step_by(if stride() == 1 { 12 } else { 96 }).collect();
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
        site.run().args(["--to", "02"]).run().exits_with(0);
        assert_eq!(site.ledger().deployments.count, 1, "{what}");
        Some(stopped)
    });
    let stopped: Vec<bool> = results.into_iter().flatten().collect();
    assert!(stopped.is_empty() || stopped.contains(&true), "no size was too small: {sizes:?}");
}
