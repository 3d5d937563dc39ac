//! Stage 09: the backup service, made once from the right package, with every field as planned, whatever comes in
//! between. Every test begins when CloudTower is configured.

use std::{fs, os::unix::process::ExitStatusExt, path::Path, sync::OnceLock};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use voyager::sim::{
    fault::{Action, Fault, HoldPoint},
    ledger::PackageUpload,
};

use crate::support::{
    fault::always,
    site::{BACKUP_FILE, SimulatedSite, Snapshot, package_bytes},
    tool::{Ran, Voyager},
    workbook::Workbook,
};

const CHUNK: &str = "tower.uploadCloudTowerApplicationPackage";
const ADDRESS: &str = "10.40.8.22";

fn before() -> &'static Snapshot {
    static BEFORE: OnceLock<Snapshot> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let site = SimulatedSite::example().start();
        site.run().args(["--to", "07"]).run().exits_with(0);
        site.snapshot()
    })
}

fn site(changes: &[(&str, Value)]) -> SimulatedSite {
    SimulatedSite::restored_with(before(), changes)
}

fn run(site: &SimulatedSite) -> Voyager {
    site.run().args(["--stage", "deploy-backup"])
}

/// The same with the files of `own/` alone.
fn run_with(site: &SimulatedSite, files: &[(&str, Vec<u8>)]) -> Voyager {
    let own = site.folder.path().join("own");
    fs::create_dir_all(&own).expect("a folder");
    for (name, bytes) in files {
        fs::write(own.join(name), bytes).expect("a file");
    }
    site.voyager("run").args(["--media", "own", "--yes", "--stage", "deploy-backup"])
}

/// A package that CloudTower has already.
fn package(version: &str, architecture: &str) -> Value {
    json!([{
        "id": "cpackage0000000000000old0", "name": "iomesh-backup", "version": version,
        "architecture": architecture, "filename": "old.tar.gz", "since": 0,
    }])
}

fn with_package(version: &str, architecture: &str) -> SimulatedSite {
    site(&[("/tower/applications/packages", package(version, architecture))])
}

/// What a scenario file calls it: `{"upload": "failed"}`.
fn action(told: Value) -> Action {
    serde_json::from_value(told).expect("an action")
}

fn once(operation: &str, action: Action) -> Fault {
    Fault { count: 1, ..always(operation, action) }
}

fn once_at(operation: &str, chunk: u64, action: Action) -> Fault {
    Fault { chunk: Some(chunk), ..once(operation, action) }
}

/// The uploads that ended with the package in CloudTower.
fn complete(site: &SimulatedSite) -> Vec<PackageUpload> {
    site.ledger().packages.into_values().filter(|upload| upload.complete).collect()
}

fn sha256(path: &Path) -> String {
    let bytes = fs::read(path).expect("a file");
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The site has the whole file once, and one service made of it.
#[track_caller]
fn is_whole(site: &SimulatedSite) {
    let ledger = site.ledger();
    assert!(ledger.breaches.is_empty(), "{:#?}", ledger.breaches);
    assert!(ledger.secret_selections.is_empty(), "{:#?}", ledger.secret_selections);
    let [upload] = &complete(site)[..] else { panic!("{:#?}", ledger.packages) };
    let file = site.folder.path().join("media").join(BACKUP_FILE);
    assert_eq!(upload.sha256, Some(sha256(&file)));
    assert_eq!((upload.chunks_stored, upload.chunks_repeated), (3, 0));
    let once = |tallies: &std::collections::BTreeMap<String, voyager::sim::ledger::Tally>| {
        tallies.values().map(|tally| tally.count).collect::<Vec<_>>()
    };
    assert_eq!(once(&ledger.backup_services), [1], "services");
    assert_eq!(once(&ledger.tower_networks), [1], "networks");
    assert_eq!(site.state()["cloudtower"]["backup"], *whole());
}

/// The backup part of CloudTower as an undisturbed run leaves it.
fn whole() -> &'static Value {
    static WHOLE: OnceLock<Value> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let site = site(&[]);
        run(&site).run().exits_with(0);
        site.state()["cloudtower"]["backup"].clone()
    })
}

#[test]
fn the_service_is_made_once_with_every_field_and_a_second_run_changes_nothing() {
    let site = site(&[]);
    run(&site).run().exits_with(0);
    is_whole(&site);
    let backup = whole();
    assert_eq!(backup["packages"][0]["version"], "2.2.0");
    let service = &backup["services"][0];
    assert_eq!(service["name"], "bak", "{backup:#}");
    let networks = &service["networks"];
    assert_eq!(networks["management_network_ip"], ADDRESS);
    assert_eq!(networks["storage_network_ip"].as_str().map(|ip| ip.ends_with(".22")), Some(true));
    assert_eq!(service["clusters"].as_array().map(Vec::len), Some(1), "{backup:#}");
    let changes = site.ledger().change_count();
    run(&site).run().exits_with(0).does_not_say("  changed ");
    assert_eq!(site.ledger().change_count(), changes);
}

