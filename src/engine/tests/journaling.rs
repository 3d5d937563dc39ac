//! The journal: torn, edited, reordered, foreign, and cut at every byte as by a power loss.

use super::{killing::one_job, toy::*};
use crate::{
    engine::{
        event::EventKind,
        journal::{Journal, MemoryStorage},
        *,
    },
    failure::{Failure, Kind},
};

async fn finished() -> Bench {
    let bench = Bench::new();
    assert_eq!(bench.run(&one_change()).await.exit_code, 0);
    bench
}

fn open(bytes: Vec<u8>) -> Result<Journal, Box<Failure>> {
    Journal::open(Box::new(MemoryStorage::new(bytes)), "site", "later")
}

fn refused(bytes: Vec<u8>) -> String {
    let failure = open(bytes).err().expect("must be refused");
    assert_eq!(failure.kind, Kind::Checkpoint);
    failure.meaning.unwrap().en
}

#[tokio::test]
async fn a_torn_last_line_is_cut_off_and_told_and_the_run_goes_on() {
    let bench = finished().await;
    let whole = bench.storage.bytes();
    let torn = MemoryStorage::new([&whole[..], b"{\"format\":1,\"pr"].concat());
    let summary =
        run(&bench.toy, &one_change(), bench.setup(Box::new(torn.clone())), &Options::default()).await;
    assert_eq!((summary.exit_code, summary.warnings), (0, 1));
    assert!(torn.bytes().starts_with(&whole));
    assert!(open(torn.bytes()).is_ok(), "what was appended stands on whole lines");
}

#[tokio::test]
async fn edited_missing_swapped_or_foreign_lines_are_refused_with_their_number() {
    let bytes = finished().await.storage.bytes();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let join = |lines: &[&str]| (lines.join("\n") + "\n").into_bytes();

    let edited = text.replacen("\"changed\"", "\"ready\"", 1) + "{}\n";
    assert!(!refused(edited.into_bytes()).is_empty());
    let mut missing = lines.clone();
    missing.remove(2);
    assert!(refused(join(&missing)).contains("chain"));
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    assert!(refused(join(&swapped)).contains("chain"));
    let failure = Journal::open(Box::new(MemoryStorage::new(bytes)), "elsewhere", "r").err().unwrap();
    assert_eq!(failure.kind, Kind::Checkpoint);
    assert_eq!(failure.at.as_deref(), Some("journal.jsonl (memory):1"));
}

#[tokio::test]
async fn an_impossible_order_within_a_step_is_refused_even_when_the_chain_holds() {
    let text = String::from_utf8(finished().await.storage.bytes()).unwrap();
    // The step's start is taken out and the chain mended, as a bug of ours would leave it.
    let mut prev = String::new();
    let mut forged = String::new();
    for line in text.lines().filter(|line| !line.contains("step-started")) {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["prev"] = prev.into();
        let line = value.to_string();
        prev = journal::line::digest(line.as_bytes());
        forged += &(line + "\n");
    }
    assert!(refused(forged.into_bytes()).contains("order"));
}

#[tokio::test]
async fn whatever_prefix_survives_a_power_loss_the_next_run_reaches_the_same_site() {
    for stages in [one_change as fn() -> Vec<Stage<Toy>>, || one_once(true)] {
        let bench = Bench::new();
        assert_eq!(bench.run(&stages()).await.exit_code, 0);
        let bytes = bench.storage.bytes();
        let line_ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        // Every end of a line, the byte before and after it, and some torn middles.
        let near = line_ends.flat_map(|at| at - 1..=at + 2);
        for len in near.chain((0..bytes.len()).step_by(211)).map(|len| len.min(bytes.len())) {
            let storage = MemoryStorage::new(bytes[..len].to_vec());
            let later = Bench::new();
            later.site().put("a", "wanted");
            // The bench counts runs from one; the surviving prefix may already hold r1.
            let _first = later.setup(Box::new(MemoryStorage::default()));
            let setup = later.setup(Box::new(storage.clone()));
            let summary = run(&later.toy, &stages(), setup, &Options::default()).await;
            assert_eq!(summary.exit_code, 0, "{len} of {} bytes: {summary:?}", bytes.len());
            assert!(later.site().requests.borrow().is_empty(), "{len} bytes: it was there already");
            assert!(open(storage.bytes()).is_ok());
        }
    }
}

#[tokio::test]
async fn hints_are_written_at_most_once_a_second() {
    const SENT: Fact<u64> = Fact::new("sent");
    let act = async |toy: &Toy, handle: &Handle| {
        for chunk in 0..40_u64 {
            handle.hint(&SENT, &chunk);
            handle.clock().sleep(SECOND / 10).await;
        }
        toy.write("a", "wanted", handle).await
    };
    let bench = Bench::new();
    let stages = [stage(1, "s", &[("a", "")], Steps::new().change("a", probe_setting("a"), act))];
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    let hints = String::from_utf8(bench.storage.bytes()).unwrap().matches("\"remembered\"").count();
    assert_eq!(hints, 4);
}

#[test]
fn the_file_is_private_and_survives_being_reopened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let storage = || Box::new(journal::FileStorage::new(&path));
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for changed in [1, 0] {
        let setup = bench.setup(storage());
        let summary = runtime.block_on(run(&bench.toy, &one_change(), setup, &Options::default()));
        assert_eq!((summary.exit_code, summary.changed), (0, changed));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_block_that_never_reached_the_disk_is_a_torn_end_but_zeros_before_flushed_lines_are_damage() {
    let bytes = finished().await.storage.bytes();
    let starts: Vec<usize> = std::iter::once(0)
        .chain(bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1))
        .collect();
    let zeroed = |line: usize| {
        let mut bytes = bytes.clone();
        bytes[starts[line] + 5..starts[line + 1] - 1].fill(0);
        bytes
    };
    // The last line (the end of the run, flushed) and the one before it (the end of the stage, buffered).
    let lines = starts.len() - 1;
    for line in [lines - 1, lines - 2] {
        let journal = open(zeroed(line)).unwrap();
        assert_eq!(journal.torn(), Some(bytes.len() - starts[line]));
    }
    assert!(!refused(zeroed(1)).is_empty());
}

#[test]
fn what_is_told_and_what_is_recorded_are_the_same_events() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(bench.run(&one_change()));
    let lines = journal::read_lines(&mut bench.storage.clone()).unwrap();
    let recorded: Vec<_> =
        lines.iter().map(|line| serde_json::to_value(&line.record.kind).unwrap()).collect();
    let progress =
        |event: &EventKind| matches!(event, EventKind::Waiting { .. } | EventKind::Transfer { .. });
    let told = bench.events().into_iter().filter(|event| !progress(event));
    assert_eq!(recorded, told.map(|event| serde_json::to_value(event).unwrap()).collect::<Vec<_>>());
}

#[tokio::test]
async fn how_long_a_step_takes_is_learnt_of_runs_that_saw_all_of_it() {
    let learnt = |bench: &Bench| {
        let journal = open(bench.storage.bytes()).unwrap();
        journal.state().step("s.a").map_or(0, |step| step.took.len())
    };
    assert_eq!(learnt(&finished().await), 1);
    let cut = Bench::new();
    cut.killed(&one_job(), Some(("s.a", CrashPoint::AfterAnswer))).await;
    assert_eq!(cut.run(&one_job()).await.exit_code, 0);
    assert_eq!(learnt(&cut), 0, "it went on in the middle");
}
