//! Every call of the clients meets every trouble, for one request and for ever.
//!
//! A cell is one call on a site of its own: it recovers, or it stops within its limits with a failure that says so in
//! both languages; nothing is done twice, and nothing is called undone that happened. What a call of which sort must
//! come to is in `kinds`; the calls are rows in `cluster`, `tower`, `inspector`, `add_ons`; a new operation of the simulated site
//! that the clients know needs one.
//!
//! The gate runs every operation against every trouble once, and prints how the cells ended (`-- --nocapture`).
//! `VOYAGER_FAULTS=all cargo test --test it fault_matrix` adds the troubles that last, and every operation of a whole run.

mod add_ons;
mod bench;
mod cluster;
mod inspector;
mod kinds;
mod machines;
mod runs;
mod spoilt;
mod tower;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::LocalBoxFuture, stream};
use voyager::{
    failure::{Effect, Failure, Kind, Result},
    sim::fault::operations,
    text::Text,
};

use self::{
    bench::{Bench, Phase},
    kinds::{ALL, ASKED_PAUSE, Due, Sort, Trouble},
};
use crate::{
    simulated_site::run,
    support::{forms::Search, tool::project},
};

/// One operation as the clients call it.
pub struct Row {
    operation: &'static str,
    sort: Sort,
    phase: Phase,
    call: Box<dyn Call>,
    /// Whether it travels with a session, which is renewed once where it is refused.
    session: bool,
    /// Troubles that are an answer of their own to this call: *there is no such thing*.
    answers: &'static [Trouble],
    /// Answers taken for a success that say nothing; whoever acts looks at the site afterwards in any case.
    believes: &'static [Trouble],
    /// Refusals that are met by another try.
    patient: &'static [Trouble],
    /// Answers that are told as they are rather than asked for again.
    told: &'static [Trouble],
}

trait Call: Send + Sync {
    fn make<'a>(&'a self, bench: &'a Bench) -> LocalBoxFuture<'a, Result<()>>;
}

impl<F: AsyncFn(&Bench) -> Result<()> + Send + Sync> Call for F {
    fn make<'a>(&'a self, bench: &'a Bench) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(self(bench))
    }
}

fn row(
    operation: &'static str,
    sort: Sort,
    phase: Phase,
    call: impl AsyncFn(&Bench) -> Result<()> + Send + Sync + 'static,
) -> Row {
    let call = Box::new(call);
    Row { operation, sort, phase, call, session: true, answers: &[], believes: &[], patient: &[], told: &[] }
}

impl Row {
    fn open(self) -> Self {
        Self { session: false, ..self }
    }

    fn answers(self, answers: &'static [Trouble]) -> Self {
        Self { answers, ..self }
    }

    fn believes(self, believes: &'static [Trouble]) -> Self {
        Self { believes, ..self }
    }

    fn told(self, told: &'static [Trouble]) -> Self {
        Self { told, ..self }
    }

    fn patient(self, patient: &'static [Trouble]) -> Self {
        Self { patient, ..self }
    }
}

fn rows() -> Vec<Row> {
    cluster::rows().into_iter().chain(tower::rows()).chain(inspector::rows()).chain(add_ons::rows()).collect()
}

/// Whether everything is asked for, not only what the gate has time for.
pub fn everything() -> bool {
    std::env::var_os("VOYAGER_FAULTS").is_some_and(|value| value == "all")
}

/// No call may last longer; the limits of the transport are a small part of it.
const NEVER: Duration = Duration::from_secs(100);
/// The limit of a call whose trouble is that it lasts.
const SHORT: Duration = Duration::from_millis(1200);
/// It ended otherwise than it should, and broke no promise.
const OTHERWISE: &str = "was due, and it came to";
/// Requests that one call may send: four tries, each with one renewed session, and one for each name of a value.
const MOST_REQUESTS: usize = 9;
/// Most of a cell is waiting for a limit, or for the other end.
const AT_A_TIME: usize = 24;
const HANDS: usize = 2;

#[test]
fn every_operation_that_the_clients_know_has_a_row() {
    let rows: BTreeSet<&str> = rows().iter().map(|row| row.operation).chain(machines::operations()).collect();
    let known = sources(&project("src/clients")) + &sources(&project("src/stages"));
    let lacking: Vec<&str> = operations()
        .filter(|operation| {
            known.contains(&format!("\"{operation}\""))
                && !rows.contains(operation)
                && !add_ons::UNASKED.contains(operation)
        })
        .collect();
    assert!(lacking.is_empty(), "no row in the fault matrix: {lacking:?}");
    let unknown: Vec<&&str> = rows.iter().filter(|row| !operations().any(|known| known == **row)).collect();
    assert!(unknown.is_empty(), "rows of no operation: {unknown:?}");
}

