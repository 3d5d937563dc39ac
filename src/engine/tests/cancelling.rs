//! Ctrl-C once and twice, and the disk that fills.

use std::{cell::Cell, io, rc::Rc};

use super::toy::*;
use crate::engine::{
    event::EventKind,
    journal::{MemoryStorage, Storage},
    *,
};

fn two_changes() -> Vec<Stage<Toy>> {
    let code = Steps::new().change("a", probe_setting("a"), act_setting("a")).change(
        "b",
        probe_setting("b"),
        act_setting("b"),
    );
    vec![stage(1, "s", &[("a", "visible_within='20s'"), ("b", "")], code)]
}

#[tokio::test]
async fn the_first_request_to_stop_lets_the_act_in_hand_end_and_starts_no_other() {
    let bench = Bench::new();
    bench.site().fate([Fate::Interrupted]);
    let summary = bench.run(&two_changes()).await;
    assert_eq!(summary.exit_code, 130);
    assert_eq!([bench.outcome("s.a"), bench.outcome("s.b")], ["changed", "not-run"]);
    assert!(matches!(bench.events().last(), Some(EventKind::RunFinished(_))));
    assert_eq!(bench.run(&two_changes()).await.exit_code, 0);
    assert_eq!(bench.site().effects_of("a"), 1);
}

#[tokio::test]
async fn the_second_request_drops_the_act_and_the_next_run_settles_it() {
    let bench = Bench::new();
    bench.site().fate([Fate::Silent]);
    let stages = two_changes();
    let setup = bench.setup(Box::new(bench.storage.clone()));
    let cancel = setup.cancel.clone();
    let options = Options::default();
    let stop = async {
        while bench.site().effects_of("a") == 0 {
            tokio::task::yield_now().await;
        }
        cancel.request(Reason::Terminated);
        cancel.request(Reason::Terminated);
    };
    let (summary, ()) = tokio::join!(run(&bench.toy, &stages, setup, &options), stop);
    assert_eq!(summary.exit_code, 143);
    assert_eq!([bench.outcome("s.a"), bench.outcome("s.b")], ["failed", "not-run"]);
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!(bench.site().effects_of("a"), 1, "the open intent was settled by a look");
}

#[tokio::test]
async fn a_wait_ends_at_the_first_request_to_stop() {
    let bench = Bench::new();
    let never = async |_: &Rc<Site>, _: &Handle| Ok(WaitProbe::NotYet(crate::text::Text::same("no")));
    let stages = [stage(1, "s", &[("w", "timeout='1000h'")], Steps::new().wait("w", never))];
    let setup = bench.setup(Box::new(bench.storage.clone()));
    let cancel = setup.cancel.clone();
    let options = Options::default();
    let stop = async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        cancel.request(Reason::HungUp);
    };
    let (summary, ()) = tokio::join!(run(&bench.toy, &stages, setup, &options), stop);
    assert_eq!(summary.exit_code, 129);
}

/// Takes `room` more bytes, then the disk is full. A refused write leaves half of itself behind.
struct Full {
    inner: MemoryStorage,
    room: Rc<Cell<usize>>,
}

impl Storage for Full {
    fn load(&mut self) -> io::Result<Vec<u8>> {
        self.inner.load()
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.inner.truncate(len)
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.room.get() {
            self.inner.append(&bytes[..bytes.len() / 2])?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.room.set(self.room.get() - bytes.len());
        self.inner.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.inner.sync()
    }
    fn place(&self) -> String {
        "full.jsonl".into()
    }
}

#[tokio::test]
async fn wherever_the_disk_fills_nothing_is_done_unrecorded_and_the_next_run_finishes() {
    let mut failed = 0;
    for room in (0..6000).step_by(97) {
        let bench = Bench::new();
        let storage = Full { inner: bench.storage.clone(), room: Rc::new(Cell::new(room)) };
        let setup = bench.setup(Box::new(storage));
        let summary = run(&bench.toy, &two_changes(), setup, &Options::default()).await;
        if summary.exit_code != 0 {
            failed += 1;
            assert_eq!(summary.exit_code, 8, "{room}: {summary:?}");
            assert_eq!(summary.failure.unwrap().at.as_deref(), Some("full.jsonl"));
        }
        assert_eq!(bench.run(&two_changes()).await.exit_code, 0, "{room}");
        assert_eq!((bench.site().effects_of("a"), bench.site().effects_of("b")), (1, 1), "{room}");
    }
    assert!(failed > 10, "the disk was full in only {failed} cases");
}
