//! Whatever comes back from the site, in HTTP, JSON, GraphQL, SSH or a download: the tool does not panic, and what it knew
//! before can be read afterwards.
//!
//! Single stages run on a site that spoils some of its answers. `VOYAGER_GARBLED_RUNS=n` takes so many runs
//! (docs/reliability.md), `VOYAGER_GARBLED_RUN=n` one again.

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
};

use voyager::sim::fault::{Action, Fault};

use crate::support::{
    fault::always,
    side_by_side,
    site::SimulatedSite,
    staged::{Staged, staged},
    tool::{Ran, Voyager},
};

/// Runs in the gate.
const RUNS: u64 = 36;

/// How a run on such a site may end: well, not as planned, refused, too late, with a question.
const EXPECTED: [i32; 6] = [0, 3, 4, 5, 9, 10];

#[test]
fn no_answer_of_the_site_makes_the_tool_panic_or_forget() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let runs: Vec<u64> = match number("VOYAGER_GARBLED_RUN") {
        Some(run) => vec![run],
        None => (0..number("VOYAGER_GARBLED_RUNS").unwrap_or(RUNS)).collect(),
    };
    let came = side_by_side(&runs, |run| catch_unwind(AssertUnwindSafe(|| garbled(*run))).map_err(|_| *run));
    let answers: u64 = came.iter().flatten().sum();
    // Figures for docs/reliability.md, shown with --nocapture.
    writeln!(std::io::stderr(), "garbled site: {answers} spoilt answers in {} runs", runs.len())
        .expect("stderr");
    let wrong: Vec<u64> = came.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "run them again with VOYAGER_GARBLED_RUN: {wrong:?}");
}

/// One run; how many answers were spoilt.
fn garbled(run: u64) -> u64 {
    let at = usize::try_from(run).expect("small");
    let (round, at) = (at / staged().len(), at % staged().len());
    let stage: &Staged = &staged()[at];
    let site = SimulatedSite::restored(&stage.before);
    let every = |operation: &str, which: u64, share: f64| Fault {
        probability: Some(share),
        // What is drawn depends on how many requests were met: each run begins elsewhere.
        met: run * 10_000,
        ..always(operation, Action::Garble { seed: run * 10_000_000 + which * 100_000 })
    };
    // By turns: little of everything, or much of what this stage is the first to ask for.
    let own =
        |operation: &&String| !staged()[..at].iter().any(|before| before.operations.contains(operation));
    let own: Vec<&str> = stage.operations.iter().filter(own).map(String::as_str).collect();
    let (operations, share) = if round % 2 == 0 && !own.is_empty() {
        (own, 0.4)
    } else {
        (vec!["fisheye.*", "tower.*", "ssh.*"], [0.01, 0.05][round / 2 % 2])
    };
    site.set_faults(
        operations.iter().zip(1..).map(|(operation, which)| every(operation, which, share)).collect(),
    );
    let ran = site.run().args(["--to", stage.number]).run();
    let spoilt = site.running().site().with(|state, _| state.faults.iter().map(|fault| fault.acted).sum());
    bears(run, &ran);
    let told = Voyager::within(site.folder.path()).args(["runs", "--artifacts", "artifacts/simulated"]).run();
    assert_eq!(told.status.code(), Some(0), "run {run}: the journal cannot be read: {told}\nafter {ran}");
    spoilt
}

fn bears(run: u64, ran: &Ran) {
    let known = ran.status.code().is_some_and(|code| EXPECTED.contains(&code));
    assert!(known && !ran.stderr.contains("panicked"), "run {run} ends with {ran}");
}
