//! Appended chunks: never twice, never lost, whatever becomes of the answers.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;

use super::shelf::{FILE, Kind, failure};
use crate::{clients::upload::*, text::Text};

/// What becomes of one sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stored,
    /// Stored or not, and no answer.
    Silent {
        stored: bool,
    },
    Told(Setback),
}

/// A site that appends chunks of four bytes, each sending as the next of its fates says.
#[derive(Default)]
struct Tape {
    fates: Mutex<VecDeque<Fate>>,
    state: Mutex<Taken>,
    /// The first chunk opens an upload.
    opened_by_chunk: bool,
    /// It announces another chunk size than it was sent.
    announces: Option<u64>,
    /// Bytes that the first request may bring; 0: four.
    first: u64,
    /// It cannot say how far it is.
    forgetful: bool,
}

#[derive(Default)]
struct Taken {
    /// Content of every upload that was opened.
    uploads: Vec<Vec<u8>>,
    abandoned: Vec<String>,
    sendings: u32,
    asked: u32,
    swept: u32,
}

impl Tape {
    fn with(fates: &[Fate]) -> Self {
        Self { fates: Mutex::new(fates.iter().copied().collect()), ..Self::default() }
    }

    fn take(&self, upload: usize, chunk: &Chunk) -> Result<(), ChunkFailure> {
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Stored);
        let mut state = self.state.lock().unwrap();
        state.sendings += 1;
        if matches!(fate, Fate::Stored | Fate::Silent { stored: true }) {
            state.uploads[upload].extend_from_slice(&chunk.bytes);
        }
        let told = |setback| Err(ChunkFailure { failure: failure(), setback, retry_after: None });
        match fate {
            Fate::Stored => Ok(()),
            Fate::Silent { .. } => told(Setback::Lost),
            Fate::Told(setback) => told(setback),
        }
    }

    fn content(&self) -> Vec<u8> {
        self.state.lock().unwrap().uploads.last().cloned().unwrap_or_default()
    }
}

fn at(upload: &Appending) -> usize {
    upload.id.parse().unwrap()
}

impl AppendSink for Tape {
    fn chunk_size(&self) -> u64 {
        if self.first == 0 { 4 } else { self.first }
    }

    fn open(&self, first: Chunk) -> BoxFuture<'_, Result<Opened, ChunkFailure>> {
        let id = {
            let mut state = self.state.lock().unwrap();
            state.uploads.push(Vec::new());
            state.uploads.len() - 1
        };
        let taken = if self.opened_by_chunk { self.take(id, &first) } else { Ok(()) };
        let chunk_size = self.announces.unwrap_or(4);
        let upload = Appending { id: id.to_string(), chunk_size };
        Box::pin(async move { taken.map(|()| Opened { upload, has_first: self.opened_by_chunk }) })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<()>> {
        self.state.lock().unwrap().swept += 1;
        Box::pin(async { Ok(()) })
    }

    fn append<'a>(&'a self, upload: &'a Appending, chunk: Chunk) -> BoxFuture<'a, Result<(), ChunkFailure>> {
        Box::pin(async move { self.take(at(upload), &chunk) })
    }

    fn stored<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<Stored>> {
        let mut state = self.state.lock().unwrap();
        state.asked += 1;
        let length = state.uploads[at(upload)].len();
        let stored = match length {
            _ if self.forgetful => Stored::Unusable(Text::same("not found")),
            _ if length == FILE.len() => Stored::Whole,
            _ => Stored::Chunks(u32::try_from(length as u64 / upload.chunk_size).unwrap()),
        };
        Box::pin(async { Ok(stored) })
    }

    fn abandon<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<()>> {
        self.state.lock().unwrap().abandoned.push(upload.id.clone());
        Box::pin(async { Ok(()) })
    }

