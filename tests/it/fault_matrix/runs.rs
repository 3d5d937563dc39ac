//! Whole runs of the tool under the same troubles: a run recovers, or stops with its exit code and words; the same
//! command then finishes as if nothing had been. Every acting step of the runbook has its place; the gate has time for
//! one of each retry class.

use std::{io::Write, time::Instant};

use voyager::{
    failure::Kind,
    sim::fault::{Action, Fault},
};

use self::Disturbance::{Lie, Trouble};
use super::{
    everything,
    kinds::{
        self, ALL,
        Trouble::{BadGateway, ChangedCertificate, NotOk, ResetAfter, Truncated, Unauthorized},
    },
};
use crate::{
    kill_matrix::{Act, acts, finishes},
    support::{fault::always, side_by_side_at, site::SimulatedSite, tool::Ran},
};

/// An operation of each retry class (a read that a follower repeats, a change that a probe proves, one that only the
/// journal knows), the step that sends it, and what tells most about it where not everything is asked for.
const CHOSEN: [(&str, &str, &[Disturbance]); 3] = [
    ("config-cluster.dns", "fisheye.job", &[Trouble(BadGateway), Trouble(Unauthorized)]),
    ("config-cluster.business-vds", "fisheye.vds.create", &[Trouble(Truncated), Trouble(NotOk), Lie]),
    ("init-cluster.deploy", "fisheye.deploy", &[Trouble(ResetAfter), Lie]),
];

#[derive(Clone, Copy)]
enum Disturbance {
    Trouble(kinds::Trouble),
    /// The answer of a success, and nothing happened.
    Lie,
}

struct Cell {
    point: &'static Act,
    operation: String,
    disturbance: Disturbance,
}

#[test]
fn a_whole_run_bears_a_trouble_or_stops_and_is_finished_by_the_same_command() {
    let mut cells = Vec::new();
    for point in acts() {
        let Some(first) = &point.operation else { continue };
        let chosen = CHOSEN.iter().find(|(step, ..)| *step == point.step.id);
        let operation = chosen.map_or(first.as_str(), |(_, operation, _)| *operation);
        let mut add = |operation: &str, disturbance| {
            cells.push(Cell { point, operation: operation.to_owned(), disturbance });
        };
        if everything() {
            // Another certificate needs another command.
            let troubles = ALL.into_iter().filter(|trouble| *trouble != ChangedCertificate);
            troubles.map(Trouble).chain([Lie]).for_each(|disturbance| add(operation, disturbance));
        } else if let Some((.., disturbances)) = chosen {
            disturbances.iter().for_each(|disturbance| add(operation, *disturbance));
        }
    }
    let started = Instant::now();
    // Most of a cell is waiting for transport limits, which do not scale.
    let judged = side_by_side_at(6, &cells, judged);
    let took = started.elapsed().as_secs_f64();
    let (mut recovered, mut wrong) = (0, Vec::new());
    for told in judged {
        match told {
            Ok(at_once) => recovered += usize::from(at_once),
            Err(what) => wrong.push(what),
        }
    }
    let asked = cells.len();
    let stopped = asked - recovered - wrong.len();
    let counts = format!("{asked} cells, {recovered} recovered, {stopped} stopped and were resumed");
    writeln!(std::io::stderr(), "fault matrix of whole runs: {counts}, in {took:.1} s").expect("stderr");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether the run recovered by itself. Errors: what is wrong.
fn judged(cell: &Cell) -> Result<bool, String> {
    let site = SimulatedSite::restored(&cell.point.before);
    let (name, fault): (_, Option<Fault>) = match cell.disturbance {
        Lie => ("a lie".to_owned(), Some(Fault { count: 1, ..always(&cell.operation, Action::Lie) })),
        Trouble(trouble) => (format!("{trouble:?}"), trouble.fault(&cell.operation, 1)),
    };
    site.set_faults(fault.into_iter().collect());
    let stage = cell.point.step.stage.as_str();
    let ran = site.run().args(["--from", stage, "--to", stage]).run();
    site.set_faults(Vec::new());
    if let Some(wrong) = told(&ran) {
        return Err(format!("{} × {name}: {wrong}\n{ran}", cell.operation));
    }
    let recovered = ran.status.success();
    let lied_once = matches!(cell.disturbance, Lie) && cell.point.step.kind == "once";
    if lied_once && recovered {
        return Err(format!("{}: a lie was believed\n{ran}", cell.operation));
    }
    if matches!(cell.disturbance, Lie) && left_open(&ran, &cell.point.step.id) {
        return Ok(recovered);
    }
    let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        if lied_once {
            // That nothing happened is the operator's to say, in the words that the tool printed.
            let settle = ran.settlement(&cell.point.step.id, false);
            site.run().args(["--from", stage, "--to", stage, "--settle", &settle]).run().exits_with(0);
        }
        // Where the tool has found out that the thing was never made, it says which step to do anew.
        if let Some(step) = advised_redo(&ran).filter(|_| matches!(cell.disturbance, Lie)) {
            site.run().args(["--from", stage, "--to", stage, "--redo", &step]).run().exits_with(0);
        }
        finishes(&site, cell.point, false);
    }));
    finished.map(|()| recovered).map_err(|panic| {
        let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        format!("{} × {name}: {words}\nbefore that: {ran}", cell.operation)
    })
}

/// The step that the run says to do anew.
fn advised_redo(ran: &Ran) -> Option<String> {
    let (_, advised) = ran.stderr.split_once("--redo ")?;
    advised.split_whitespace().next().map(str::to_owned)
}

/// Whether the run says that nothing has read this setting back: only a later look can tell a lie then.
fn left_open(ran: &Ran, step: &str) -> bool {
    ran.status.success() && ran.stdout.lines().any(|line| line.contains(&format!("({step}): not proved")))
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
