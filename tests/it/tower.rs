//! CloudTower set up, attached and configured: odd beginnings, other passwords, lost answers, failing tasks. Every
//! test starts just before CloudTower's first account is made.

use std::{collections::BTreeSet, sync::OnceLock};

use serde_json::{Value, json};
use voyager::sim::{
    Request,
    fault::{Action, Fault},
};

use crate::support::{
    fault::always,
    site::{SimulatedSite, Snapshot, files_below},
    workbook::Workbook,
};

/// The address, cluster and organization that the example plans.
const TOWER: &str = "10.40.8.20";
const CLUSTER: &str = "QS-SZ-SMTX-Prod-Cls01";
const ORGANIZATION: &str = "青松精密制造";

/// CloudTower answers, and nobody has been there yet.
fn fresh() -> &'static Snapshot {
    static FRESH: OnceLock<Snapshot> = OnceLock::new();
    FRESH.get_or_init(|| {
        let site = SimulatedSite::example().start();
        let killed = site.run().args(["--crash-at", "deploy-cloudtower.account:before-intent"]).run();
        assert_eq!(killed.status.code(), None, "{killed}");
        site.snapshot()
    })
}

/// A root user that somebody else has made.
fn with_root(password: &str) -> SimulatedSite {
    let root = json!({"id": "croot0000000000000000root", "password": password, "password_updated_at": 0});
    SimulatedSite::restored_with(fresh(), &[("/tower/root", root)])
}

fn with_organization(name: &str) -> SimulatedSite {
    let organization = json!({"id": "corg00000000000000000orga", "name": name});
    SimulatedSite::restored_with(fresh(), &[("/tower/organizations", json!([organization]))])
}

/// CloudTower as an undisturbed run leaves it.
fn whole() -> &'static Value {
    static WHOLE: OnceLock<Value> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let site = SimulatedSite::restored(fresh());
        site.run().run().exits_with(0);
        site.state()["cloudtower"].clone()
    })
}

/// `{"task": "failed"}`, as a scenario file says it.
fn action(told: Value) -> Action {
    serde_json::from_value(told).expect("an action")
}

/// Meets the first `count` requests of this operation.
fn first(operation: &str, count: u64, action: Action) -> Fault {
    Fault { count, ..always(operation, action) }
}

fn refusal(status: u16, words: &str) -> Action {
    let body = json!({"message": words, "status": status, "path": "/"}).to_string();
    Action::Status { status, headers: [("content-type".into(), "application/json".into())].into(), body }
}

/// One of everything, as after an undisturbed run.
#[track_caller]
fn is_whole(site: &SimulatedSite) {
    assert_eq!(site.state()["cloudtower"], *whole());
    let ledger = site.ledger();
    let tallies = [
        &ledger.organizations,
        &ledger.datacenters,
        &ledger.views,
        &ledger.graphs,
        &ledger.racks,
        &ledger.chassis,
    ];
    for tally in tallies {
        assert!(tally.values().all(|tally| tally.count == 1), "{tally:?}");
    }
    assert_eq!((ledger.views.len(), ledger.graphs.len()), (3, 15));
    assert_eq!(ledger.connections.values().map(|tally| tally.count).collect::<Vec<_>>(), [1]);
    assert!(ledger.breaches.is_empty(), "the contract was broken");
}

/// How often; a GET of the login path is how the first half of the stage looks whether anybody is there.
fn sent(site: &SimulatedSite, operation: &str) -> usize {
    let posted = |request: &&Request| request.operation == operation && request.method == "POST";
    site.requests().iter().filter(posted).count()
}

#[test]
fn a_second_run_changes_nothing_and_logs_in_to_work_for_its_cookie_and_to_prove_the_account() {
    let site = SimulatedSite::restored(fresh());
    site.run().run().exits_with(0);
    is_whole(&site);
    let (changes, logins) = (site.ledger().change_count(), sent(&site, "tower.login"));
    let again = site.run().run().exits_with(0);
    assert_eq!(site.ledger().change_count(), changes);
    assert_eq!(sent(&site, "tower.login"), logins + 3);
    again.does_not_say("  changed ");
}

