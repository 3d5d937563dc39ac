//! Which package is used, and what is said where none can be.

use std::fs;

use serde_json::json;

use super::{arrived, end, made, packages, run, site};
use crate::support::site::{OBSERVABILITY, SimulatedSite, package_bytes};

/// A media folder of its own with these files.
fn own(site: &SimulatedSite, files: &[(&str, &[u8])]) {
    let folder = site.folder.path().join("own");
    fs::create_dir(&folder).expect("a folder");
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).expect("a file");
    }
}

/// The example site to the end of stage 08, with packages that were there before.
fn with_packages(listed: &str) -> SimulatedSite {
    let scenario = format!("[site.tower.observability]\npackages = [{listed}]\n");
    let site = SimulatedSite::example().scenario(&scenario).start();
    site.run().args(["--to", "08"]).run().exits_with(0);
    site
}

#[test]
fn the_same_release_is_not_sent_and_the_operator_is_told_about_builds() {
    let site = with_packages(r#"{ version = "v1.4.1-release.20250901" }"#);
    assert_eq!((packages(&site.ledger()).len(), made(&site.ledger())), (0, 1));
}

#[test]
fn other_releases_and_other_architectures_are_no_match() {
    let site = with_packages(
        r#"{ version = "v1.4.1-release.20250801" }, { version = "v1.4.10-release.20250901" },
           { version = "v1.4.1-release.20250901", arch = "AARCH64" }"#,
    );
    arrived(&site, 1);
    assert_eq!(end(&site)["packages"].as_array().map(Vec::len), Some(4));
}

#[test]
fn without_a_package_the_stage_fails_with_the_name_to_look_for_and_the_rest_goes_on() {
    let site = site(&[]);
    own(&site, &[("Observability-X86_64-v1.4.1 (1).tar.gz", b"\x1f\x8b")]);
    let ran = site.voyager("run").args(["--media", "own", "--yes"]).run().exits_with(6);
    ran.says("Observability-<arch>-v<version>")
        .says("Observability-X86_64-v1.4.1 (1).tar.gz")
        .says("passed      Settings of CloudTower");
    assert_eq!(packages(&site.ledger()).len(), 0);
}

#[test]
fn without_a_file_the_newest_package_of_the_planned_version_that_is_there_will_do() {
    let versions = ["v1.4.1-release.20250101", "v1.4.1-release.20250901", "v1.10.0", "v1.4.10"];
    let listed = versions.map(|version| format!("{{ version = \"{version}\" }}")).join(", ");
    let scenario = format!("[site.tower.observability]\npackages = [{listed}]\n");
    let site = SimulatedSite::example().scenario(&scenario).start();
    site.run().args(["--to", "06"]).run().exits_with(0);
    own(&site, &[]);
    let ran = site.voyager("run").args(["--media", "own", "--yes", "--stage", "08"]).run().exits_with(0);
    ran.says("v1.4.1-release.20250901");
    assert_eq!((packages(&site.ledger()).len(), made(&site.ledger())), (0, 1));
}

#[test]
fn a_package_that_cannot_be_one_is_told_with_its_name() {
    let name = OBSERVABILITY;
    let foreign = "Observability-AARCH64-v1.4.1-release.20250901-77.tar.gz";
    for (file, bytes, words) in [
        (name, Vec::new(), "the file is empty"),
        (name, b"<html>".to_vec(), "the file is not gzip"),
        (foreign, package_bytes(1000, 1), "AARCH64"),
    ] {
        let site = site(&[]);
        own(&site, &[(file, &bytes)]);
        let stage = site.voyager("run").args(["--media", "own", "--yes", "--stage", "08"]);
        stage.run().exits_with(6).says(file).says(words);
        assert_eq!(packages(&site.ledger()).len(), 0);
    }
}

#[test]
fn the_newest_package_wins_by_number_and_one_without_a_build_ranks_below() {
    let site = site(&[]);
    let bytes = package_bytes(1000, 1);
    own(
        &site,
        &[
            ("Observability-X86_64-v1.4.9.tar.gz", &bytes),
            ("Observability-X86_64-v1.4.10.tar.gz", &bytes),
            ("Observability-X86_64-v1.4.10-release.20250901-9.tar.gz", &bytes),
            ("observability-x86_64-v1.4.10-release.20250901-10.tar.gz", &bytes),
            ("Observability-AARCH64-v1.5.0-release.20260101-1.tar.gz", &bytes),
        ],
    );
    site.voyager("run").args(["--media", "own", "--yes", "--stage", "08"]).run().exits_with(0);
    let names: Vec<String> = packages(&site.ledger()).into_iter().map(|package| package.name).collect();
    assert_eq!(names, ["observability-x86_64-v1.4.10-release.20250901-10.tar.gz"]);
    assert_eq!(end(&site)["packages"], json!(["Observability v1.4.10-release.20250901 X86_64"]));
}

#[test]
fn an_observability_of_somebody_else_at_another_address_is_a_conflict_and_one_at_ours_is_taken() {
    let conflict = SimulatedSite::example()
        .scenario("[site.tower.observability]\ninstances = [{ name = \"obs\", ip = \"10.40.8.99\" }]\n")
        .start();
    conflict.run().args(["--to", "08"]).run().exits_with(4).says("obs exists at 10.40.8.99");
    assert_eq!(made(&conflict.ledger()), 0);
    let taken = SimulatedSite::example()
        .scenario(
            "[site.tower.observability]\ninstances = [{ name = \"obs\", ip = \"10.40.8.21\", clusters = [\"other\"], \
             system_services = [\"BACKUP_SERVICE\"] }]\n",
        )
        .start();
    taken.run().args(["--to", "08"]).run();
    let (ledger, end) = (taken.ledger(), end(&taken));
    assert_eq!((made(&ledger), ledger.system_services.count), (0, 0), "a list of others is not replaced");
    assert_eq!(end["instances"][0]["clusters"].as_array().map(Vec::len), Some(2), "others stay associated");
    run(&taken).run();
    assert_eq!(taken.ledger().observability_clusters.count, 1);
}
