//! Uploads of a whole run: side by side where the site bears it, whole through faults, and resumed after a kill at
//! every chunk boundary with no more bytes than were missing.
//!
//! Each test begins just before the upload of the tools image, the first upload of a run.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use sha2::{Digest, Sha256};
use voyager::sim::{
    Ledger,
    fault::{Action, Fault, HoldPoint},
    hold::Release,
    ledger::VolumeEntry,
    site::State,
};

use crate::support::{
    fault::always,
    site::{SimulatedSite, Snapshot, until},
    tool::{Ran, Voyager},
};

const STEP: &str = "config-cluster.tools-image";
const CHUNK: &str = "fisheye.svt.upload_template";
const IMAGE: &str = "SMTX_VMTOOLS-9.9.9-2601010000.iso";

const CHUNK_SIZE: u64 = 16 * 1024;
/// The last one is short.
const CHUNKS: u64 = 45;
const SIZE: u64 = (CHUNKS - 1) * CHUNK_SIZE + 1234;
/// Where the draws of random faults begin.
const DRAWN: u64 = 348;
/// The most chunks that may be under way.
const WINDOW: u64 = 8;

fn image() -> Vec<u8> {
    (0..SIZE).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// The moment before the upload.
fn before() -> &'static Snapshot {
    static BEFORE: OnceLock<Snapshot> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let chunk_size = format!("[site.uploads]\nchunk_size = {CHUNK_SIZE}\n");
        let site = SimulatedSite::example().scenario(&chunk_size).start();
        fs::create_dir(site.folder.path().join("uploads")).expect("a folder");
        fs::write(site.folder.path().join("uploads").join(IMAGE), image()).expect("the image is written");
        killed(voyager(&site).args(["--crash-at", &format!("{STEP}:before-intent")]).run());
        site.snapshot()
    })
}

fn voyager(site: &SimulatedSite) -> Voyager {
    site.voyager("run").args(["--media", "uploads", "--yes", "--to", "config-cluster"])
}

/// Runs on until the upload has its outcome.
#[track_caller]
fn uploads(site: &SimulatedSite) {
    killed(voyager(site).args(["--crash-at", &format!("{STEP}:after-outcome")]).run());
}

#[track_caller]
fn killed(ran: Ran) {
    assert_eq!(ran.status.signal(), Some(9), "not killed: {ran}");
}

