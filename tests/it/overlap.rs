//! What need not wait for each other goes on side by side, also across stages; no service is changed twice at a time.

use voyager::sim::fault::HoldPoint;

use crate::support::{
    fault::hold,
    site::{OBSERVABILITY, SimulatedSite, TOWER_ISO, undisturbed, until},
};

#[test]
fn two_changes_of_one_service_are_never_in_flight_together() {
    let ledger = &undisturbed().ledger;
    let services: Vec<&str> = ledger.mutations.keys().map(String::as_str).collect();
    assert_eq!(services, ["fisheye", "ovm", "tower"]);
    assert!(ledger.mutations.values().all(|most| *most == 1), "{:?}", ledger.mutations);
}

#[test]
fn the_image_travels_while_the_cluster_is_set_up_and_packages_while_it_is_attached() {
    let site = SimulatedSite::example().start();
    site.set_faults(vec![
        hold("fisheye.vds.create", HoldPoint::BeforeEffect),
        hold("tower.connect-cluster", HoldPoint::BeforeEffect),
    ]);
    let log = site.folder.path().join("run.log");
    let mut tool = site.run().start(&log);
    site.until_held();
    until("the image is there", || {
        let images = site.ledger().volumes;
        images.values().any(|image| image.name == TOWER_ISO && image.sha256.is_some())
    });
    let ledger = site.ledger();
    assert!(ledger.vds.is_empty() && ledger.dns_writes.count == 0, "one change of the cluster at a time");
    site.release();
    until("CloudTower is set up", || !site.ledger().organizations.is_empty());
    site.until_held();
    until("the package is there", || {
        let packages = site.ledger().packages;
        packages.values().any(|package| package.name == OBSERVABILITY && package.complete)
    });
    assert!(site.ledger().views.is_empty(), "nothing is configured before it is attached");
    site.release();
    let succeeded = tool.wait().expect("it ends").success();
    let told = std::fs::read_to_string(&log).unwrap_or_default();
    assert!(succeeded, "{told}");
    let mutations = site.ledger().mutations;
    assert!(mutations.values().all(|most| *most == 1), "{mutations:?} {told}");
}

#[test]
fn packages_are_digested_while_cloudtower_is_installed() {
    undisturbed().ran.clone().says(&format!("{OBSERVABILITY} is digested already"));
}

#[test]
fn passwords_of_the_hosts_are_the_last_change_of_the_cluster_s_own_settings() {
    let ledger = &undisturbed().ledger;
    let first = ledger.password_changes.values().filter_map(|tally| tally.first).min();
    let names = ["vip", "dns", "ntp", "ipmi", "vds", "vlan", "cpu", "svt"];
    for name in names.map(|name| format!("fisheye.{name}")) {
        let mut of = ledger.changes.iter().filter(|(known, _)| known.starts_with(&name)).peekable();
        assert!(of.peek().is_some(), "no {name} among {:?}", ledger.changes.keys());
        assert!(of.all(|(_, tally)| tally.last < first), "{name} after the passwords");
    }
}
