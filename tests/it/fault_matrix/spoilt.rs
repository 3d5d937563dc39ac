//! Fuzzing of all that reads an answer over HTTP: every call gets its answers spoilt, each time in another way. It may take
//! them or not; it does not panic, ends, does nothing twice and tells no secret.
//!
//! `VOYAGER_GARBLED_ANSWERS=n` gives every call so many series of them (docs/reliability.md).

use std::{
    collections::BTreeSet,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{MOST_REQUESTS, NEVER, Row, SHORT, Trouble, bench::Bench, rows, tells_nothing, told_well};
use crate::{simulated_site::run, support::side_by_side};

/// Series for each call in the gate.
const SERIES: u32 = 2;
/// Each answer of a series takes the next seed.
const APART: u32 = 16;

#[test]
fn no_spoilt_answer_makes_a_client_panic_or_tell_a_secret() {
    let series = std::env::var("VOYAGER_GARBLED_ANSWERS");
    let series = series.map_or(SERIES, |series| series.parse().expect("VOYAGER_GARBLED_ANSWERS is a number"));
    let rows = rows();
    super::Phase::reach(rows.iter().map(|row| row.phase).collect::<BTreeSet<_>>());
    let cells: Vec<(&Row, u32)> = rows
        .iter()
        .zip(0..)
        .flat_map(|(row, at)| (0..series).map(move |n| (row, at * 100_000 + n * APART)))
        .collect();
    let told = side_by_side(&cells, |(row, seed)| spoilt(row, *seed));
    let answers: u64 = told.iter().flatten().sum();
    writeln!(std::io::stderr(), "fuzz: {answers} spoilt answers to {} calls", cells.len()).expect("stderr");
    let wrong: Vec<String> = told.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One call; how many of its answers were spoilt.
fn spoilt(row: &Row, seed: u32) -> Result<u64, String> {
    let what = |why: String| format!("{}, seed {seed}: {why}", row.operation);
    let call = || {
        run(async {
            let mut bench = Bench::new(row.phase, row.operation, (Trouble::Garbled(seed), 0), SHORT).await;
            bench.prepare().await;
            let result = tokio::time::timeout(NEVER, row.call.make(&bench)).await;
            let verdict = match &result {
                Err(_) => Err("never ends".to_owned()),
                Ok(result) => {
                    let failure = result.as_ref().err().map(|failure| &**failure);
                    tells_nothing(&bench, failure).and(failure.map_or(Ok(()), told_well))
                }
            };
            let (asked, effects) = (bench.asked().len(), bench.effects());
            let spoilt =
                bench.site.site().with(|state, _| state.faults.iter().map(|fault| fault.acted).sum());
            bench.site.shutdown().await;
            verdict?;
            match asked > MOST_REQUESTS || (row.sort.changes() && effects > 1) {
                true => Err(format!("done too often: {asked} requests, {effects} effects")),
                false if spoilt == 0 => Err("no answer of it was spoilt".to_owned()),
                false => Ok(spoilt),
            }
        })
    };
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err("a panic".to_owned())).map_err(what)
}