fn sources(folder: &Path) -> String {
    let files = crate::support::site::files_below(folder);
    files.iter().map(|file| fs::read_to_string(file).expect("a source is read")).collect()
}

#[test]
fn every_call_bears_every_trouble_that_passes() {
    matrix(1);
}

#[test]
fn every_call_gives_up_on_every_trouble_that_lasts() {
    matrix(0);
}

/// All cells, or the part of them that `VOYAGER_FAULT_CELLS` names: `tower.create-view`, `Huge`.
fn matrix(count: u64) {
    let wanted = std::env::var("VOYAGER_FAULT_CELLS").unwrap_or_default();
    let rows = rows();
    let cells = rows.iter().flat_map(|row| ALL.map(|trouble| (row, trouble)));
    let cells: Vec<_> = cells
        .filter(|(row, trouble)| format!("{} {trouble:?}", row.operation).contains(&wanted))
        .filter(|(row, trouble)| count == 1 || everything() || lasts_in_the_gate(row, *trouble))
        .collect();
    let (started, asked) = (Instant::now(), cells.len());
    Phase::reach(cells.iter().map(|(row, _)| row.phase).collect::<BTreeSet<_>>());
    // The clients of one runtime share a thread.
    let hands: Vec<Told> = std::thread::scope(|scope| {
        let part = |hand| cells.iter().copied().skip(hand).step_by(HANDS).collect();
        let hands: Vec<_> = (0..HANDS).map(|hand| scope.spawn(move || judged(part(hand), count))).collect();
        hands.into_iter().map(|hand| hand.join().expect("no panic")).collect()
    });
    let (mut wrong, mut ends, mut again) = (Vec::new(), BTreeMap::<End, usize>::new(), 0);
    for told in hands {
        wrong.extend(told.wrong);
        again += told.again;
        told.ends.into_iter().for_each(|(end, times)| *ends.entry(end).or_default() += times);
    }
    let took = started.elapsed().as_secs_f64();
    let lasts = if count == 1 { "troubles that pass" } else { "troubles that last" };
    let counts = format!("{asked} cells, {ends:?}, {again} asked twice");
    writeln!(std::io::stderr(), "fault matrix, {lasts}: {counts}, in {took:.1} s").expect("stderr");
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {asked} cells:\n{}", wrong.len(), wrong.join("\n"));
}

#[derive(Default)]
struct Told {
    ends: BTreeMap<End, usize>,
    wrong: Vec<String>,
    /// How many cells were asked again.
    again: usize,
}

fn judged(cells: Vec<(&Row, Trouble)>, count: u64) -> Told {
    let mut told = Told::default();
    run(async {
        let judged = stream::iter(cells)
            .map(|(row, trouble)| async move { (row, trouble, cell(row, trouble, count, SHORT).await) });
        let all: Vec<_> = judged.buffer_unordered(AT_A_TIME / HANDS).collect().await;
        for (row, trouble, end) in all {
            // On a busy machine good answers pass a short limit too: such a cell is asked again, alone and with a longer
            // one. What breaks a promise stays wrong.
            let end = match end {
                Err(what) if trouble.waits() && what.contains(OTHERWISE) => {
                    told.again += 1;
                    cell(row, trouble, count, SHORT * 4).await
                }
                end => end,
            };
            match end {
                Ok(end) => *told.ends.entry(end).or_default() += 1,
                Err(what) => told.wrong.push(format!("{} × {trouble:?}: {what}", row.operation)),
            }
        }
    });
    told
}

/// One operation of each sort and service stands for all where a trouble lasts.
fn lasts_in_the_gate(row: &Row, trouble: Trouble) -> bool {
    let chosen = ["fisheye.licence", "fisheye.dns", "fisheye.deploy", "tower.get-views", "tower.create-view"];
    // What costs real time is shown by two.
    chosen.contains(&row.operation) && (!trouble.waits() || row.operation == "fisheye.licence")
}

/// How a cell ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The call succeeded all the same.
    Recovered,
    /// It ended within its limits, and said why.
    Stopped,
    /// The trouble cannot meet this call: it does not travel over TLS.
    Apart,
}

async fn cell(row: &Row, trouble: Trouble, count: u64, limit: Duration) -> Result<End, String> {
    let mut bench = Bench::new(row.phase, row.operation, (trouble, count), limit).await;
    bench.prepare().await;
    let Ok(result) = tokio::time::timeout(NEVER, row.call.make(&bench)).await else {
        return Err("never ends".to_owned());
    };
    let verdict = judge(row, trouble, count, &bench, result.as_ref().err().map(|failure| &**failure));
    let shown = result.err().map_or_else(|| "ok".to_owned(), |failure| format!("{failure:?}"));
    bench.site.shutdown().await;
    verdict.map_err(|what| format!("{what}\n    {shown}"))
}

