//! The process is killed around every step that acts; the same command then finishes as if nothing had been.
//!
//! The steps come from the runbook itself, so a new step cannot be forgotten. Each point starts from a snapshot of
//! site and folder at its moment. The command goes on to the end of the step's own stage, and from the last step of
//! each stage to the end of all.

use std::{collections::BTreeMap, os::unix::process::ExitStatusExt, sync::OnceLock};

use serde_json::Value;
use voyager::sim::{Ledger, fault::HoldPoint};

use crate::support::{
    fault::hold,
    runbook::{self, Step},
    side_by_side,
    site::{SimulatedSite, Snapshot, undisturbed},
    tool::{Ran, Voyager},
};

#[test]
fn a_kill_before_the_act_is_made_good_by_the_same_command() {
    side_by_side(&walk().points, |point| {
        let site = SimulatedSite::restored(&point.before);
        killed(
            to_its_stage(&site, point.step)
                .args(["--crash-at", &format!("{}:after-intent", point.step.id)])
                .run(),
        );
        finishes_undisturbed(&site, point);
    });
}

#[test]
fn a_kill_after_the_request_left_is_made_good_by_the_same_command() {
    side_by_side(&walk().points, |point| {
        let Some(operation) = &point.operation else { return };
        let site = SimulatedSite::restored(&point.before);
        site.set_faults(vec![hold(operation, HoldPoint::AfterEffect)]);
        let mut tool = to_its_stage(&site, point.step).start(&site.folder.path().join("killed.log"));
        site.until_held();
        tool.kill().expect("the tool is killed");
        tool.wait().expect("the tool ended");
        site.release();
        site.set_faults(Vec::new());
        finishes_undisturbed(&site, point);
    });
}

#[test]
fn a_kill_after_the_effect_but_before_the_outcome_is_written_is_made_good_by_the_same_command() {
    side_by_side(&walk().points, |point| finishes_undisturbed(&SimulatedSite::restored(&point.after), point));
}

/// Steps that change nothing but this machine's files.
const LOCAL: [&str; 2] = ["write-back", "inspect.download"];

/// One step that acts.
pub struct Point {
    pub step: &'static Step,
    /// The last acting step of its stage.
    closes: bool,
    /// Killed just before the act.
    before: Snapshot,
    /// Killed after the effect, before the outcome was written.
    after: Snapshot,
    /// The first changing request of the step, by the simulated site's name for it; `None` where there is none.
    pub operation: Option<String>,
}

impl Point {
    /// The site and the folder just before the act.
    pub fn before(&self) -> &Snapshot {
        &self.before
    }
}

pub struct Walk {
    pub points: Vec<Point>,
    /// What an undisturbed run leaves behind, by the last stage it runs.
    ends: BTreeMap<&'static str, End>,
    /// The last stage with a step that acts.
    last: &'static str,
}

#[derive(Debug, PartialEq)]
struct End {
    state: Value,
    once: BTreeMap<String, u64>,
}

impl End {
    fn of(site: &SimulatedSite) -> Self {
        Self { state: without_orphans(site.state()), once: once_only(&site.ledger()) }
    }
}

/// A stage with steps that act.
struct Acting {
    stage: &'static str,
    steps: Vec<&'static Step>,
    /// The site as the stages before left it.
    start: Snapshot,
}

/// What ends before its act as long as nobody configures it otherwise: Everoute's package is uploaded by hand.
const NEVER: &[&str] = &["deploy-packages.everoute"];

/// Runs one site stage by stage; then walks through each stage, a kill before each act, and keeps each moment.
pub fn walk() -> &'static Walk {
    static WALK: OnceLock<Walk> = OnceLock::new();
    WALK.get_or_init(|| {
        let site = SimulatedSite::example().start();
        let (mut stages, mut ends) = (Vec::<Acting>::new(), BTreeMap::new());
        for step in runbook::steps().iter().filter(|step| step.acts() && !NEVER.contains(&&*step.id)) {
            match stages.last_mut().filter(|acting| acting.stage == step.stage) {
                Some(acting) => acting.steps.push(step),
                None => {
                    stages.push(Acting { stage: &step.stage, steps: vec![step], start: site.snapshot() });
                    site.run().args(["--to", &step.stage]).run().exits_with(0);
                    ends.insert(step.stage.as_str(), End::of(&site));
                }
            }
        }
        let last = stages.last().expect("a stage that acts").stage;
        // Stage by stage or in one go: it comes to the same.
        assert_eq!(ends[last].state, undisturbed().state);
        Walk { points: side_by_side(&stages, points).into_iter().flatten().collect(), ends, last }
    })
}

