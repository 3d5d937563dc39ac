//! Stage 08: from a package on this machine to an Observability that watches the cluster, and what may come in between.

mod media;
mod rows;
mod uploads;

use std::{fs, sync::OnceLock};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use voyager::sim::{
    Ledger,
    fault::{Action, Fault},
    ledger::PackageUpload,
};

use crate::support::{
    fault::always,
    site::{OBSERVABILITY, SimulatedSite, Snapshot},
    tool::Voyager,
};

/// The example site with everything but Observability.
fn before() -> &'static Snapshot {
    static BEFORE: OnceLock<Snapshot> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let site = SimulatedSite::example().start();
        site.run().args(["--to", "06"]).run().exits_with(0);
        site.snapshot()
    })
}

fn site(changes: &[(&str, Value)]) -> SimulatedSite {
    SimulatedSite::restored_with(before(), changes)
}

fn run(site: &SimulatedSite) -> Voyager {
    site.run().args(["--stage", "08"])
}

fn once(operation: &str, action: Action) -> Fault {
    Fault { count: 1, ..always(operation, action) }
}

/// What is to become of a request, as a scenario file would say it.
fn fate(what: Value) -> Action {
    serde_json::from_value(what).expect("an action")
}

fn packages(ledger: &Ledger) -> Vec<PackageUpload> {
    ledger.packages.values().filter(|package| package.protocol == "ovm").cloned().collect()
}

/// The package is at the site whole, in one upload out of `uploads`, no chunk of it twice.
#[track_caller]
fn arrived(site: &SimulatedSite, uploads: usize) {
    let ledger = site.ledger();
    assert!(ledger.breaches.is_empty(), "{:#?}", ledger.breaches);
    let all = packages(&ledger);
    assert_eq!(all.len(), uploads, "{all:#?}");
    let whole: Vec<&PackageUpload> = all.iter().filter(|package| package.complete).collect();
    let [whole] = whole.as_slice() else { panic!("{all:#?}") };
    let file = fs::read(site.folder.path().join("media").join(OBSERVABILITY)).expect("the package");
    let digest: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((whole.sha256.as_ref(), whole.chunks_stored), (Some(&digest), 3), "{whole:#?}");
}

fn made(ledger: &Ledger) -> u64 {
    ledger.observability_instances.values().map(|tally| tally.count).sum()
}

/// What the site has of Observability in the end.
fn end(site: &SimulatedSite) -> Value {
    fn find(value: &Value) -> Option<&Value> {
        match value {
            Value::Object(fields) => match fields.get("observability") {
                Some(found) if found["instances"].is_array() => Some(found),
                _ => fields.values().find_map(find),
            },
            _ => None,
        }
    }
    find(&site.state()).cloned().expect("Observability in the end state")
}

#[test]
fn an_undisturbed_run_leaves_an_observability_that_watches_the_cluster() {
    let site = site(&[]);
    run(&site).run().exits_with(0);
    arrived(&site, 1);
    let end = end(&site);
    assert_eq!(end["packages"], json!(["Observability v1.4.1-release.20250901 X86_64"]));
    let instance = &end["instances"][0];
    for (field, value) in [
        ("name", json!("observability")),
        ("ip", json!("10.40.8.21")),
        ("status", json!("SUCCESS")),
        ("health", json!("NORMAL")),
        ("system_services", json!([{"type": "CLOUDTOWER", "rules": 22}])),
        ("ntp", json!("10.40.1.11;10.40.1.12;ntp.qingsong.example")),
    ] {
        assert_eq!(instance[field], value, "{field}: {instance:#}");
    }
    assert_eq!(instance["clusters"], instance["traffic"], "{instance:#}");
    assert_eq!(instance["clusters"].as_array().map(Vec::len), Some(1));
    assert_eq!(instance["nameservers"], json!(["10.40.1.53", "10.40.1.54"]));
    let ledger = site.ledger();
    let tallies = [
        &ledger.observability_ntp_writes,
        &ledger.observability_clusters,
        &ledger.system_services,
        &ledger.traffic_writes,
        &ledger.observability_resolv_conf_writes,
    ];
    assert_eq!((tallies.map(|tally| tally.count), made(&ledger)), ([1; 5], 1));
    assert!(ledger.launcher_restarts.count > 0, "what reads the name servers is restarted");
}