#[test]
fn a_package_of_the_same_version_is_used_without_a_byte() {
    let site = with_package("2.2.0", "X86_64");
    run(&site).run().exits_with(0);
    assert!(site.ledger().packages.is_empty());
    assert_eq!(site.ledger().backup_services["bak"].count, 1);
}

#[test]
fn a_newer_package_is_used_and_said_so_and_never_covered_by_an_older_one() {
    let site = with_package("2.10.0", "X86_64");
    run(&site).run().exits_with(0).says("CloudTower has a newer backup package, 2.10.0");
    assert!(site.ledger().packages.is_empty());
}

#[test]
fn an_older_package_and_one_of_another_architecture_are_no_use() {
    for (version, architecture) in [("2.1.9", "X86_64"), ("3.0.0", "AARCH64")] {
        let site = with_package(version, architecture);
        run(&site).run().exits_with(0);
        assert_eq!(complete(&site).len(), 1, "{version} {architecture}");
    }
}

#[test]
fn without_a_package_anywhere_the_stage_says_what_to_bring_and_nothing_is_made() {
    let site = site(&[]);
    let foreign = ("smtx-backup-dr-aarch64-1.2.0.tar.gz", package_bytes(1 << 12, 1));
    let ran = run_with(&site, &[foreign]).run().exits_with(6);
    ran.says("smtx-backup-dr-<arch>-<version>.tar.gz").says("smtx-backup-dr-aarch64-1.2.0.tar.gz");
    assert!(site.ledger().packages.is_empty() && site.ledger().tower_networks.is_empty());
}

#[test]
fn a_file_that_is_no_package_is_found_before_anything_is_sent() {
    let site = site(&[]);
    run_with(&site, &[(BACKUP_FILE, b"<html>".to_vec())]).run().exits_with(6).says("not gzip");
    assert!(site.ledger().packages.is_empty());
}

#[test]
fn a_missing_package_stops_its_own_stage_alone() {
    let site = site(&[]);
    let own = site.folder.path().join("own");
    fs::create_dir(&own).expect("a folder");
    for entry in fs::read_dir(site.folder.path().join("media")).expect("the media") {
        let entry = entry.expect("a file");
        if entry.file_name() != BACKUP_FILE {
            std::os::unix::fs::symlink(entry.path(), own.join(entry.file_name())).expect("a link");
        }
    }
    site.voyager("run").args(["--media", "own", "--yes"]).run().exits_with(6);
    assert_ne!(site.state()["cloudtower"]["packages"]["application_packages"], json!([]));
    assert!(site.ledger().backup_services.is_empty());
}

#[test]
fn an_upload_that_fails_ends_the_step_and_the_next_run_begins_it_anew() {
    for chunk in [1, 3] {
        let site = site(&[]);
        site.set_faults(vec![once_at(CHUNK, chunk, action(json!({"upload": "failed"})))]);
        run(&site).run().exits_with(4).says("FAILED");
        assert_eq!(site.ledger().packages.len(), 1, "it is not sent once more by itself");
        assert!(site.ledger().backup_services.is_empty());
        run(&site).run().exits_with(0);
        is_whole_but_for_uploads(&site);
    }
}

#[test]
fn a_newer_file_brought_after_the_first_was_sent_is_sent_too_and_is_what_the_service_is_made_of() {
    let site = site(&[]);
    let old = ("smtx-backup-dr-x86_64-2.1.0.tar.gz", package_bytes(1 << 12, 1));
    run_with(&site, &[old]).args(["--crash-at", "deploy-backup.package:after-answer"]).run();
    run_with(&site, &[(BACKUP_FILE, package_bytes(1 << 12, 2))]).run().exits_with(0);
    assert_eq!(complete(&site).len(), 2);
    let packages = site.state()["cloudtower"]["backup"]["packages"].clone();
    assert!(packages.to_string().contains("2.2.0"), "{packages:#}");
}

#[test]
fn a_failed_installation_of_long_ago_is_not_taken_for_ours() {
    let site = site(&[
        ("/tower/tasks/0/description", json!("Install Application backup-bak")),
        ("/tower/tasks/0/resource/id", json!("")),
        ("/tower/tasks/0/fate", json!("failed")),
        ("/tower/tasks/0/met", json!(true)),
    ]);
    run(&site).run().exits_with(0);
    assert_eq!(site.ledger().backup_services["bak"].count, 1);
}