fn judge(
    row: &Row,
    trouble: Trouble,
    count: u64,
    bench: &Bench,
    failure: Option<&Failure>,
) -> Result<End, String> {
    let (asked, effects) = (bench.asked(), bench.effects());
    let said = format!("{} requests, {effects} effects", asked.len());
    let breaches = bench.site.ledger().breaches;
    if !breaches.is_empty() {
        return Err(format!("outside the contract: {breaches:?}"));
    }
    tells_nothing(bench, failure)?;
    if asked.len() > MOST_REQUESTS || (row.sort.changes() && effects > 1) {
        return Err(format!("done too often: {said}"));
    }
    let answered = row.answers.contains(&trouble);
    match failure {
        None if !bench.was_armed() => return Err("the call was never made".to_owned()),
        None if row.sort.changes() && effects == 0 && !answered && !row.believes.contains(&trouble) => {
            return Err(format!("called done, and nothing happened: {said}"));
        }
        Some(failure) if row.sort.changes() && failure.effect == Effect::None && effects > 0 => {
            return Err(format!("called undone, and it happened: {said}"));
        }
        Some(failure)
            if row.sort.changes()
                && failure.effect == Effect::None
                && trouble.leaves_open()
                && !asked.is_empty() =>
        {
            return Err(format!("called undone, which nobody can know: {said}"));
        }
        Some(failure) => told_well(failure)?,
        None => {}
    }
    let due = match trouble.due(row.sort, count == 0, row.session) {
        Due::Stops(_) if row.patient.contains(&trouble) && count == 1 => Due::Recovers,
        Due::Recovers if row.told.contains(&trouble) => Due::RecoversOrStops(Kind::Site),
        due => due,
    };
    // A certificate is shown over TLS alone.
    if trouble == Trouble::ChangedCertificate && asked.iter().any(|request| request.scheme == "http") {
        return Ok(End::Apart);
    }
    // What the site did may be known all the same: an answer that nobody needs to read.
    let known = row.sort.changes() && trouble.acts() && effects > 0;
    match (due, failure) {
        (_, None) if answered || row.believes.contains(&trouble) || known => {}
        (Due::Recovers | Due::RecoversOrStops(_), None) => {}
        (Due::StopsOrTimesOut, Some(failure)) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {}
        (Due::Stops(kind) | Due::RecoversOrStops(kind), Some(failure)) if failure.kind == kind => {}
        (due, failure) => {
            let kind = failure.map(|failure| failure.kind);
            return Err(format!("{due:?} {OTHERWISE} {kind:?}: {said}"));
        }
    }
    // Whoever repeats a look has not taken the first answer for one.
    let spoilt = !matches!(trouble, Trouble::Refused | Trouble::ChangedCertificate);
    if failure.is_none() && row.sort == Sort::Read && spoilt && !answered && asked.len() < 2 {
        return Err("what is no answer was taken for one".to_owned());
    }
    let paused = bench.pauses().contains(&Duration::from_secs(ASKED_PAUSE));
    if trouble == Trouble::TooMany && row.sort == Sort::Read && count == 1 && !answered && !paused {
        return Err("it did not wait as long as it was asked to".to_owned());
    }
    Ok(if failure.is_none() { End::Recovered } else { End::Stopped })
}

/// Words for the operator, in both languages.
fn told_well(failure: &Failure) -> Result<(), String> {
    let chinese = |text: &Text| text.zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let whole = |text: &Text| !text.en.trim().is_empty() && !text.zh.trim().is_empty();
    let texts = [&failure.answer, &failure.meaning].into_iter().flatten().chain(&failure.advice);
    let all: Vec<&Text> = std::iter::once(&failure.doing).chain(texts).collect();
    if all.len() < 2 || !all.iter().all(|text| whole(text)) {
        return Err("too little is said".to_owned());
    }
    if !chinese(&failure.doing) || failure.at.is_none() {
        return Err("it is not said what was being done, or where".to_owned());
    }
    Ok(())
}

/// No password and no token in any form, in the failure and in the transcript.
fn tells_nothing(bench: &Bench, failure: Option<&Failure>) -> Result<(), String> {
    let tokens =
        bench.site.site().with(|state, _| [state.cluster.session_tokens(), state.tower.tokens()].concat());
    let search = Search::for_all(tokens.iter().chain(&bench.secrets));
    let mut told = serde_json::to_vec(&bench.transcript.records()).expect("records are JSON");
    told.extend(failure.map_or_else(Vec::new, |failure| serde_json::to_vec(failure).expect("it is JSON")));
    search.leak(&told).map_or(Ok(()), |what| Err(format!("a secret is told: {what}")))
}