#[test]
fn a_second_run_changes_nothing() {
    let site = site(&[]);
    run(&site).run().exits_with(0);
    let changes = site.ledger().change_count();
    run(&site).run().exits_with(0).says("as planned  Observability package");
    assert_eq!(site.ledger().change_count(), changes);
}

#[test]
fn a_lost_answer_is_settled_by_a_second_look_and_nothing_is_made_twice() {
    for (operation, action) in [
        ("tower.createBundleApplicationInstance", Action::ResetAfter),
        ("tower.createBundleApplicationInstance", Action::ResetBefore),
        ("tower.updateBundleApplicationInstanceConnectClusters", Action::ResetAfter),
        ("tower.updateObservabilityConnectedSystemServices", Action::ResetAfter),
        ("tower.updateObservabilityConnectedClusterTrafficEnabled", Action::ResetAfter),
        ("tower.updateObservabilityNtpUrl", Action::ResetAfter),
    ] {
        let site = site(&[]);
        site.set_faults(vec![once(operation, action.clone())]);
        run(&site).run().exits_with(0);
        let ledger = site.ledger();
        assert!(ledger.breaches.is_empty(), "{operation}: {:#?}", ledger.breaches);
        assert_eq!(made(&ledger), 1, "{operation}");
        assert_eq!(end(&site)["instances"][0]["system_services"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn a_failed_task_is_told_with_its_cause_and_the_next_run_sends_the_package_anew() {
    for fault in [
        once("tower.ovm.commit", fate(json!({"task": "failed"}))),
        once("tower.ovm.commit", fate(json!({"observability": "second-task-failed"}))),
    ] {
        let site = site(&[]);
        site.set_faults(vec![fault]);
        run(&site).run().exits_with(4).says("task `Create ");
        assert_eq!(made(&site.ledger()), 0);
        run(&site).run().exits_with(0);
        assert_eq!((packages(&site.ledger()).len(), made(&site.ledger())), (2, 1));
    }
}

#[test]
fn a_second_task_that_never_comes_ends_with_the_limit() {
    let site = site(&[]);
    site.set_faults(vec![once("tower.ovm.commit", fate(json!({"observability": "second-task-never"})))]);
    run(&site)
        .run()
        .exits_with(5)
        .says("Create Application package observability-X86_64-v1.4.1-release.20250901");
    assert_eq!(made(&site.ledger()), 0);
}

#[test]
fn an_installation_that_fails_is_told_with_its_code_and_is_not_repeated_by_itself() {
    let site = site(&[]);
    let fate = fate(json!({"observability": "instance-failed"}));
    site.set_faults(vec![once("tower.createBundleApplicationInstance", fate)]);
    let ran = run(&site).run().exits_with(4);
    ran.says("installation of Observability failed").says("SIM_NO_MEMORY");
    run(&site).run().exits_with(4).says("installation of Observability failed");
    assert_eq!((made(&site.ledger()), site.ledger().observability_clusters.count), (1, 0));
}

#[test]
fn an_installation_that_hangs_ends_with_the_limit() {
    let site = site(&[]);
    let fate = fate(json!({"observability": "instance-stuck"}));
    site.set_faults(vec![once("tower.createBundleApplicationInstance", fate)]);
    run(&site).run().exits_with(5).says("INSTALLING");
}

#[test]
fn an_observability_that_is_never_well_is_a_warning_only() {
    let site = site(&[]);
    let fate = fate(json!({"observability": "unhealthy"}));
    site.set_faults(vec![once("tower.createBundleApplicationInstance", fate)]);
    run(&site).run().exits_with(0).says("has not become NORMAL in time");
}

#[test]
fn name_servers_that_cannot_be_set_do_not_keep_the_cluster_from_being_associated() {
    let site = site(&[("/quirks/tower/observability/ssh_password", json!("another"))]);
    run(&site).run().exits_with(4).says("Name servers inside Observability");
    let (ledger, end) = (site.ledger(), end(&site));
    assert_eq!(ledger.observability_resolv_conf_writes.count, 0);
    assert_eq!(ledger.observability_ntp_writes.count, 1);
    assert_eq!(end["instances"][0]["clusters"].as_array().map(Vec::len), Some(1), "{end:#}");
    assert_eq!(end["instances"][0]["traffic"], end["instances"][0]["clusters"]);
}

#[test]
fn an_association_that_fails_stops_what_needs_it_and_the_next_run_makes_it() {
    let site = site(&[]);
    let fate = fate(json!({"observability": "association-failed"}));
    site.set_faults(vec![once("tower.updateBundleApplicationInstanceConnectClusters", fate)]);
    run(&site).run().exits_with(4).says("the association failed");
    assert_eq!((site.ledger().system_services.count, site.ledger().traffic_writes.count), (0, 0));
    run(&site).run().exits_with(0);
    assert_eq!(site.ledger().traffic_writes.count, 1);
}

#[test]
fn a_service_that_never_shows_does_not_keep_the_traffic_from_being_shown() {
    let site = site(&[]);
    let fate = fate(json!({"observability": "service-lost"}));
    site.set_faults(vec![once("tower.updateObservabilityConnectedSystemServices", fate)]);
    run(&site).run().exits_with(5).says("not on the list of system services yet");
    assert_eq!(site.ledger().traffic_writes.count, 1);
}

#[test]
fn somebody_at_the_planned_address_stops_the_stage_before_anything_is_made() {
    let site = site(&[("/quirks/occupied", json!(["10.40.8.21"]))]);
    run(&site).run().exits_with(4).says("something answers at 10.40.8.21 (集群管理信息!E4)");
    assert_eq!(made(&site.ledger()), 0);
}

#[test]
fn a_release_that_does_not_know_the_error_code_is_asked_without_it() {
    let site = site(&[("/variants/tower/observability/error_code", json!("unknown"))]);
    run(&site).run().exits_with(0);
    arrived(&site, 1);
}

#[test]
fn a_login_without_a_cookie_is_told_before_the_operator_service_refuses_what_lacks_it() {
    let site = site(&[("/quirks/tower/cookieless", json!(true))]);
    run(&site).run().exits_with(4).says("gave no cookie").says("HTTP 400 no cookie");
    assert_eq!(packages(&site.ledger()).len(), 0);
}

#[test]
fn an_operator_with_another_password_is_told_with_where_that_is_configured() {
    let site = site(&[("/quirks/tower/observability/operator_password", json!("another-1"))]);
    run(&site).run().exits_with(4).says("obs.operator_password");
    let ran = run(&site).env("VOYAGER_OBS_OPERATOR_PASSWORD", "another-1").run().exits_with(0);
    ran.does_not_say("another-1");
    arrived(&site, 1);
}

#[test]
fn traffic_stays_off_where_the_configuration_says_so() {
    let site = site(&[]);
    run(&site).env("VOYAGER_OBS_TRAFFIC_VISUALIZATION", "false").run().exits_with(0);
    assert_eq!(site.ledger().traffic_writes.count, 0);
}

#[test]
fn a_cloudtower_that_speaks_chinese_is_asked_for_english_or_no_task_would_be_found() {
    let site = site(&[("/quirks/tower/chinese", json!(true))]);
    site.run().args(["--stage", "08", "--stage", "09"]).run().exits_with(0);
    arrived(&site, 1);
}