#[test]
fn a_planned_password_of_its_own_goes_in_clear_text_by_rest() {
    let site = SimulatedSite::restored(fresh());
    Workbook::good().edit(&["M!G3 = Own#Tower7pass"]).write(site.folder.path(), "plan.xlsx");
    site.run().run().exits_with(0).does_not_say("Own#Tower7pass");
    assert_eq!((sent(&site, "tower.create-root-user"), sent(&site, "tower.createRootUser")), (1, 0));
    let own = site.state()["cloudtower"]["root_password_sha256"].clone();
    assert_ne!(own, whole()["root_password_sha256"]);
    assert_eq!(site.ledger().root_users.count, 1);
}

#[test]
fn where_rest_cannot_make_the_account_the_default_password_is_set_first_and_replaced() {
    let site = SimulatedSite::restored(fresh());
    Workbook::good().edit(&["M!G3 = Own#Tower7pass"]).write(site.folder.path(), "plan.xlsx");
    site.set_faults(vec![always("tower.create-root-user", refusal(404, "no such operation"))]);
    site.run().run().exits_with(0).says("is made with the default one");
    assert_eq!((sent(&site, "tower.createRootUser"), sent(&site, "tower.update-user")), (1, 1));
    let changes = site.ledger().change_count();
    site.run().run().exits_with(0);
    assert_eq!(site.ledger().change_count(), changes, "the planned password works");
}

#[test]
fn half_a_set_up_is_completed_from_either_side() {
    let root_only = with_root("HC!r0cks");
    root_only.run().run().exits_with(0);
    assert_eq!((root_only.ledger().root_users.count, root_only.ledger().organizations.len()), (0, 1));
    let organization_only = with_organization(ORGANIZATION);
    organization_only.run().run().exits_with(0);
    assert_eq!(
        (organization_only.ledger().root_users.count, organization_only.ledger().organizations.len()),
        (1, 0)
    );
    for site in [root_only, organization_only] {
        assert_eq!(site.state()["cloudtower"], *whole());
    }
}

#[test]
fn an_organization_of_another_name_is_kept_with_a_warning_and_its_cell() {
    let site = with_organization("Somebody Else");
    site.run().run().exits_with(0).says("the existing one is kept").says("Somebody Else");
    assert_eq!(site.state()["cloudtower"]["organizations"], json!(["Somebody Else"]));
    assert_eq!(site.state()["cloudtower"]["datacenters"][0]["organization"], "Somebody Else");
}

#[test]
fn an_account_with_a_third_password_stops_with_4_and_the_cell_after_one_try_each() {
    let site = with_root("Somebody#Else1");
    site.run().run().exits_with(4).says("集群管理信息!G3");
    assert_eq!(sent(&site, "tower.login"), 1, "the default is the planned one");
    assert_eq!(sent(&site, "tower.createOrganization"), 0);
}

#[test]
fn lost_answers_of_every_write_leave_one_of_each() {
    let writes = [
        "tower.createRootUser",
        "tower.createOrganization",
        "tower.updateCloudTowerNtpUrl",
        "tower.create-datacenter",
        "tower.connect-cluster",
        "tower.updateClusterSettings",
        "tower.updateGlobalAlertRule",
        "tower.create-view",
        "tower.create-graph",
        "tower.create-rack-topo",
        "tower.create-brick-topo",
    ];
    let site = SimulatedSite::restored(fresh());
    site.set_faults(writes.map(|operation| first(operation, 1, Action::DropAnswer)).into());
    site.run().run().exits_with(0);
    is_whole(&site);
}

#[test]
fn refused_tokens_restarts_and_locks_are_waited_out() {
    let page = "<html><head><title>502 Bad Gateway</title></head></html>";
    let away = Action::Status {
        status: 502,
        headers: [("content-type".into(), "text/html".into())].into(),
        body: page.into(),
    };
    let site = SimulatedSite::restored(fresh());
    site.set_faults(vec![
        first("tower.get-views", 1, Action::ExpireTokens),
        first("tower.globalAlertRules", 1, Action::ExpireTokens),
        first("tower.get-datacenters", 6, away.clone()),
        first("tower.get-version", 1, away),
        first("tower.create-graph", 1, Action::Locked { seconds: 12.0 }),
    ]);
    site.run().run().exits_with(0);
    is_whole(&site);
}

