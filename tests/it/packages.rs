//! Stage 10: packages of products that nobody installs by machine. What is brought to CloudTower is brought whole and
//! once, and every end is called by its name. Every test begins when CloudTower is configured.

use std::{fs, os::unix::process::ExitStatusExt, path::PathBuf, sync::OnceLock};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use voyager::sim::{
    fault::{Action, Fault, HoldPoint},
    ledger::PackageUpload,
};

use crate::support::{
    fault::always,
    site::{FILE_STORAGE_FILE, KUBERNETES_FILE, SimulatedSite, Snapshot, files_below, package_bytes},
    tool::Voyager,
    workbook::Workbook,
};

const CHUNK: &str = "tower.upload-cloudtower-application-package";

/// What the plan has for Everoute.
const EVEROUTE: &[&str] =
    &["M!E6 = 10.40.8.30", "M!E7 = 10.40.8.31", "M!E8 = 10.40.8.32", "M!E9 = 10.40.8.33"];

fn before() -> &'static Snapshot {
    static BEFORE: OnceLock<Snapshot> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let site = SimulatedSite::of(&Workbook::good().edit(EVEROUTE)).start();
        site.run().args(["--to", "07"]).run().exits_with(0);
        site.snapshot()
    })
}

fn site(changes: &[(&str, Value)]) -> SimulatedSite {
    SimulatedSite::restored_with(before(), changes)
}

fn run(site: &SimulatedSite) -> Voyager {
    site.run().args(["--stage", "deploy-packages"])
}

/// The same with these files alone.
fn run_with(site: &SimulatedSite, files: &[&str]) -> Voyager {
    let own = site.folder.path().join("own");
    fs::create_dir_all(&own).expect("a folder");
    for (name, seed) in files.iter().zip(1..) {
        fs::write(own.join(name), package_bytes(4567, seed)).expect("a file");
    }
    site.voyager("run").args(["--media", "own", "--yes", "--stage", "deploy-packages"])
}

fn configured(site: &SimulatedSite, more: &str) {
    let config = site.folder.path().join("voyager.toml");
    let text = fs::read_to_string(&config).expect("the configuration");
    fs::write(&config, format!("{text}\n{more}\n")).expect("it is written");
}

fn once_at(operation: &str, chunk: u64, action: Action) -> Fault {
    Fault { count: 1, chunk: Some(chunk), ..always(operation, action) }
}

fn action(told: Value) -> Action {
    serde_json::from_value(told).expect("an action")
}

fn complete(site: &SimulatedSite, name: &str) -> Vec<PackageUpload> {
    let uploads = site.ledger().packages.into_values();
    uploads.filter(|upload| upload.complete && upload.name == name).collect()
}

/// CloudTower has both files, each whole and from one upload, and nothing was stored twice.
#[track_caller]
fn is_whole(site: &SimulatedSite) {
    let ledger = site.ledger();
    assert!(ledger.breaches.is_empty(), "{:#?}", ledger.breaches);
    for (name, chunks) in [(FILE_STORAGE_FILE, 2), (KUBERNETES_FILE, 1)] {
        let [upload] = &complete(site, name)[..] else { panic!("{name}: {:#?}", ledger.packages) };
        let bytes = fs::read(site.folder.path().join("media").join(name)).expect("a file");
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(upload.sha256, Some(digest), "{name}");
        assert_eq!((upload.chunks_stored, upload.chunks_repeated), (chunks, 0), "{name}");
    }
    assert_eq!(site.state()["cloudtower"]["packages"], *whole());
}

fn whole() -> &'static Value {
    static WHOLE: OnceLock<Value> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let site = site(&[]);
        run(&site).run().exits_with(0);
        site.state()["cloudtower"]["packages"].clone()
    })
}

#[test]
fn what_can_be_sent_is_sent_once_and_never_called_deployed() {
    let site = site(&[]);
    let ran = run(&site).run().exits_with(0);
    is_whole(&site);
    let ran = ran.says("MANUAL_UPLOAD_REQUIRED").says("is not automated");
    ran.does_not_say("deployed");
    let changes = site.ledger().change_count();
    run(&site).run().exits_with(0).does_not_say("  changed ");
    assert_eq!(site.ledger().change_count(), changes);
}

#[test]
fn no_file_is_no_error() {
    let site = site(&[]);
    let ran = run_with(&site, &[]).run().exits_with(0);
    ran.says("NO_PACKAGE: there is no SFS-<arch>-v<version>");
    assert!(site.ledger().packages.is_empty());
}

