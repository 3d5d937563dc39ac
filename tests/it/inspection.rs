//! The inspection of the finished cluster: one job, one report, one file; and all that may go wrong on the way. Every
//! test starts just before the inspection, or from a site that has been inspected.

use std::{
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use voyager::sim::fault::{Action, Fault, HoldPoint};

use crate::support::{
    fault::{always, hold},
    site::{SimulatedSite, Snapshot, files_below},
    tool::Voyager,
};

/// Everything is attached and read back, and nobody has asked for an inspection.
fn before() -> &'static Snapshot {
    static BEFORE: OnceLock<Snapshot> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let site = SimulatedSite::example().start();
        let killed = site.run().args(["--crash-at", "inspect.job:before-intent"]).run();
        assert_eq!(killed.status.code(), None, "{killed}");
        site.snapshot()
    })
}

/// That moment, with traits of the inspection centre and answers to what is unknown of it.
fn site(changes: &[(&str, Value)]) -> SimulatedSite {
    let changes: Vec<(String, Value)> = changes
        .iter()
        .map(|(at, value)| {
            let (kind, name) = at.split_once('.').expect("quirks.… or variants.…");
            (format!("/{kind}/tower/inspector/{name}"), value.clone())
        })
        .collect();
    let changes: Vec<(&str, Value)> =
        changes.iter().map(|(at, value)| (at.as_str(), value.clone())).collect();
    SimulatedSite::restored_with(before(), &changes)
}

fn inspect(site: &SimulatedSite) -> Voyager {
    site.run().args(["--stage", "inspect"])
}

/// Meets the first `count` requests of `tower.inspector.<operation>`.
fn first(operation: &str, count: u64, action: Action) -> Fault {
    Fault { count, ..always(&format!("tower.inspector.{operation}"), action) }
}

fn fate(told: &str) -> Action {
    serde_json::from_value(json!({ "inspection": told })).expect("an action")
}

/// Jobs, exports and downloads that had an effect.
fn counts(site: &SimulatedSite) -> [u64; 3] {
    let ledger = site.ledger();
    assert!(ledger.breaches.is_empty(), "the contract was broken: {:?}", ledger.breaches);
    [ledger.inspection_jobs, ledger.inspection_exports, ledger.inspection_downloads].map(|tally| tally.count)
}

/// The reports on this machine.
fn reports(folder: &Path) -> Vec<PathBuf> {
    let mut files = files_below(folder);
    files.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        name.starts_with("InspectorReport-") && name.ends_with(".zip")
    });
    files.sort();
    files
}

fn parts(folder: &Path) -> Vec<PathBuf> {
    let mut files = files_below(folder);
    files.retain(|path| path.to_string_lossy().contains(".zip.part"));
    files
}

/// The one report: every byte of it right, and of the whole cluster; nothing unfinished beside it.
#[track_caller]
fn has_its_report(site: &SimulatedSite) {
    let reports = reports(site.folder.path());
    let [report] = reports.as_slice() else { panic!("not one report: {reports:?}") };
    let bytes = fs::read(report).expect("the report");
    assert!(bytes.len() > 300_000, "only {} bytes", bytes.len());
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).expect("a zip");
    for at in 0..archive.len() {
        archive.by_index(at).expect("an entry").read_to_end(&mut Vec::new()).expect("a right checksum");
    }
    assert_eq!(parts(site.folder.path()), Vec::<PathBuf>::new());
    let fact = fact(site);
    assert_eq!(fact["sha256"], hex(&bytes));
    assert_eq!(fact["bytes"], bytes.len());
    assert_eq!(site.state()["cloudtower"]["inspection"]["whole_cluster"], true);
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The newest fact `inspection` in the journal.
fn fact(site: &SimulatedSite) -> Value {
    let files = files_below(&site.folder.path().join("artifacts"));
    let journal = files.iter().find(|path| path.ends_with("journal.jsonl")).expect("a journal");
    let text = fs::read_to_string(journal).expect("the journal");
    let lines = text.lines().rev().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut facts = lines.filter_map(|line| find(&line, "inspection").cloned());
    facts.next().expect("the fact")
}

/// The value of that name, at any depth.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => match fields.get(name) {
            Some(found) if found.is_object() => Some(found),
            _ => fields.values().find_map(|field| find(field, name)),
        },
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}

fn page(site: &SimulatedSite) -> String {
    let mut pages = files_below(&site.folder.path().join("artifacts"));
    pages.retain(|path| path.ends_with("acceptance-en.html"));
    fs::read_to_string(pages.iter().max().expect("papers")).expect("a page")
}