#[track_caller]
fn is_whole_but_for_uploads(site: &SimulatedSite) {
    let file = site.folder.path().join("media").join(BACKUP_FILE);
    let whole_file = Some(sha256(&file));
    assert!(complete(site).iter().any(|upload| upload.sha256 == whole_file));
    assert!(site.ledger().packages.values().all(|upload| upload.chunks_repeated == 0));
    assert_eq!(site.state()["cloudtower"]["backup"], *whole());
    assert!(site.ledger().breaches.is_empty(), "{:#?}", site.ledger().breaches);
}

#[test]
fn an_installation_that_failed_stops_with_its_own_words_and_is_never_removed() {
    let site = site(&[]);
    site.set_faults(vec![once(
        "tower.createBackupService",
        action(json!({"application": "install-failed"})),
    )]);
    run(&site).run().exits_with(4).says("INSTALL_FAILED").says("nothing is removed by itself");
    run(&site).run().exits_with(4).says("INSTALL_FAILED").says("remove it there");
    assert_eq!(site.ledger().backup_services["bak"].count, 1);
}

#[test]
fn a_failed_task_is_a_failure_although_the_service_says_otherwise() {
    let site = site(&[]);
    site.set_faults(vec![once("tower.createBackupService", action(json!({"task": "failed"})))]);
    run(&site).run().exits_with(4).says("the installation of the backup service bak has failed");
    assert_eq!(site.ledger().backup_services["bak"].count, 1);
}

#[test]
fn a_lost_answer_makes_nothing_twice() {
    for fault in [
        once("tower.createUploadTask", Action::ResetAfter),
        once_at(CHUNK, 1, Action::ResetAfter),
        once_at(CHUNK, 2, Action::ResetAfter),
        once_at(CHUNK, 2, Action::ResetBefore),
        once_at(CHUNK, 3, Action::ResetAfter),
        once("tower.create-vm-vlan", Action::ResetAfter),
        once("tower.createBackupService", Action::ResetAfter),
        once("tower.createBackupService", Action::ResetBefore),
        once("tower.updateBackupService", Action::ResetAfter),
    ] {
        let site = site(&[]);
        let told = format!("{} {:?}", fault.operation, fault.action);
        site.set_faults(vec![fault]);
        let ran = run(&site).run();
        assert_eq!(ran.status.code(), Some(0), "{told}: {ran}");
        is_whole(&site);
    }
}

#[test]
fn a_kill_at_any_chunk_boundary_goes_on_where_the_site_is() {
    for chunk in 1..=3 {
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
            assert_eq!(site.ledger().packages.len(), 1, "chunk {chunk}: one upload from beginning to end");
        }
    }
}

#[test]
fn another_file_in_the_place_of_an_interrupted_one_is_sent_from_its_beginning() {
    let site = site(&[]);
    let file = |seed| (BACKUP_FILE, package_bytes(2 * (4 << 20) + 99, seed));
    site.set_faults(vec![once_at(CHUNK, 2, Action::Hold(HoldPoint::BeforeEffect))]);
    let mut tool = run_with(&site, &[file(1)]).start(&site.folder.path().join("killed.log"));
    site.until_held();
    tool.kill().expect("it is killed");
    tool.wait().expect("it ended");
    site.release();
    site.set_faults(Vec::new());
    run_with(&site, &[file(2)]).run().exits_with(0);
    let [upload] = &complete(&site)[..] else { panic!("{:#?}", site.ledger().packages) };
    assert_eq!(upload.sha256, Some(sha256(&site.folder.path().join("own").join(BACKUP_FILE))));
    assert_eq!(site.ledger().packages.values().filter(|upload| upload.cancelled).count(), 1);
}

#[test]
fn a_chunk_size_that_the_site_announces_is_the_one_that_is_sent() {
    let site = site(&[("/quirks/tower/packages/chunk_size", json!(1 << 20))]);
    run(&site).run().exits_with(0);
    assert_eq!(complete(&site)[0].chunks_stored, 9);
}

#[test]
fn clusters_that_are_associated_already_stay_so() {
    let site = site(&[]);
    run(&site).args(["--crash-at", "deploy-backup.cluster:before-intent"]).run();
    let other = json!(["cother0000000000000000clus", 0]);
    site.running().patch("/tower/backup/services/0/clusters", json!([&other])).expect("it is patched");
    let clusters = || {
        let state = site.running().site().with(|state, _| serde_json::to_value(&*state)).expect("JSON");
        state["tower"]["backup"]["services"][0]["clusters"].clone()
    };
    // The third look is the one that the write is made from: after those of `running` and of the probe.
    let nothing = Action::MergeBody(json!({"data": {"backupServices": []}}));
    site.set_faults(vec![Fault { nth: 3, ..once("tower.getBackupServices", nothing) }]);
    run(&site).run().exits_with(4).says("does not list the backup service bak");
    assert_eq!(clusters(), json!([other]), "a service that one answer leaves out is not written to");
    run(&site).run().exits_with(0);
    assert_eq!(clusters().as_array().map(Vec::len), Some(2), "{}", clusters());
}

