//! The process is killed around every step that acts; the same command then finishes as if nothing had been.
//!
//! The steps come from the runbook itself, so a new step cannot be forgotten. Each point starts from a snapshot of site
//! and folder at its moment. The command goes on to the end of the step's own stage, and from the last step of each stage
//! to the end of all.
//!
//! In the gate three moments of each act; `VOYAGER_CRASH_POINTS=all` takes every one (docs/reliability.md).

use std::{
    collections::BTreeMap,
    io::Write as _,
    os::unix::process::ExitStatusExt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
};

use voyager::sim::fault::HoldPoint;

use crate::support::{
    fault::hold,
    runbook::Step,
    side_by_side,
    site::{SimulatedSite, Snapshot},
    staged::{End, Staged, once_only, orphans, staged},
    tool::Voyager,
};

/// When the process dies, in the order of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// The act was decided on, and nothing on disk says so.
    BeforeIntent,
    AfterIntent,
    /// The first changing request is on its way; the site does what it asks when nobody is there any more.
    RequestLeft,
    /// The site did it, and its answer meets nobody.
    AfterEffect,
    AfterAnswer,
    /// A second look proved the effect; the outcome is not on disk.
    BeforeOutcome,
    AfterOutcome,
}

use Moment::{AfterAnswer, AfterEffect, AfterIntent, AfterOutcome, BeforeIntent, BeforeOutcome, RequestLeft};

const ALL: [Moment; 7] =
    [BeforeIntent, AfterIntent, RequestLeft, AfterEffect, AfterAnswer, BeforeOutcome, AfterOutcome];

/// One between any two things that are written: the intent, the request, the outcome.
const GATE: [Moment; 3] = [AfterIntent, AfterEffect, BeforeOutcome];

#[test]
fn a_kill_at_any_moment_of_any_act_is_made_good_by_the_same_command() {
    let all = std::env::var("VOYAGER_CRASH_POINTS").is_ok_and(|size| size == "all");
    let moments: &[Moment] = if all { &ALL } else { &GATE };
    let acts = acts();
    let points = acts.iter().flat_map(|act| moments.iter().map(move |moment| Point { act, moment: *moment }));
    let points: Vec<Point<'_>> = points.filter(Point::exists).collect();
    let wrong = side_by_side(&points, |point| {
        let made_good = catch_unwind(AssertUnwindSafe(|| point.is_made_good(all)));
        made_good.is_err().then(|| point.name())
    });
    // Figures for docs/reliability.md, shown with --nocapture.
    let mut counts = BTreeMap::<Moment, usize>::new();
    points.iter().for_each(|point| *counts.entry(point.moment).or_default() += 1);
    let figures = format!("crash points: {} around {} steps {counts:?}", points.len(), acts.len());
    writeln!(std::io::stderr(), "{figures}").expect("stderr");
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "not made good: {}", wrong.join(", "));
}

/// Steps that change nothing but this machine's files.
const LOCAL: [&str; 2] = ["write-back", "inspect.download"];

/// One step that acts.
pub struct Act {
    stage: &'static Staged,
    pub step: &'static Step,
    /// The last acting step of its stage.
    closes: bool,
    /// The site and the folder of a run that was killed just before the act.
    pub before: Snapshot,
    /// Killed after the effect, before the outcome was written.
    after: Snapshot,
    /// The first changing request of the step, by the simulated site's name for it; `None` where there is none.
    pub operation: Option<String>,
}

/// Every one of the runbook.
pub fn acts() -> &'static [Act] {
    static ACTS: OnceLock<Vec<Act>> = OnceLock::new();
    ACTS.get_or_init(|| {
        let stages: Vec<&'static Staged> = staged().iter().collect();
        side_by_side(&stages, |stage| acts_of(stage)).into_iter().flatten().collect()
    })
}

/// Walks through a stage, a kill before each act, and keeps each moment.
fn acts_of(stage: &'static Staged) -> Vec<Act> {
    let site = SimulatedSite::restored(&stage.before);
    site.be_patient();
    let last = stage.acted.len().saturating_sub(1);
    stage.acted.iter().enumerate().map(|(at, step)| act(&site, stage, step, at == last)).collect()
}

fn act(site: &SimulatedSite, stage: &'static Staged, step: &'static Step, closes: bool) -> Act {
    killed(in_order, site, step, "before-intent");
    let before = site.snapshot();
    let pilot = SimulatedSite::restored(&before);
    let known = pilot.requests().len();
    killed(in_order, &pilot, step, "before-outcome");
    let requests = pilot.requests();
    let first = requests[known..].iter().find(|request| request.changing && request.effective);
    let operation = first.map(|request| request.operation.clone());
    let local = LOCAL.iter().any(|end| step.id.ends_with(end));
    assert!(operation.is_some() || local, "{} sent no changing request", step.id);
    Act { stage, step, closes, before, after: pilot.snapshot(), operation }
}