#[test]
fn a_failed_task_is_told_with_its_cause_and_the_next_run_makes_what_is_missing_once() {
    let site = SimulatedSite::restored(fresh());
    site.set_faults(vec![first("tower.create-view", 1, action(json!({"task": "failed-job"})))]);
    site.run().run().exits_with(4).says("config-cloudtower.views").says("SIM_JOB_FAILED");
    site.set_faults(Vec::new());
    site.run().run().exits_with(0);
    assert_eq!(site.state()["cloudtower"], *whole());
}

#[test]
fn a_late_task_is_waited_for_and_a_stuck_one_ends_with_5_and_its_id() {
    let site = SimulatedSite::restored(fresh());
    site.set_faults(vec![first("tower.create-graph", 1, action(json!({"task": "late"})))]);
    site.run().run().exits_with(0);
    is_whole(&site);
    let site = SimulatedSite::restored(fresh());
    site.set_faults(vec![first("tower.create-rack-topo", 1, action(json!({"task": "stuck"})))]);
    site.run().run().exits_with(5).says("config-cloudtower.racks").says("EXECUTING");
}

#[test]
fn a_connection_that_cannot_come_about_stops_with_its_reason_and_is_not_made_twice() {
    for (fate, reason) in
        [("unauthorized", "LOAD_CLUSTER_UNAUTHORIZED"), ("unhealthy", "LOAD_CLUSTER_UNHEALTHY")]
    {
        let site = SimulatedSite::restored(fresh());
        site.set_faults(vec![first("tower.connect-cluster", 1, action(json!({"connect": fate})))]);
        site.run().run().exits_with(4).says(reason).says("10.40.8.10");
        site.run().run();
        assert_eq!(site.ledger().connections.values().map(|tally| tally.count).sum::<u64>(), 1);
    }
    let site = SimulatedSite::restored(fresh());
    site.set_faults(vec![first("tower.connect-cluster", 1, action(json!({"connect": "never"})))]);
    site.run().run().exits_with(5).says("attach-cluster.cluster");
}

#[test]
fn settings_that_appear_late_are_waited_for() {
    let late = ("/durations/tower/settings", json!(70.0));
    let site = SimulatedSite::restored_with(fresh(), &[late]);
    site.run().run().exits_with(0);
    is_whole(&site);
}

#[test]
fn hosts_move_into_their_racks_only_where_the_operator_says_so() {
    let site = SimulatedSite::restored(fresh());
    site.run().run().exits_with(0).says("--move-nodes").says("R01 U10-11");
    assert!(site.ledger().moves.is_empty(), "{:?}", site.ledger().moves);
    site.run().args(["--move-nodes"]).run().exits_with(0);
    assert!(site.ledger().moves.values().all(|tally| tally.count == 1));
    assert_eq!(site.ledger().moves.len(), 3);
    let changes = site.ledger().change_count();
    site.run().run().exits_with(0).does_not_say("--move-nodes");
    assert_eq!(site.ledger().change_count(), changes);
}

#[test]
fn only_the_rule_row_of_this_cluster_gets_its_own_threshold() {
    let site = SimulatedSite::restored(fresh());
    site.run().run().exits_with(0);
    let writes: Vec<_> =
        site.ledger().alert_writes.into_iter().map(|(name, tally)| (name, tally.count)).collect();
    assert_eq!(writes, [(CLUSTER.to_owned(), 1)]);
}

#[test]
fn nothing_travels_to_cloudtower_but_over_https_and_no_secret_stands_in_a_transcript() {
    let site = SimulatedSite::restored(fresh());
    site.run().run().exits_with(0);
    let to_tower = site.requests().into_iter().filter(|request| request.address.to_string() == TOWER);
    let schemes: BTreeSet<String> = to_tower.map(|request| request.scheme).collect();
    assert_eq!(schemes, ["https".to_owned(), "ssh".to_owned()].into());
    let tokens = site.running().site().with(|state, _| state.tower.tokens());
    assert!(!tokens.is_empty());
    for path in files_below(&site.folder.path().join("artifacts")) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(tokens.iter().all(|token| !text.contains(token)), "a token in {}", path.display());
    }
}
