//! Whole runs of the tool under the same troubles: a run recovers, or stops with its exit code and words; the same
//! command then finishes as if nothing had been. Every acting step of the runbook has its place; the gate has time for
//! one of each retry class.

use std::io::Write;

use voyager::{
    failure::Kind,
    sim::fault::{Action, Fault},
};

use super::{
    everything,
    kinds::{ALL, Trouble},
};
use crate::{
    kill_matrix::{Point, finishes_undisturbed, walk},
    support::{fault::always, side_by_side, site::SimulatedSite, tool::Ran},
};

/// Acting steps by the retry class of their first request, and a read that their probes make.
const CHOSEN: [(&str, &str); 4] = [
    ("config-cluster.vip", "fisheye.vip"),
    ("config-cluster.dns", "fisheye.job"),
    ("config-cluster.business-vds", "fisheye.vds.create"),
    ("init-cluster.deploy", "fisheye.deploy"),
];

/// What tells most about a whole run, where not everything is asked for.
const TELLING: [Trouble; 4] =
    [Trouble::ResetAfter, Trouble::Truncated, Trouble::BadGateway, Trouble::Unauthorized];

#[derive(Clone, Copy)]
enum Disturbance {
    Trouble(Trouble),
    /// The answer of a success, and nothing happened.
    Lie,
}

struct Cell {
    point: &'static Point,
    operation: String,
    disturbance: Disturbance,
}

#[test]
fn a_whole_run_bears_a_trouble_or_stops_and_is_finished_by_the_same_command() {
    let mut cells = Vec::new();
    for point in &walk().points {
        let Some(first) = &point.operation else { continue };
        let chosen = CHOSEN.iter().find(|(step, _)| *step == point.step.id);
        let operation = chosen.map_or(first.as_str(), |(_, operation)| *operation);
        if chosen.is_none() && !everything() {
            continue;
        }
        let troubles = ALL.into_iter().filter(|trouble| everything() || TELLING.contains(trouble));
        // What needs a limit to pass takes as long as that in real time, and another certificate another command.
        let troubles = troubles.filter(|trouble| *trouble != Trouble::ChangedCertificate);
        let disturbances = troubles.map(Disturbance::Trouble).chain([Disturbance::Lie]);
        cells.extend(disturbances.map(|disturbance| {
            let operation = operation.to_owned();
            Cell { point, operation, disturbance }
        }));
    }
    let wrong: Vec<String> = side_by_side(&cells, judged).into_iter().flatten().collect();
    writeln!(std::io::stderr(), "fault matrix of whole runs: {} cells", cells.len()).expect("stderr");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong.
fn judged(cell: &Cell) -> Option<String> {
    let site = SimulatedSite::restored(cell.point.before());
    let (name, fault): (_, Option<Fault>) = match cell.disturbance {
        Disturbance::Lie => {
            ("a lie".to_owned(), Some(Fault { count: 1, ..always(&cell.operation, Action::Lie) }))
        }
        Disturbance::Trouble(trouble) => (format!("{trouble:?}"), trouble.fault(&cell.operation, 1)),
    };
    site.set_faults(fault.into_iter().collect());
    let ran = site.run().args(["--to", cell.point.step.stage.as_str()]).run();
    site.set_faults(Vec::new());
    if let Some(wrong) = told(&ran) {
        return Some(format!("{} × {name}: {wrong}\n{ran}", cell.operation));
    }
    if matches!(cell.disturbance, Disturbance::Lie) && cell.point.step.kind == "once" {
        // Nothing but the next look at the site can tell; what to do then is the operator's to say.
        return ran.status.success().then(|| format!("{}: a lie was believed\n{ran}", cell.operation));
    }
    let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        finishes_undisturbed(&site, cell.point);
    }));
    finished.err().map(|panic| {
        let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        format!("{} × {name}: {words}\nbefore that: {ran}", cell.operation)
    })
}

/// Whether the run ended as one may.
fn told(ran: &Ran) -> Option<String> {
    let codes = [0, Kind::Site.exit_code(), Kind::TimedOut.exit_code(), Kind::Decision.exit_code()];
    let code = ran.status.code();
    let known = code.is_some_and(|code| codes.iter().any(|known| i32::from(*known) == code));
    if !known || ran.stderr.contains("panicked") {
        return Some(format!("it ended with {code:?}"));
    }
    (code != Some(0) && !ran.stderr.contains("what now") && !ran.stderr.contains("voyager run"))
        .then(|| "it does not say how to go on".to_owned())
}