fn points(acting: &Acting) -> Vec<Point> {
    let site = SimulatedSite::restored(&acting.start);
    let last = acting.steps.len() - 1;
    acting.steps.iter().enumerate().map(|(at, step)| point(&site, step, at == last)).collect()
}

fn point(site: &SimulatedSite, step: &'static Step, closes: bool) -> Point {
    killed(in_order(site, step).args(["--crash-at", &format!("{}:before-intent", step.id)]).run());
    let before = site.snapshot();
    let pilot = SimulatedSite::restored(&before);
    let known = pilot.requests().len();
    killed(in_order(&pilot, step).args(["--crash-at", &format!("{}:before-outcome", step.id)]).run());
    let requests = pilot.requests();
    let first = requests[known..].iter().find(|request| request.changing && request.effective);
    let operation = first.map(|request| request.operation.clone());
    let local = LOCAL.iter().any(|end| step.id.ends_with(end));
    assert!(operation.is_some() || local, "{} sent no changing request", step.id);
    Point { step, closes, before, after: pilot.snapshot(), operation }
}

/// Later stages may run beside it, and would have effects of their own.
fn to_its_stage(site: &SimulatedSite, step: &Step) -> Voyager {
    site.run().args(["--to", &step.stage])
}

/// The moment of one step alone: whatever may run beside it has ended, or has not begun.
fn in_order(site: &SimulatedSite, step: &Step) -> Voyager {
    to_its_stage(site, step).args(["--in-order"])
}

#[track_caller]
fn killed(ran: Ran) {
    assert_eq!(ran.status.signal(), Some(9), "not killed: {ran}");
}

/// Runs the same command again, with the settlement it prints where nothing can prove the step, and compares.
#[track_caller]
pub fn finishes_undisturbed(site: &SimulatedSite, point: &Point) {
    let stage = if point.closes { walk().last } else { point.step.stage.as_str() };
    let command = || if point.closes { site.run() } else { site.run().args(["--to", stage]) };
    let mut ran = command().run();
    if ran.status.code() == Some(9) {
        let done =
            point.operation.as_ref().and_then(|name| once_only(&site.ledger()).get(name).copied()) > Some(0);
        let settle = printed_settlement(&ran, &point.step.id, done).replace("<tower_vm>", &vm_of(site));
        ran = command().args(["--settle", &settle]).run();
    }
    let ran = ran.exits_with(0);
    let what = format!("after a kill around {} ({:?})\n{ran}", point.step.id, point.operation);
    assert_eq!(End::of(site), walk().ends[stage], "{what}");
    assert!(orphans(&site.state()) <= 1, "more than one orphan volume {what}");
}

/// The `--settle` argument that the tool printed for this answer.
fn printed_settlement(ran: &Ran, step: &str, done: bool) -> String {
    let wanted = format!("{step}={}", if done { "done" } else { "absent" });
    let all = format!("{}{}", ran.stdout, ran.stderr);
    let words = all.split_whitespace().map(|word| word.trim_matches(|c: char| "`'\"，。".contains(c)));
    let printed = words.into_iter().find(|word| word.starts_with(&wanted));
    printed.unwrap_or_else(|| panic!("no --settle {wanted} printed: {ran}")).to_owned()
}

/// What the operator reads in the cluster's interface.
fn vm_of(site: &SimulatedSite) -> String {
    let vm = |state: &voyager::sim::site::State| state.cluster.vms().next().map(|vm| vm.uuid.clone());
    site.running().site().with(|state, _| vm(state)).unwrap_or_default()
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

fn orphans(state: &Value) -> usize {
    state["volumes"].as_array().map_or(0, |volumes| volumes.iter().filter(|volume| is_orphan(volume)).count())
}

fn is_orphan(volume: &Value) -> bool {
    volume["complete"] == false && volume["chunks"] == 0
}