#[test]
fn a_service_that_never_reaches_the_storage_network_is_a_warning_and_a_row() {
    let site = site(&[("/quirks/tower/backup/network_never", json!(true))]);
    let ran = run(&site).run().exits_with(4);
    ran.says("does not reach the cluster's storage network").says("DISCONNECTED");
    assert_eq!(site.ledger().backup_services["bak"].count, 1);
}

#[test]
fn an_address_that_cannot_be_the_service_s_is_refused_before_the_service_is_made() {
    let site = site(&[]);
    let config = site.folder.path().join("voyager.toml");
    let text = fs::read_to_string(&config).expect("the configuration");
    fs::write(&config, format!("{text}\n[backup]\nstorage_ip = \"10.40.8.99\"\n")).expect("it is written");
    run(&site).run().exits_with(2).says("10.40.8.99").says("it is outside the storage network");
    assert!(site.ledger().backup_services.is_empty());
}

#[test]
fn somebody_at_the_planned_address_stops_the_stage_before_a_service_is_made() {
    let site = site(&[("/quirks/occupied", json!([ADDRESS]))]);
    run(&site).run().exits_with(4).says("something answers at 10.40.8.22 (集群管理信息!E5)");
    assert!(site.ledger().backup_services.is_empty());
}

/// The keys of the read-back that are not as planned, after one thing was changed at the site.
fn red_after(change: (&str, Value)) -> (Ran, Vec<String>) {
    let site = SimulatedSite::restored(done());
    site.running().patch(change.0, change.1).expect("it is patched");
    let ran = run(&site).args(["--output", "json"]).run();
    let red = ran
        .records()
        .iter()
        .filter(|record| record["event"] == "setting" && record["step"] == "deploy-backup.settings")
        .filter(|setting| matches!(setting["verdict"].as_str(), Some("differs" | "missing")))
        .map(|setting| setting["key"].as_str().unwrap_or_default().to_owned())
        .collect();
    (ran, red)
}

/// The site after an undisturbed stage 09.
fn done() -> &'static Snapshot {
    static DONE: OnceLock<Snapshot> = OnceLock::new();
    DONE.get_or_init(|| {
        let site = site(&[]);
        run(&site).run().exits_with(0);
        site.snapshot()
    })
}

#[test]
fn each_row_of_the_read_back_turns_red_alone_when_its_fact_is_another() {
    let field = |name: &str| format!("/tower/backup/services/0/networks/{name}");
    for (name, value, key) in [
        ("management_network_subnet_mask", "255.255.0.0", "backup.mask"),
        ("management_network_gateway", "10.40.8.1", "backup.gateway"),
        ("management_network_vlan", "cnowhere", "backup.network"),
        ("storage_network_type", "MANAGEMENT", "backup.storage_type"),
        ("storage_network_ip", "10.99.0.1", "backup.storage_ip"),
        ("storage_network_subnet_mask", "255.0.0.0", "backup.storage_mask"),
        ("backup_network_type", "STORAGE", "backup.backup_type"),
        ("backup_network_ip", "10.40.8.99", "backup.backup_ip"),
        ("backup_network_subnet_mask", "255.0.0.0", "backup.backup_mask"),
        ("backup_network_gateway", "10.40.8.1", "backup.backup_gateway"),
        ("backup_network_vlan", "cnowhere", "backup.backup_network"),
        ("management_network_ip", "10.40.8.99", "backup.ip"),
    ] {
        let (ran, red) = red_after((&field(name), json!(value)));
        assert_eq!((ran.status.code(), red), (Some(4), vec![key.to_owned()]), "{name}: {ran}");
    }
    let (ran, red) = red_after(("/tower/backup/services/0/name", json!("other")));
    assert_eq!(red, ["backup.name"], "{ran}");
    let (ran, red) = red_after(("/quirks/tower/backup/network_never", json!(true)));
    assert_eq!(red, ["backup.connected"], "{ran}");
    let (ran, red) = red_after(("/tower/applications/packages/0/version", json!("1.0.0")));
    assert_eq!((ran.status.code(), red), (Some(4), vec!["backup.package".to_owned()]), "{ran}");
}

#[test]
fn a_plan_without_an_address_needs_no_service() {
    let site = SimulatedSite::of(&Workbook::good().edit(&["M!E5 ="])).start();
    let ran = site.run().args(["--to", "09"]).run().exits_with(0);
    ran.says("the plan has no address for the backup service");
    assert!(site.ledger().backup_services.is_empty() && site.ledger().tower_networks.is_empty());
}