/// The site has the image whole, in the only volume there ever was.
#[track_caller]
fn arrived(site: &SimulatedSite) -> VolumeEntry {
    let ledger = site.ledger();
    assert!(ledger.breaches.is_empty(), "{:#?}", ledger.breaches);
    let volume = only_volume(&ledger);
    let digest: String = Sha256::digest(image()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(volume.sha256.as_ref(), Some(&digest), "{volume:#?}");
    assert_eq!((volume.chunks_new, volume.deleted), (CHUNKS, 0));
    volume
}

#[track_caller]
fn only_volume(ledger: &Ledger) -> VolumeEntry {
    assert_eq!(ledger.volumes.len(), 1, "{:#?}", ledger.volumes);
    ledger.volumes.values().next().cloned().unwrap_or_default()
}

/// The chunks in the order in which they were asked for.
fn asked(site: &SimulatedSite) -> Vec<u64> {
    let chunks = site.requests().into_iter().filter(|request| request.operation == CHUNK);
    let number = |target: String| {
        let number = target.split("chunk_num=").nth(1)?.split('&').next()?.to_owned();
        number.parse().ok()
    };
    chunks.map(|request| number(request.target).expect("a chunk number")).collect()
}

fn with_state<T>(site: &SimulatedSite, act: impl FnOnce(&mut State) -> T) -> T {
    site.running().site().with(|state, _| act(state))
}

fn held(site: &SimulatedSite) -> usize {
    site.running().site().holds.list().len()
}

/// Every chunk from the n-th request on, counted from 0, is held.
fn hold_from(nth: u64, point: HoldPoint) -> Fault {
    Fault { nth: nth + 1, ..always(CHUNK, Action::Hold(point)) }
}

#[test]
fn chunks_travel_side_by_side_but_never_more_than_eight() {
    let site = SimulatedSite::restored(before());
    site.set_faults(vec![hold_from(20, HoldPoint::BeforeEffect)]);
    let mut tool = voyager(&site).start(&site.folder.path().join("run.log"));
    until("eight chunks are under way", || held(&site) == 8);
    site.set_faults(Vec::new());
    site.release();
    tool.wait().expect("the tool ended");
    assert_eq!(arrived(&site).chunks_repeated, 0);
    assert_eq!(site.ledger().parallel[CHUNK], 8);
}

#[test]
fn a_site_that_takes_chunks_in_order_only_is_given_them_so_after_its_first_refusals() {
    let site = SimulatedSite::restored(before());
    with_state(&site, |state| state.quirks.uploads.in_order = true);
    let late = Fault { chunk: Some(12), ..always(CHUNK, Action::Hold(HoldPoint::BeforeEffect)) };
    site.set_faults(vec![late]);
    let mut tool = voyager(&site)
        .args(["--crash-at", &format!("{STEP}:after-outcome")])
        .start(&site.folder.path().join("run.log"));
    until("a chunk that overtook another is refused", || {
        held(&site) == 1 && only_volume(&site.ledger()).chunks_refused > 0
    });
    site.set_faults(Vec::new());
    site.release();
    assert_eq!(tool.wait().expect("the tool ended").signal(), Some(9));
    let refused = arrived(&site).chunks_refused;
    assert!((1..2 * WINDOW).contains(&refused), "{refused}");
    let asked = asked(&site);
    let again = asked.iter().rposition(|chunk| *chunk == 13).expect("chunk 13 was asked for");
    assert_eq!(asked[again..], (13..CHUNKS).collect::<Vec<_>>(), "one at a time, in order");
}

#[test]
fn a_site_with_too_much_to_do_is_sent_one_chunk_at_a_time_and_keeps_its_volume() {
    let site = SimulatedSite::restored(before());
    let headers = [("retry-after".to_owned(), "2".to_owned())].into();
    let busy = Action::Status { status: 429, headers, body: String::new() };
    site.set_faults(vec![Fault { nth: 20, count: 12, ..always(CHUNK, busy) }]);
    uploads(&site);
    arrived(&site);
    let asked = asked(&site);
    assert_eq!(asked.len() as u64, CHUNKS + 12);
    // By then everything that was under way has been told to wait.
    let after = &asked[31..38];
    assert!(after.is_sorted(), "{after:?}");
}

#[test]
fn an_upload_arrives_whole_in_one_volume_through_random_failures_resets_and_an_ended_session() {
    let site = SimulatedSite::restored(before());
    let logins = |site: &SimulatedSite| site.ledger().logins.values().map(|tally| tally.count).sum::<u64>();
    let undisturbed = SimulatedSite::restored(before());
    uploads(&undisturbed);
    // Draws by which each of them strikes, and no chunk three times in a row.
    let random =
        |probability, action| Fault { probability: Some(probability), met: DRAWN, ..always(CHUNK, action) };
    let refused = Action::V2 { ec: "SIM_REFUSED".into(), msg: "no".into(), detail: "".into() };
    site.set_faults(vec![
        random(0.01, refused),
        random(0.025, Action::ResetBefore),
        random(0.025, Action::ResetAfter),
        Fault { nth: 15, count: 1, ..always(CHUNK, Action::ExpireTokens) },
    ]);
    uploads(&site);
    let struck = with_state(&site, |state| state.faults.iter().map(|f| f.acted).collect::<Vec<_>>());
    assert!(struck.iter().all(|times| *times > 0), "not every fault struck: {struck:?}");
    arrived(&site);
    assert_eq!(logins(&site), logins(&undisturbed) + 1, "one login for the session that ended");
}

#[test]
fn a_kill_at_any_chunk_boundary_costs_no_more_than_what_was_missing_and_the_window() {
    let next = AtomicU64::new(0);
    let work = || {
        while let boundary @ 0..CHUNKS = next.fetch_add(1, Ordering::Relaxed) {
            killed_at(boundary);
        }
    };
    // A run waits more than it works.
    std::thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(work))));
}

fn killed_at(boundary: u64) {
    let site = SimulatedSite::restored(before());
    // Alternately what is under way is stored and its answers are lost, or it never arrives.
    let (point, how) = match boundary % 2 {
        0 => (HoldPoint::AfterEffect, Release::Continue),
        _ => (HoldPoint::BeforeEffect, Release::Drop),
    };
    site.set_faults(vec![hold_from(boundary, point)]);
    let mut tool = voyager(&site).start(&site.folder.path().join("killed.log"));
    site.until_held();
    tool.kill().expect("the tool is killed");
    tool.wait().expect("the tool ended");
    site.set_faults(Vec::new());
    until("nothing is under way", || {
        site.running().site().holds.release(None, how);
        with_state(&site, |state| state.in_flight.get(CHUNK).is_none_or(|count| *count == 0))
    });
    let volume = only_volume(&site.ledger());
    let (missing, received) = (SIZE - volume.bytes, volume.received);
    uploads(&site);
    let sent = arrived(&site).received - received;
    assert!(sent <= missing + WINDOW * CHUNK_SIZE, "{boundary}: {sent} bytes for {missing} missing");
}