    fn pause(&self, _time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

fn digests() -> Digests {
    Digests { sha256: "s".into(), md5: "m".into(), size: FILE.len() as u64 }
}

/// Sends `FILE`; what was remembered, in order.
async fn sent(tape: &Arc<Tape>, resume: Option<AppendResume>) -> (Result<Appended>, Vec<String>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(FILE).unwrap();
    let memos = RefCell::new(Vec::new());
    let upload = AppendUpload {
        sink: tape.clone(),
        file: file.path(),
        digests: digests(),
        progress: &|_| {},
        remember: &|memo| {
            memos.borrow_mut().push(match memo {
                AppendMemo::Opened(upload) => format!("opened {}", upload.id),
                AppendMemo::Abandoned(upload) => format!("abandoned {}", upload.id),
            });
            Ok(())
        },
    };
    let result = upload.run(resume).await;
    (result, memos.into_inner())
}

const LOST: Fate = Fate::Silent { stored: false };
const KEPT: Fate = Fate::Silent { stored: true };

#[tokio::test]
async fn every_chunk_is_sent_once_in_order_however_the_upload_is_opened() {
    for opened_by_chunk in [false, true] {
        let tape = Arc::new(Tape { opened_by_chunk, ..Tape::default() });
        let (appended, memos) = sent(&tape, None).await;
        let appended = appended.unwrap();
        assert_eq!((appended.sent, appended.restarted), (18, false));
        assert_eq!((tape.content(), memos), (FILE.to_vec(), vec!["opened 0".to_owned()]));
        let state = tape.state.lock().unwrap();
        assert_eq!((state.sendings, state.asked), (5, 0));
    }
}

#[tokio::test]
async fn after_a_lost_answer_the_site_is_asked_and_only_what_it_lacks_is_sent_again() {
    for (fates, sendings) in [
        (vec![Fate::Stored, KEPT], 5),
        (vec![Fate::Stored, LOST], 6),
        (vec![Fate::Stored, LOST, LOST], 7),
        (vec![Fate::Stored, Fate::Told(Setback::Refused)], 6),
        (vec![Fate::Told(Setback::Throttled), Fate::Told(Setback::Throttled)], 7),
        (vec![Fate::Stored, Fate::Stored, Fate::Stored, Fate::Stored, KEPT], 5),
    ] {
        let tape = Arc::new(Tape::with(&fates));
        let appended = sent(&tape, None).await.0.unwrap();
        assert_eq!(tape.content(), FILE, "{fates:?}");
        assert_eq!((tape.state.lock().unwrap().sendings, appended.restarted), (sendings, false), "{fates:?}");
    }
}

#[tokio::test]
async fn an_upload_whose_state_nobody_knows_is_given_up_and_begun_anew_at_most_three_times() {
    let tape = Arc::new(Tape { forgetful: true, ..Tape::with(&[Fate::Stored, KEPT]) });
    let (appended, memos) = sent(&tape, None).await;
    assert!(appended.unwrap().restarted);
    assert_eq!(
        (tape.content(), memos),
        (FILE.to_vec(), ["opened 0", "abandoned 0", "opened 1"].map(String::from).to_vec())
    );

    let tape = Arc::new(Tape::with(&[Fate::Told(Setback::Spoilt); 3]));
    let failure = sent(&tape, None).await.0.unwrap_err();
    assert_eq!((failure.kind, tape.state.lock().unwrap().abandoned.len()), (Kind::Site, 3));
}

#[tokio::test]
async fn a_chunk_that_is_refused_for_good_ends_the_upload_and_one_that_never_arrives_leaves_it_open() {
    for (fate, abandoned) in [
        (Fate::Told(Setback::Refused), 1),
        (Fate::Told(Setback::Ended), 1),
        (LOST, 0),
        (Fate::Told(Setback::Final), 0),
    ] {
        let tape = Arc::new(Tape::with(&[fate; 3]));
        sent(&tape, None).await.0.unwrap_err();
        assert_eq!(tape.state.lock().unwrap().abandoned.len(), abandoned, "{fate:?}");
        assert_eq!(tape.state.lock().unwrap().uploads.len(), 1, "{fate:?}");
    }
}

#[tokio::test]
async fn an_opening_chunk_without_an_answer_is_swept_away_and_a_refused_one_is_the_end() {
    let tape = Arc::new(Tape { opened_by_chunk: true, ..Tape::with(&[KEPT]) });
    let appended = sent(&tape, None).await.0.unwrap();
    assert!(appended.restarted);
    assert_eq!((tape.content(), tape.state.lock().unwrap().swept), (FILE.to_vec(), 1));

    let tape = Arc::new(Tape { opened_by_chunk: true, ..Tape::with(&[Fate::Told(Setback::Refused)]) });
    sent(&tape, None).await.0.unwrap_err();
    assert_eq!(tape.state.lock().unwrap().sendings, 1);
}

#[tokio::test]
async fn an_announced_chunk_size_counts() {
    for (opened_by_chunk, abandoned) in [(false, 0), (true, 1)] {
        let tape = Arc::new(Tape { opened_by_chunk, announces: Some(7), ..Tape::default() });
        sent(&tape, None).await.0.unwrap();
        assert_eq!((tape.content(), tape.state.lock().unwrap().abandoned.len()), (FILE.to_vec(), abandoned));
    }
}

#[tokio::test]
async fn a_file_that_the_opening_chunk_holds_whole_has_no_other_chunk_size() {
    let tape = Arc::new(Tape { opened_by_chunk: true, announces: Some(32), first: 64, ..Tape::default() });
    let appended = sent(&tape, None).await.0.unwrap();
    assert!(!appended.restarted);
    assert_eq!((tape.content(), tape.state.lock().unwrap().sendings), (FILE.to_vec(), 1));
}

#[tokio::test]
async fn a_resumed_upload_goes_on_where_the_site_says_that_it_is() {
    let upload = Appending { id: "0".into(), chunk_size: 4 };
    for there in 0..=4usize {
        let tape = Tape::default();
        tape.state.lock().unwrap().uploads.push(FILE[..4 * there].to_vec());
        let tape = Arc::new(tape);
        let resume = AppendResume { upload: upload.clone(), digests: digests() };
        let (appended, memos) = sent(&tape, Some(resume)).await;
        assert_eq!(appended.unwrap().sent, 18 - 4 * there as u64);
        assert_eq!((tape.content(), memos), (FILE.to_vec(), vec![]));
    }
}

#[tokio::test]
async fn an_upload_of_another_file_is_given_up() {
    let tape = Tape::default();
    tape.state.lock().unwrap().uploads.push(b"another!".to_vec());
    let tape = Arc::new(tape);
    let digests = Digests { sha256: "another".into(), ..digests() };
    let upload = Appending { id: "0".into(), chunk_size: 4 };
    let (_, memos) = sent(&tape, Some(AppendResume { upload, digests })).await;
    assert_eq!(
        (tape.content(), memos),
        (FILE.to_vec(), ["abandoned 0", "opened 1"].map(String::from).to_vec())
    );
}

#[tokio::test]
async fn a_file_that_has_grown_since_it_was_digested_is_not_sent() {
    let tape = Arc::new(Tape::default());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"longer than it was before").unwrap();
    let upload = AppendUpload {
        sink: tape.clone(),
        file: file.path(),
        digests: digests(),
        progress: &|_| {},
        remember: &|_| Ok(()),
    };
    assert_eq!(upload.run(None).await.unwrap_err().kind, Kind::Media);
    assert!(tape.state.lock().unwrap().uploads.is_empty());
}