/// Later stages may run beside it, and would have effects of their own.
fn its_stage(site: &SimulatedSite, step: &Step) -> Voyager {
    site.run().args(["--from", &step.stage, "--to", &step.stage])
}

/// The moment of one step alone: whatever may run beside it has ended, or has not begun.
fn in_order(site: &SimulatedSite, step: &Step) -> Voyager {
    its_stage(site, step).args(["--in-order"])
}

/// Runs the command of this step's stage until it dies at that point.
#[track_caller]
fn killed(how: fn(&SimulatedSite, &Step) -> Voyager, site: &SimulatedSite, step: &Step, crash_point: &str) {
    let command = || how(site, step).args(["--crash-at", &format!("{}:{crash_point}", step.id)]);
    let mut ran = command().run();
    // On a busy machine even a host that is well may be too late for a probe: then it has not come so far.
    for _ in 0..2 {
        if ran.status.code().is_some_and(|code| [4, 5].contains(&code)) {
            ran = command().run();
        }
    }
    assert_eq!(ran.status.signal(), Some(9), "not killed: {ran}");
}

/// One kill.
struct Point<'a> {
    act: &'a Act,
    moment: Moment,
}

impl Point<'_> {
    fn name(&self) -> String {
        format!("{} {:?} ({:?})", self.act.step.id, self.moment, self.act.operation)
    }

    /// A step that asks the site for nothing has no moment of a request.
    fn exists(&self) -> bool {
        self.act.operation.is_some() || ![RequestLeft, AfterEffect].contains(&self.moment)
    }

    fn is_made_good(&self, all: bool) {
        let site = self.kill();
        // The end of all is the dearest: in the gate only from the moment that leaves the most behind.
        finishes(&site, self.act, self.act.closes && (all || self.moment == BeforeOutcome));
    }

    fn kill(&self) -> SimulatedSite {
        match self.moment {
            BeforeIntent => SimulatedSite::restored(&self.act.before),
            AfterIntent => self.killed_by_itself("after-intent"),
            RequestLeft => self.killed_while_held(HoldPoint::BeforeEffect),
            AfterEffect => self.killed_while_held(HoldPoint::AfterEffect),
            AfterAnswer => self.killed_by_itself("after-answer"),
            BeforeOutcome => SimulatedSite::restored(&self.act.after),
            AfterOutcome => self.killed_by_itself("after-outcome"),
        }
    }

    fn killed_by_itself(&self, crash_point: &str) -> SimulatedSite {
        let site = SimulatedSite::restored(&self.act.before);
        killed(its_stage, &site, self.act.step, crash_point);
        site
    }

    fn killed_while_held(&self, point: HoldPoint) -> SimulatedSite {
        let site = SimulatedSite::restored(&self.act.before);
        site.set_faults(vec![hold(self.act.operation.as_deref().expect("a request"), point)]);
        let mut tool = its_stage(&site, self.act.step).start(&site.folder.path().join("killed.log"));
        site.until_held();
        tool.kill().expect("the tool is killed");
        tool.wait().expect("the tool ended");
        site.release();
        site.set_faults(Vec::new());
        site
    }
}

/// Runs the same command again, with the settlement it prints where nothing can prove the step, and compares.
#[track_caller]
pub fn finishes(site: &SimulatedSite, act: &Act, to_the_end: bool) {
    let Act { stage, step, operation, .. } = act;
    let command = || if to_the_end { site.run() } else { its_stage(site, step) };
    let mut ran = command().run();
    if ran.status.code() == Some(9) {
        let done = operation.as_ref().and_then(|name| once_only(&site.ledger()).get(name).copied()) > Some(0);
        let settle = ran.settlement(&step.id, done).replace("<tower_vm>", &vm_of(site));
        ran = command().args(["--settle", &settle]).run();
    }
    let ran = ran.exits_with(0);
    let what = format!("after a disturbance around {} ({operation:?})\n{ran}", step.id);
    let end = if to_the_end { staged().last() } else { Some(*stage) };
    assert_eq!(End::of(site), end.expect("a stage").end, "{what}");
    assert!(orphans(&site.state()) <= 1, "more than one orphan volume {what}");
}

/// What the operator reads in the cluster's interface.
fn vm_of(site: &SimulatedSite) -> String {
    let vm = |state: &voyager::sim::site::State| state.cluster.vms().next().map(|vm| vm.uuid.clone());
    site.running().site().with(|state, _| vm(state)).unwrap_or_default()
}
