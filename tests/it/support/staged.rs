//! The example site deployed stage by stage, undisturbed: where a test that disturbs one stage begins, and what it must
//! come to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use serde_json::Value;
use voyager::sim::Ledger;

use super::{
    runbook::{self, Step},
    site::{SimulatedSite, Snapshot, undisturbed},
    tool::Ran,
};

/// One stage of the runbook.
pub struct Staged {
    /// `03` of `config-cluster`.
    pub number: &'static str,
    /// The site and the folder as the stages before left them.
    pub before: Snapshot,
    /// The steps that acted, in the runbook's order; not those that the plan or the configuration made superfluous. One
    /// that made a part and was not allowed the rest has acted too.
    pub acted: Vec<&'static Step>,
    /// What is asked of the site on the way to the end of this stage, by the simulated site's names.
    pub operations: Vec<String>,
    pub end: End,
}

/// What a run leaves behind, as far as it can be compared with another one.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    pub state: Value,
    pub once: BTreeMap<String, u64>,
}

impl End {
    pub fn of(site: &SimulatedSite) -> Self {
        Self { state: without_orphans(site.state()), once: once_only(&site.ledger()) }
    }
}

/// Every stage in turn; made once for all tests of the process.
pub fn staged() -> &'static [Staged] {
    static STAGED: OnceLock<Vec<Staged>> = OnceLock::new();
    STAGED.get_or_init(|| {
        let site = SimulatedSite::example().start();
        let mut stages: Vec<(&str, &str)> = Vec::new();
        for step in runbook::steps() {
            if stages.last().is_none_or(|(stage, _)| *stage != step.stage) {
                stages.push((&step.stage, &step.number));
            }
        }
        let staged: Vec<Staged> =
            stages.into_iter().map(|(stage, number)| one(&site, stage, number)).collect();
        // Stage by stage or in one go: it comes to the same.
        assert_eq!(site.state(), undisturbed().state);
        staged
    })
}

fn one(site: &SimulatedSite, stage: &'static str, number: &'static str) -> Staged {
    let (before, known) = (site.snapshot(), site.requests().len());
    let ran = site.run().args(["--to", stage, "--output", "json"]).run().exits_with(0);
    let asked: BTreeSet<String> =
        site.requests()[known..].iter().map(|request| request.operation.clone()).collect();
    let operations = asked.into_iter().collect();
    let mut acted = acted(&ran);
    acted.retain(|step| step.stage == stage);
    Staged { number, before, acted, operations, end: End::of(site) }
}

fn acted(ran: &Ran) -> Vec<&'static Step> {
    let records = ran.records();
    let begun = records.iter().filter(|record| record["event"] == "intent");
    let acted: BTreeSet<&str> = begun.filter_map(|intent| intent["step"].as_str()).collect();
    runbook::steps().iter().filter(|step| step.acts() && acted.contains(step.id.as_str())).collect()
}

/// The effects that no second request can be the first of.
pub fn once_only(ledger: &Ledger) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::from([
        ("fisheye.deploy".to_owned(), ledger.deployments.count),
        ("fisheye.setup_root".to_owned(), ledger.setup_root.count),
        ("fisheye.vm.create".to_owned(), ledger.vms.values().map(|tally| tally.count).sum()),
        ("ssh.installer".to_owned(), ledger.installer_starts.count),
        ("tower.createRootUser".to_owned(), ledger.root_users.count),
        ("tower.connect-cluster".to_owned(), ledger.connections.values().map(|tally| tally.count).sum()),
    ]);
    counts.extend(ledger.vds.iter().map(|(name, tally)| (format!("vds {name}"), tally.count)));
    counts.extend(ledger.networks.iter().map(|(name, tally)| (format!("network {name}"), tally.count)));
    for (kind, tallies) in [
        ("organization", &ledger.organizations),
        ("datacenter", &ledger.datacenters),
        ("view", &ledger.views),
        ("graph", &ledger.graphs),
        ("rack", &ledger.racks),
        ("chassis", &ledger.chassis),
        ("observability", &ledger.observability_instances),
        ("tower network", &ledger.tower_networks),
        ("backup service", &ledger.backup_services),
        ("backup cluster", &ledger.backup_clusters),
        ("application", &ledger.applications),
    ] {
        counts.extend(tallies.iter().map(|(name, tally)| (format!("{kind} {name}"), tally.count)));
    }
    let packages = ledger.packages.values().filter(|package| package.complete);
    counts.extend(packages.map(|package| (format!("package {}", package.name), package.chunks_stored)));
    let complete = ledger.volumes.values().filter(|volume| volume.sha256.is_some());
    counts.extend(complete.map(|volume| (format!("image {}", volume.name), volume.chunks_new)));
    counts
}

/// An empty upload volume whose create answer was lost may remain: nothing lists it.
pub fn without_orphans(mut state: Value) -> Value {
    if let Some(volumes) = state["volumes"].as_array_mut() {
        volumes.retain(|volume| !is_orphan(volume));
    }
    state
}

pub fn orphans(state: &Value) -> usize {
    state["volumes"].as_array().map_or(0, |volumes| volumes.iter().filter(|volume| is_orphan(volume)).count())
}

fn is_orphan(volume: &Value) -> bool {
    volume["complete"] == false && volume["chunks"] == 0
}