#[test]
fn a_package_of_the_same_version_and_architecture_is_left_as_it_is() {
    let present = json!([
        {"id": "cpackage0000000000000old1", "name": "sim-file-storage", "version": "1.1.0",
         "architecture": "X86_64", "filename": "x", "since": 0},
        {"id": "cpackage0000000000000old2", "name": "sim-kubernetes", "version": "1.5.0",
         "architecture": "AARCH64", "filename": "y", "since": 0},
    ]);
    let site = site(&[("/tower/applications/packages", present)]);
    run(&site).run().exits_with(0);
    assert!(complete(&site, FILE_STORAGE_FILE).is_empty());
    assert_eq!(complete(&site, KUBERNETES_FILE).len(), 1, "another architecture is another package");
}

#[test]
fn a_refused_package_is_a_warning_in_cloudtower_s_own_words_and_its_upload_is_cancelled() {
    for after in [0, 1] {
        let refusal = json!({"message": "no such application type", "after_chunks": after});
        let site = site(&[("/quirks/tower/packages/rest_refusal", refusal)]);
        let ran = run(&site).run().exits_with(0);
        ran.says("UPLOAD_REJECTED").says("no such application type");
        assert!(complete(&site, FILE_STORAGE_FILE).is_empty());
        assert!(site.ledger().packages.values().all(|upload| upload.cancelled || upload.complete));
    }
}

#[test]
fn what_the_operator_keeps_for_himself_is_not_sent() {
    let site = site(&[]);
    configured(&site, "[apps.file_storage]\nupload = false\n[apps.kubernetes]\nupload = false");
    run(&site).run().exits_with(0).says("has to be uploaded by hand");
    assert!(site.ledger().packages.is_empty());
}

#[test]
fn files_that_are_called_otherwise_are_found_by_the_configured_pattern() {
    let site = site(&[]);
    configured(&site, "[apps.file_storage]\npattern = \"sfs-{arch}-{version}.tar.gz\"");
    run_with(&site, &["sfs-x86_64-1.3.0.tar.gz"]).run().exits_with(0);
    assert_eq!(complete(&site, "sfs-x86_64-1.3.0.tar.gz").len(), 1);
}

#[test]
fn a_lost_answer_stores_no_chunk_twice_in_one_upload() {
    for fault in [
        once_at(CHUNK, 1, Action::ResetAfter),
        once_at(CHUNK, 1, Action::ResetBefore),
        once_at(CHUNK, 2, Action::ResetAfter),
        once_at(CHUNK, 2, Action::ResetBefore),
    ] {
        let site = site(&[]);
        let told = format!("{:?} {:?}", fault.chunk, fault.action);
        site.set_faults(vec![fault]);
        let ran = run(&site).run();
        assert_eq!(ran.status.code(), Some(0), "{told}: {ran}");
        is_whole(&site);
    }
}