#[test]
fn the_finished_cluster_is_inspected_once_and_its_report_lies_with_the_run() {
    let site = SimulatedSite::finished();
    assert_eq!(counts(&site), [1, 1, 1]);
    has_its_report(&site);
    let inspected = &site.state()["cloudtower"]["inspection"];
    assert_eq!((&inspected["inspected_items"], &inspected["reported_items"]), (&json!(82), &json!(74)));
    let fact = fact(&site);
    let file = fact["file"].as_str().expect("a file");
    assert!(file.starts_with("runs/") && !file.contains('\\'), "{file}");
    let page = page(&site);
    for key in ["state", "file", "sha256", "bytes", "entries", "items", "job", "took"] {
        assert!(page.contains(&format!("<tr data-key=\"inspection.{key}\"")), "{key}");
    }
    assert!(page.contains(file) && page.contains(fact["sha256"].as_str().expect("a digest")));
}

#[test]
fn a_second_run_finds_the_report_and_asks_the_inspection_centre_nothing() {
    let site = SimulatedSite::finished();
    let (known, changes) = (site.requests().len(), site.ledger().change_count());
    site.run().run().exits_with(0);
    assert_eq!(site.ledger().change_count(), changes);
    let asked =
        site.requests()[known..].iter().filter(|r| r.operation.starts_with("tower.inspector")).count();
    assert_eq!(asked, 0);
    assert!(page(&site).contains("<tr data-key=\"inspection.file\""), "its papers tell of it all the same");
}

#[test]
fn done_again_on_demand_each_part_is_new_and_the_rest_is_kept() {
    let site = SimulatedSite::finished();
    inspect(&site).args(["--redo", "inspect.download"]).run().exits_with(0);
    assert_eq!((counts(&site), reports(site.folder.path()).len()), ([1, 1, 2], 2));
    inspect(&site).args(["--redo", "inspect.export"]).run().exits_with(0);
    assert_eq!(counts(&site)[..2], [1, 2]);
    inspect(&site).args(["--redo", "inspect.job"]).run().exits_with(0);
    let done = counts(&site);
    assert_eq!(done[..2], [2, 3]);
    inspect(&site).run().exits_with(0);
    assert_eq!(counts(&site), done);
}

#[test]
fn a_report_that_is_gone_or_changed_is_fetched_again_without_another_inspection() {
    let site = SimulatedSite::finished();
    fs::write(&reports(site.folder.path())[0], "something else").expect("it is overwritten");
    inspect(&site).run().exits_with(0);
    assert_eq!(counts(&site), [1, 1, 2]);
    for report in reports(site.folder.path()) {
        fs::remove_file(report).expect("it is removed");
    }
    inspect(&site).run().exits_with(0);
    assert_eq!(counts(&site), [1, 1, 3]);
    has_its_report(&site);
}

#[test]
fn an_item_that_the_inspection_centre_does_not_know_is_left_out_and_listed() {
    let site = site(&[("quirks.unknown_items", json!(["fan_check"]))]);
    site.run().run().exits_with(0).says("left out: fan_check");
    assert_eq!(counts(&site), [1, 1, 1]);
    assert_eq!(fact(&site)["items_dropped"], json!(["fan_check"]));
    assert_eq!(site.state()["cloudtower"]["inspection"]["inspected_items"], 81);
    assert!(page(&site).contains("<tr data-key=\"inspection.dropped\""));
}

#[test]
fn another_version_of_the_inspection_centre_is_named_and_can_be_configured() {
    let site = site(&[("quirks.version", json!("2.0.0"))]);
    site.run().run().exits_with(4).says("version 1.1.1-rc.11").says("[inspection] version");
    assert_eq!(counts(&site), [0, 0, 0]);
    inspect(&site).env("VOYAGER_INSPECTION_VERSION", "2.0.0").run().exits_with(0);
    has_its_report(&site);
}

#[test]
fn without_an_inspection_centre_the_papers_are_made_all_the_same_and_say_so() {
    let site = site(&[("quirks.absent", json!(true))]);
    site.run().run().exits_with(4).says("no inspection centre").says("the acceptance pack");
    let asked = site.requests().iter().filter(|r| r.operation == "tower.inspector.create-job").count();
    assert!(asked > 3, "it is given time: {asked}");
    let page = page(&site);
    assert!(page.contains("<tr data-key=\"inspection.failed.inspect.job\""));
    assert!(!page.contains("<tr data-key=\"inspection.file\""));
    site.running().patch("/quirks/tower/inspector/absent", json!(false)).expect("it is installed");
    site.run().run().exits_with(0);
    has_its_report(&site);
}

