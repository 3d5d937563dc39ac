//! A dry run contacts nothing, writes nothing, and lists exactly what a real run would then change.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use voyager::sim::Request;

use crate::support::{
    site::{SimulatedSite, undisturbed},
    tool::{Voyager, project},
};

#[test]
fn a_dry_run_writes_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(project("examples/plan.xlsx"), folder.path().join("plan.xlsx"))
        .expect("the plan is copied");
    let before = listing(folder.path());
    Voyager::within(folder.path()).args(["run", "--plan", "plan.xlsx", "--dry-run"]).run().exits_with(0);
    assert_eq!(listing(folder.path()), before);
}

#[test]
fn the_list_of_a_dry_run_equals_the_changing_requests_of_the_run_that_follows() {
    let site = SimulatedSite::finished();
    let dry = Voyager::within(site.folder.path())
        .args(["run", "--plan", "plan.xlsx", "--media", "media", "--dry-run", "--output", "json"])
        .run()
        .exits_with(0);
    let listed = dry.json()["requests"].as_array().expect("a list of changes").clone();
    let listed: Vec<(String, String)> = listed
        .iter()
        .map(|change| {
            let field = |name: &str| change[name].as_str().expect("text").to_owned();
            let address = field("address");
            let host = address.split(':').next().unwrap_or_default().to_owned();
            // What the list calls SSH is an executed command to the site.
            (if field("method") == "SSH" { "EXEC".to_owned() } else { field("method") }, host)
        })
        .collect();
    // A chunk series is one line of the list.
    let (mut sent, mut series) = (Vec::<(String, String)>::new(), BTreeSet::new());
    for request in undisturbed().requests.iter().filter(|request| request.changing) {
        if series_of(request).is_none_or(|upload| series.insert(upload)) {
            sent.push((request.method.clone(), request.address.to_string()));
        }
    }
    assert_eq!(counted(&listed), counted(&sent), "listed {listed:#?}\nsent {sent:#?}");
}

/// Which upload a chunk belongs to; `None`: the request sends none.
fn series_of(request: &Request) -> Option<String> {
    let (operation, target) = (request.operation.as_str(), request.target.as_str());
    if let Some((before, after)) = target.split_once("chunk_num=") {
        return Some(format!(
            "{operation} {before} {}",
            after.trim_start_matches(|c: char| c.is_ascii_digit())
        ));
    }
    // Of Observability, of Backup, and of the other products, whose every chunk names the file.
    let appended = [
        "tower.ovm.chunk",
        "tower.uploadCloudTowerApplicationPackage",
        "tower.upload-cloudtower-application-package",
    ];
    appended.contains(&operation).then(|| format!("{operation} {}", request.body["name"]))
}

#[test]
fn a_dry_run_works_in_a_network_namespace_with_nothing_but_loopback() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(project("examples/plan.xlsx"), folder.path().join("plan.xlsx"))
        .expect("the plan is copied");
    let dry = Voyager::within(folder.path()).args(["run", "--plan", "plan.xlsx", "--dry-run"]);
    if let Some(ran) = dry.run_within(&["--net"], "ip link set lo up") {
        ran.exits_with(0);
    }
}

#[test]
fn diff_on_a_fresh_site_changes_nothing_and_exits_with_ten() {
    let site = SimulatedSite::example().start();
    site.voyager("diff").run().exits_with(10).says("differ from the plan, of ");
    assert_eq!(site.ledger().change_count(), 0);
}

#[test]
fn diff_after_a_run_finds_no_difference_and_changes_nothing() {
    let site = SimulatedSite::finished();
    let changes = site.ledger().change_count();
    site.voyager("diff").run().exits_with(0);
    assert_eq!(site.ledger().change_count(), changes);
}

fn counted(list: &[(String, String)]) -> BTreeMap<&(String, String), usize> {
    let mut counts = BTreeMap::new();
    for item in list {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is read")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let length = entry.metadata().expect("metadata").len();
            format!("{} {length}", entry.file_name().to_string_lossy())
        })
        .collect();
    names.sort();
    names
}