#[test]
fn a_cloudtower_that_is_away_or_busy_or_lets_nobody_in_has_not_rejected_the_package() {
    let refuse =
        |status, body: &str| Action::Status { status, headers: Default::default(), body: body.to_owned() };
    let site = site(&[]);
    let page = refuse(404, "<html><head><title>404 Not Found</title></head></html>");
    let locked = action(json!({"locked": {"seconds": 20.0}}));
    site.set_faults(vec![once_at(CHUNK, 1, page), once_at(CHUNK, 2, locked)]);
    run(&site).run().exits_with(0).does_not_say("UPLOAD_REJECTED");
    is_whole(&site);

    let site = self::site(&[]);
    site.set_faults(vec![always(CHUNK, refuse(403, r#"{"message": "not allowed"}"#))]);
    run(&site).run().exits_with(4).says("not allowed").does_not_say("UPLOAD_REJECTED");
    site.set_faults(Vec::new());
    run(&site).run().exits_with(0);
    is_whole(&site);
}

#[test]
fn another_file_brought_after_the_first_was_sent_is_a_package_of_its_own() {
    let site = site(&[]);
    let (old, new) = (FILE_STORAGE_FILE, "SFS-X86_64-v1.2.0-release.20250901-3.tar.gz");
    let crash = ["--crash-at", "deploy-packages.file-storage:after-answer"];
    run_with(&site, &[old]).args(crash).run();
    run_with(&site, &[old, new]).run().exits_with(0);
    assert_eq!((complete(&site, old).len(), complete(&site, new).len()), (1, 1));
}

#[test]
fn an_upload_that_fails_ends_the_step_and_the_next_run_begins_it_anew() {
    for chunk in [1, 2] {
        let site = site(&[]);
        site.set_faults(vec![once_at(CHUNK, chunk, action(json!({"upload": "failed"})))]);
        run(&site).run().exits_with(4).says("FAILED");
        let uploads = site.ledger().packages.into_values();
        let sent = uploads.filter(|upload| upload.name == FILE_STORAGE_FILE).count();
        assert_eq!(sent, 1, "it is not sent once more by itself");
        run(&site).run().exits_with(0);
        assert_eq!(site.state()["cloudtower"]["packages"], *whole());
        assert!(site.ledger().packages.values().all(|upload| upload.chunks_repeated == 0));
    }
}

#[test]
fn a_kill_at_any_chunk_boundary_stores_nothing_twice_in_one_upload() {
    for chunk in 1..=2 {
        for point in [HoldPoint::BeforeEffect, HoldPoint::AfterEffect] {
            let site = site(&[]);
            site.set_faults(vec![once_at(CHUNK, chunk, Action::Hold(point))]);
            let mut tool = run(&site).start(&site.folder.path().join("killed.log"));
            site.until_held();
            tool.kill().expect("it is killed");
            assert_eq!(tool.wait().expect("it ended").signal(), Some(9));
            site.release();
            site.set_faults(Vec::new());
            run(&site).run().exits_with(0);
            is_whole(&site);
        }
    }
}

#[test]
fn another_announced_chunk_size_begins_the_upload_anew_with_it() {
    let site = site(&[("/quirks/tower/packages/chunk_size", json!(4 << 20))]);
    run(&site).run().exits_with(0);
    assert_eq!(complete(&site, FILE_STORAGE_FILE)[0].chunks_stored, 3);
}

#[test]
fn an_application_by_the_operator_s_own_file_is_marked_as_unverified() {
    let site = site(&[]);
    let file = json!({"name": "sfs", "instances": [{"name": "sfs-1"}], "template": {}});
    fs::write(site.folder.path().join("sfs.json"), file.to_string()).expect("the file");
    configured(&site, "[apps.file_storage]\nvm_spec_file = \"sfs.json\"");
    let ran = run(&site).run().exits_with(0);
    ran.says("nobody has verified this call").does_not_say("deployed");
    assert_eq!(site.ledger().applications["sfs"].count, 1);
    run(&site).run().exits_with(0);
    assert_eq!(site.ledger().applications["sfs"].count, 1);
}

#[test]
fn a_failed_application_stops_its_step_with_its_state() {
    let site = site(&[]);
    let file = json!({"name": "sfs", "instances": [{"name": "sfs-1"}], "template": {}});
    fs::write(site.folder.path().join("sfs.json"), file.to_string()).expect("the file");
    configured(&site, "[apps.file_storage]\nvm_spec_file = \"sfs.json\"");
    let failing =
        always("tower.deploy-cloudtower-application", action(json!({"application": "install-failed"})));
    site.set_faults(vec![failing]);
    run(&site).run().exits_with(4).says("INSTALL_FAILED");
    assert_eq!(complete(&site, KUBERNETES_FILE).len(), 1, "the next product goes on");
}

#[test]
fn the_papers_say_in_both_languages_that_installation_is_not_automated_and_what_the_plan_has_for_it() {
    let site = site(&[]);
    run(&site).run().exits_with(0).says("10.40.8.30 (集群管理信息!E6)");
    Voyager::within(site.folder.path()).args(["report"]).run().exits_with(0);
    for (lang, said) in [("zh", "不自动进行"), ("en", "is not automated")] {
        let page = page(&site, lang);
        assert!(page.contains(said) && page.contains("UPLOADED_NOT_INSTALLED"), "{lang}");
        for value in ["10.40.8.30", "10.40.8.31", "10.40.8.33", "集群管理信息!E9"] {
            assert!(page.contains(value), "{lang}: {value}");
        }
    }
}

fn page(site: &SimulatedSite, lang: &str) -> String {
    let files = files_below(&site.folder.path().join("artifacts"));
    let name = format!("acceptance-{lang}.html");
    let pages: Vec<PathBuf> = files.into_iter().filter(|path| path.ends_with(&name)).collect();
    let newest = pages.iter().max().expect("a page");
    fs::read_to_string(newest).expect("a page is text")
}

#[test]
fn a_row_of_the_read_back_turns_red_when_its_package_is_gone() {
    let site = site(&[]);
    run(&site).run().exits_with(0);
    let packages = site.running().site().with(|state, _| serde_json::to_value(&*state)).expect("JSON");
    let mut packages = packages["tower"]["applications"]["packages"].clone();
    packages.as_array_mut().expect("a list").retain(|one| one["name"] != "sim-kubernetes");
    site.running().patch("/tower/applications/packages", packages).expect("it is patched");
    // The file is not there any more either, so that nothing is sent again.
    let ran = run_with(&site, &[]).run().exits_with(4);
    ran.says("package of SKS");
}