#[test]
fn the_end_of_an_inspection_is_seen_in_whatever_words_it_is_told_and_also_where_nothing_is_told() {
    for (status, place) in [
        ("finished", "state"),
        ("job-succeeded", "phase"),
        ("lower-case", "data"),
        ("missing", "data"),
        ("refused", "status"),
    ] {
        for early in ["refused", "partial"] {
            let site = site(&[
                ("variants.job_status", json!(status)),
                ("variants.status_place", json!(place)),
                ("variants.early_export", json!(early)),
            ]);
            inspect(&site).run().exits_with(0);
            assert_eq!(counts(&site), [1, 1, 1], "{status} {place} {early}");
            has_its_report(&site);
        }
    }
}

#[test]
fn a_blind_wait_that_was_too_short_is_made_up_for_by_asking_again() {
    let site = site(&[("variants.job_status", json!("refused"))]);
    inspect(&site).env("VOYAGER_INSPECTION_BLIND_WAIT", "1s").run().exits_with(0);
    assert_eq!(counts(&site), [1, 1, 1]);
    has_its_report(&site);
}

#[test]
fn an_inspection_that_failed_is_told_and_the_same_command_begins_another_one() {
    let site = site(&[]);
    site.set_faults(vec![first("create-job", 1, fate("job-failed"))]);
    let ran = site.run().run().exits_with(4);
    ran.says("says that the inspection failed").says("FAILED").says("the acceptance pack");
    site.run().run().exits_with(0);
    assert_eq!(counts(&site), [2, 1, 1]);
    has_its_report(&site);
}

#[test]
fn an_inspection_that_never_ends_is_named_and_waited_for_again_not_begun_anew() {
    let site = site(&[]);
    site.set_faults(vec![first("create-job", 1, fate("job-stuck"))]);
    inspect(&site).run().exits_with(5).says("look at the job").says("RUNNING");
    inspect(&site).run().exits_with(5);
    assert_eq!(counts(&site), [1, 0, 0]);
}

#[test]
fn a_failed_export_is_requested_once_more_and_then_left_to_the_next_run() {
    let site = site(&[]);
    site.set_faults(vec![first("export", 1, fate("export-failed"))]);
    inspect(&site).run().exits_with(0).says("requested once more");
    assert_eq!(counts(&site), [1, 2, 1]);
    has_its_report(&site);

    let site = self::site(&[]);
    site.set_faults(vec![first("export", 2, fate("export-failed"))]);
    inspect(&site).run().exits_with(4).says("twice").says("EXPORT_FAILED");
    assert_eq!(counts(&site), [1, 2, 0]);
    inspect(&site).run().exits_with(0);
    assert_eq!(counts(&site), [1, 3, 1]);
    has_its_report(&site);
}

#[test]
fn an_export_that_never_ends_runs_into_its_limit_and_is_waited_for_again() {
    let site = site(&[]);
    site.set_faults(vec![first("export", 1, fate("export-stuck"))]);
    inspect(&site).run().exits_with(5).says("EXPORT_RUNNING");
    assert_eq!(counts(&site), [1, 1, 0]);
}

#[test]
fn lost_answers_lead_to_no_question_and_one_report() {
    for operation in ["create-job", "export"] {
        for action in [Action::DropAnswer, Action::ResetBefore] {
            let site = site(&[]);
            site.set_faults(vec![first(operation, 1, action)]);
            inspect(&site).run().exits_with(0);
            has_its_report(&site);
        }
    }
    // One that does not come in time is a lost one too, and no sign that there is no inspection centre.
    let site = site(&[]);
    site.set_faults(vec![first("create-job", 1, Action::Hang)]);
    inspect(&site).env("VOYAGER_LIMITS_FIRST_BYTE", "2s").run().exits_with(0);
    assert_eq!(counts(&site), [1, 1, 1]);
}

#[test]
fn a_cloudtower_that_is_away_when_the_report_is_requested_is_waited_for() {
    let site = site(&[]);
    let away = Action::Status { status: 503, headers: Default::default(), body: "starting".into() };
    site.set_faults(vec![first("export", 5, away)]);
    inspect(&site).run().exits_with(0);
    assert_eq!(counts(&site), [1, 1, 1]);
    has_its_report(&site);
}

#[test]
fn looks_that_fail_while_the_report_is_written_are_passed_over() {
    let site = site(&[]);
    site.set_faults(vec![
        first("export-status", 6, Action::ResetBefore),
        first("job", 4, Action::ResetBefore),
    ]);
    inspect(&site).run().exits_with(0);
    assert_eq!(counts(&site), [1, 1, 1]);
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_ended_or_starts_over_where_the_site_gives_no_rest() {
    for (ranges, resumed) in [("honoured", 2), ("ignored", 0), ("nameless", 0)] {
        for length in ["given", "absent"] {
            let site = site(&[("variants.ranges", json!(ranges)), ("variants.length", json!(length))]);
            site.set_faults(vec![first("download", 2, Action::CutBody { bytes: 100_000 })]);
            inspect(&site).run().exits_with(0);
            assert_eq!(site.ledger().inspection_resumes.count, resumed, "{ranges} {length}");
            has_its_report(&site);
        }
    }
}

#[test]
fn a_download_that_keeps_breaking_off_is_gone_on_with_by_the_next_run() {
    let site = site(&[]);
    site.set_faults(vec![first("download", 5, Action::CutBody { bytes: 50_000 })]);
    site.run().run().exits_with(4).says("the same command goes on with it").says("the acceptance pack");
    assert_eq!(parts(site.folder.path()).len(), 2, "the part and what names it");
    assert_eq!(reports(site.folder.path()).len(), 0);
    let resumed = site.ledger().inspection_resumes.count;
    inspect(&site).run().exits_with(0);
    assert_eq!(site.ledger().inspection_resumes.count, resumed + 1);
    assert_eq!(counts(&site)[..2], [1, 1]);
    has_its_report(&site);
    // What the first run left is as it was sealed, and what the second one left too.
    let report = || Voyager::within(site.folder.path()).arg("report");
    report().run().exits_with(0);
    report().arg("--verify").run().exits_with(0);
}

#[test]
fn a_kill_in_the_middle_of_a_download_costs_no_second_inspection() {
    let site = site(&[]);
    site.set_faults(vec![hold("tower.inspector.download", HoldPoint::AfterEffect)]);
    let mut tool = inspect(&site).start(&site.folder.path().join("killed.log"));
    site.until_held();
    tool.kill().expect("the tool is killed");
    tool.wait().expect("the tool ended");
    site.release();
    site.set_faults(Vec::new());
    inspect(&site).run().exits_with(0);
    assert_eq!(counts(&site)[..2], [1, 1]);
    has_its_report(&site);
}

#[test]
fn what_is_no_whole_zip_is_thrown_away_and_fetched_anew_by_the_next_run() {
    let words = |status| Action::Status {
        status,
        headers: [("content-type".into(), "application/json".into())].into(),
        body: json!({"message": "no such report here"}).to_string(),
    };
    for (action, told) in [(fate("report-cut"), "no whole zip"), (words(200), "no such report here")] {
        let site = site(&[]);
        site.set_faults(vec![first("download", 1, action)]);
        inspect(&site).run().exits_with(4).says(told);
        assert_eq!(reports(site.folder.path()).len(), 0);
        inspect(&site).run().exits_with(0);
        assert_eq!(counts(&site)[..2], [1, 1]);
        has_its_report(&site);
    }
}

#[test]
fn a_report_that_is_not_found_right_after_it_was_written_is_looked_for_again() {
    let site = site(&[]);
    let absent = Action::Status { status: 404, headers: Default::default(), body: "not found".into() };
    site.set_faults(vec![first("download", 3, absent)]);
    inspect(&site).run().exits_with(0);
    has_its_report(&site);
}

#[test]
fn switched_off_nothing_is_asked_and_a_folder_of_ones_own_takes_the_report() {
    let site = site(&[]);
    site.run().env("VOYAGER_INSPECTION_ENABLED", "false").run().exits_with(0).says("switched off");
    assert_eq!(counts(&site), [0, 0, 0]);
    inspect(&site)
        .arg("--inspect-beside")
        .env("VOYAGER_INSPECTION_DOWNLOAD_DIR", "reports")
        .run()
        .exits_with(0);
    assert_eq!(reports(&site.folder.path().join("reports")).len(), 1);
    has_its_report(&site);
    inspect(&site).run().exits_with(0);
    assert_eq!(counts(&site), [1, 1, 1]);
}
