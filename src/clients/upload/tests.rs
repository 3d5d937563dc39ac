use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::*;
use crate::{failure::Kind, text::Text};

const CHUNK: usize = 4;

/// What a site does with the n-th sending of a chunk to a volume, instead of storing it.
type Refuse = dyn Fn(u32, u32, u32) -> Option<Setback> + Send + Sync;

/// A site that stores chunks, after a moment in which others may come.
struct Shelf {
    size: u64,
    refuse: Box<Refuse>,
    /// What answers list, from what is really missing.
    lists: fn(Vec<u32>) -> Option<Vec<u32>>,
    order: Order,
    /// Takes no chunk while an earlier one is missing.
    in_order_only: bool,
    listing: Listing,
    deletable: bool,
    retry_after: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    opened: u32,
    deleted: Vec<String>,
    sent: Vec<(u32, u32)>,
    stored: BTreeMap<(u32, u32), Bytes>,
    in_flight: usize,
    highest: usize,
    pauses: Vec<Duration>,
}

impl Shelf {
    fn new(size: usize) -> Self {
        Self {
            size: size as u64,
            refuse: Box::new(|_, _, _| None),
            lists: Some,
            order: Order::Any,
            in_order_only: false,
            listing: Listing::NoList,
            deletable: true,
            retry_after: None,
            state: Mutex::default(),
        }
    }

    fn refusing(mut self, refuse: impl Fn(u32, u32, u32) -> Option<Setback> + Send + Sync + 'static) -> Self {
        self.refuse = Box::new(refuse);
        self
    }

    fn content(&self, volume: u32) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        let parts = state.stored.range((volume, 0)..(volume + 1, 0));
        parts.flat_map(|(_, bytes)| bytes.to_vec()).collect()
    }

    fn sent(&self) -> Vec<u32> {
        self.state.lock().unwrap().sent.iter().map(|(_, chunk)| *chunk).collect()
    }

    fn arrives(&self, number: u32, chunk: u32) -> u32 {
        let mut state = self.state.lock().unwrap();
        state.sent.push((number, chunk));
        state.in_flight += 1;
        state.highest = state.highest.max(state.in_flight);
        state.sent.iter().filter(|sent| **sent == (number, chunk)).count() as u32
    }

    fn judge(&self, volume: &Volume, chunk: u32, bytes: Bytes, nth: u32) -> Result<Accepted, ChunkFailure> {
        let number: u32 = volume.zbs_volume_id.parse().unwrap();
        let mut state = self.state.lock().unwrap();
        state.in_flight -= 1;
        let missing = |state: &State| -> Vec<u32> {
            (0..volume.chunks(self.size)).filter(|c| !state.stored.contains_key(&(number, *c))).collect()
        };
        let too_early = self.in_order_only && missing(&state).first().is_some_and(|first| *first < chunk);
        match (self.refuse)(number, chunk, nth).or(too_early.then_some(Setback::Refused)) {
            Some(setback) => Err(ChunkFailure { failure: failure(), setback, retry_after: self.retry_after }),
            None => {
                state.stored.insert((number, chunk), Bytes::copy_from_slice(&bytes));
                Ok(Accepted { missing: (self.lists)(missing(&state)) })
            }
        }
    }
}

fn volume(number: u32) -> Volume {
    Volume {
        zbs_volume_id: number.to_string(),
        image_uuid: format!("image-{number}"),
        image_path: String::new(),
        chunk_size: CHUNK as u64,
    }
}

fn failure() -> Box<Failure> {
    Failure::new(Kind::Site, Text::same("sending"))
}

impl ChunkSink for Shelf {
    fn order(&self) -> Order {
        self.order
    }

    fn create(&self) -> BoxFuture<'_, Result<Volume>> {
        let mut state = self.state.lock().unwrap();
        state.opened += 1;
        let volume = volume(state.opened);
        Box::pin(async { Ok(volume) })
    }

    fn send<'a>(
        &'a self,
        volume: &'a Volume,
        chunk: u32,
        bytes: Bytes,
    ) -> BoxFuture<'a, Result<Accepted, ChunkFailure>> {
        Box::pin(async move {
            let nth = self.arrives(volume.zbs_volume_id.parse().unwrap(), chunk);
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            self.judge(volume, chunk, bytes, nth)
        })
    }

    fn delete<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        let result = if self.deletable { Ok(()) } else { Err(failure()) };
        self.state.lock().unwrap().deleted.push(volume.image_uuid.clone());
        Box::pin(async { result })
    }

    fn listing<'a>(&'a self, _volume: &'a Volume, _digests: &'a Digests) -> BoxFuture<'a, Result<Listing>> {
        Box::pin(async { Ok(self.listing) })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.state.lock().unwrap().pauses.push(time);
        Box::pin(async {})
    }
}

const FILE: &[u8] = b"abcdefghijklmnopqr";

/// Uploads `FILE`; what was remembered, in order.
async fn upload(
    shelf: &Arc<Shelf>,
    resume: Option<Resume>,
) -> (Result<Uploaded>, Vec<String>, Vec<Progress>) {
    upload_of(shelf, FILE, None, resume).await
}

async fn upload_of(
    shelf: &Arc<Shelf>,
    content: &[u8],
    digests: Option<Digests>,
    resume: Option<Resume>,
) -> (Result<Uploaded>, Vec<String>, Vec<Progress>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let memos = RefCell::new(Vec::new());
    let progress = RefCell::new(Vec::new());
    let upload = Upload {
        sink: shelf.clone(),
        file: file.path(),
        digests,
        progress: &|now| progress.borrow_mut().push(now),
        remember: &|memo| {
            memos.borrow_mut().push(match memo {
                Memo::Opened(volume) => format!("opened {}", volume.zbs_volume_id),
                Memo::Acknowledged(chunk) => chunk.to_string(),
                Memo::Deleted(volume) => format!("deleted {}", volume.zbs_volume_id),
            });
            Ok(())
        },
    };
    let result = upload.run(resume).await;
    (result, memos.into_inner(), progress.into_inner())
}

/// A file of 50 chunks.
fn long_file() -> Vec<u8> {
    (0..200u8).collect()
}

#[tokio::test]
async fn every_chunk_is_sent_once_with_both_digests_of_the_file() {
    let shelf = Arc::new(Shelf::new(FILE.len()));
    let (uploaded, memos, progress) = upload(&shelf, None).await;
    let uploaded = uploaded.unwrap();
    assert_eq!(shelf.content(1), FILE);
    assert_eq!(memos, ["opened 1", "0", "1", "2", "3", "4"]);
    assert_eq!((uploaded.sent, uploaded.restarted), (18, false));
    assert_eq!(uploaded.digests.md5, "fbaf6ecf6acbe54aa33858818d351197");
    assert_eq!(uploaded.digests.sha256, "2d1222692afaf56e95a8ab00879ed023a00db3e26fa14236e542748579285efa");
    assert_eq!(progress.last(), Some(&Progress { done: 18, total: 18 }));
}

#[tokio::test]
async fn chunks_travel_side_by_side_once_the_site_is_seen_to_bear_it_but_never_more_than_eight() {
    let shelf = Arc::new(Shelf::new(long_file().len()));
    let uploaded = upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
    assert_eq!((uploaded.sent, shelf.content(1)), (200, long_file()));
    assert_eq!(shelf.state.lock().unwrap().highest, 8);
}

#[tokio::test]
async fn a_site_whose_lists_are_odd_gets_one_chunk_at_a_time() {
    for lists in [|_| None, |_| Some(vec![0]), |_| Some(vec![])] {
        let mut shelf = Shelf::new(long_file().len());
        shelf.lists = lists;
        shelf.listing = Listing::Whole;
        let shelf = Arc::new(shelf);
        upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
        assert_eq!(shelf.content(1), long_file());
        assert_eq!(shelf.state.lock().unwrap().highest, 1);
    }
}

#[tokio::test]
async fn a_site_that_wants_order_is_given_it_after_its_first_refusal() {
    let mut shelf = Shelf::new(long_file().len());
    shelf.in_order_only = true;
    let shelf = Arc::new(shelf);
    // The first of two chunks side by side comes late.
    let uploaded = {
        let late = Arc::new(Late(shelf.clone()));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&long_file()).unwrap();
        let upload =
            Upload { sink: late, file: file.path(), digests: None, progress: &|_| {}, remember: &|_| Ok(()) };
        upload.run(None).await.unwrap()
    };
    assert_eq!(shelf.content(1), long_file());
    assert_eq!((uploaded.restarted, uploaded.sent), (false, 200 + 4), "one chunk came too early, once");
    let state = shelf.state.lock().unwrap();
    assert_eq!((state.highest, state.pauses.len()), (2, 0));
}

/// A shelf to which odd chunks take longer.
struct Late(Arc<Shelf>);

impl ChunkSink for Late {
    fn create(&self) -> BoxFuture<'_, Result<Volume>> {
        self.0.create()
    }

    fn send<'a>(
        &'a self,
        volume: &'a Volume,
        chunk: u32,
        bytes: Bytes,
    ) -> BoxFuture<'a, Result<Accepted, ChunkFailure>> {
        Box::pin(async move {
            let nth = self.0.arrives(1, chunk);
            for _ in 0..if chunk % 2 == 1 { 40 } else { 20 } {
                tokio::task::yield_now().await;
            }
            self.0.judge(volume, chunk, bytes, nth)
        })
    }

    fn delete<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        self.0.delete(volume)
    }

    fn listing<'a>(&'a self, volume: &'a Volume, digests: &'a Digests) -> BoxFuture<'a, Result<Listing>> {
        self.0.listing(volume, digests)
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.0.pause(time)
    }
}

#[tokio::test]
async fn a_site_with_too_much_to_do_is_left_alone_as_long_as_it_asks_and_then_sent_one_at_a_time() {
    let mut shelf = Shelf::new(long_file().len())
        .refusing(|_, chunk, nth| (chunk == 20 && nth < 6).then_some(Setback::Throttled));
    shelf.retry_after = Some(Duration::from_secs(7));
    let shelf = Arc::new(shelf);
    let uploaded = upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
    assert_eq!(shelf.content(1), long_file());
    assert_eq!((uploaded.restarted, uploaded.sent), (false, 200 + 5 * 4), "it is not the chunk's fault");
    let state = shelf.state.lock().unwrap();
    assert_eq!(state.pauses, [Duration::from_secs(7); 5]);
    let after = state.sent.iter().rposition(|(_, chunk)| *chunk == 20).unwrap();
    let next: Vec<u32> = state.sent[after + 1..after + 9].iter().map(|(_, chunk)| *chunk).collect();
    assert!(next.is_sorted(), "{next:?}");
}

#[tokio::test]
async fn a_site_that_has_too_much_to_do_for_ever_keeps_its_volume() {
    let shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 1).then_some(Setback::Throttled));
    let shelf = Arc::new(shelf);
    upload(&shelf, None).await.0.unwrap_err();
    let state = shelf.state.lock().unwrap();
    assert!(state.deleted.is_empty());
    assert!(state.sent.len() < 30 && state.pauses.last() > state.pauses.first(), "{:?}", state.pauses);
}

#[tokio::test]
async fn appends_are_sent_strictly_one_after_the_other() {
    let mut shelf = Shelf::new(long_file().len());
    (shelf.order, shelf.in_order_only) = (Order::Sequential, true);
    let shelf = Arc::new(shelf);
    let uploaded = upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
    assert_eq!((uploaded.sent, shelf.content(1)), (200, long_file()));
    assert_eq!(shelf.sent(), (0..50).collect::<Vec<_>>());
    assert_eq!(shelf.state.lock().unwrap().highest, 1);
}

#[tokio::test]
async fn a_failed_chunk_is_sent_twice_more() {
    for setback in [Setback::Refused, Setback::Lost] {
        let shelf = Shelf::new(FILE.len());
        let shelf = Arc::new(shelf.refusing(move |_, chunk, nth| (chunk == 0 && nth < 3).then_some(setback)));
        let uploaded = upload(&shelf, None).await.0.unwrap();
        assert_eq!(shelf.content(1), FILE);
        assert_eq!((uploaded.restarted, uploaded.sent), (false, 18 + 2 * 4));
        assert_eq!(shelf.state.lock().unwrap().pauses, [1, 2].map(Duration::from_secs));
    }
}

#[tokio::test]
async fn a_chunk_that_fails_three_times_costs_its_volume_once() {
    let refuse = |volume, chunk, _| (volume == 1 && chunk == 0).then_some(Setback::Refused);
    let shelf = Arc::new(Shelf::new(FILE.len()).refusing(refuse));
    let (uploaded, memos, _) = upload(&shelf, None).await;
    assert!(uploaded.unwrap().restarted);
    assert_eq!(memos, ["opened 1", "deleted 1", "opened 2", "0", "1", "2", "3", "4"]);
    assert_eq!(shelf.content(2), FILE);
}

#[tokio::test]
async fn a_volume_given_up_half_way_leaves_nothing_under_way_and_the_digests_are_still_of_the_whole_file() {
    let refuse = |volume, chunk, _| (volume == 1 && chunk == 30).then_some(Setback::Lost);
    let shelf = Arc::new(Shelf::new(long_file().len()).refusing(refuse));
    let uploaded = upload_of(&shelf, &long_file(), None, None).await.0.unwrap();
    let plain = upload_of(&Arc::new(Shelf::new(200)), &long_file(), None, None).await.0.unwrap();
    assert!(uploaded.restarted);
    assert_eq!((uploaded.digests, shelf.content(2)), (plain.digests, long_file()));
    let sent = shelf.state.lock().unwrap().sent.clone();
    assert!(sent.is_sorted_by_key(|(volume, _)| *volume), "nothing arrives at a deleted volume");
}

#[tokio::test]
async fn a_second_volume_that_fails_is_the_end_and_leaves_none_behind() {
    let shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 0).then_some(Setback::Lost));
    let shelf = Arc::new(shelf);
    let (uploaded, ..) = upload(&shelf, None).await;
    assert_eq!(uploaded.unwrap_err().advice.len(), 1);
    let state = shelf.state.lock().unwrap();
    assert_eq!((state.opened, state.deleted.len(), state.sent.len()), (2, 2, 6));
}

#[tokio::test]
async fn what_repetition_cannot_heal_stops_at_once_and_keeps_the_volume() {
    let shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 1).then_some(Setback::Final));
    let shelf = Arc::new(shelf);
    let (uploaded, memos, _) = upload(&shelf, None).await;
    uploaded.unwrap_err();
    assert_eq!(memos, ["opened 1", "0", "2"], "what was under way is still noted");
    assert!(shelf.state.lock().unwrap().deleted.is_empty());
}

#[tokio::test]
async fn a_volume_that_cannot_be_deleted_is_kept_for_the_resume() {
    let mut shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 0).then_some(Setback::Lost));
    shelf.deletable = false;
    let (uploaded, memos, _) = upload(&Arc::new(shelf), None).await;
    uploaded.unwrap_err();
    assert_eq!(memos, ["opened 1"]);
}

#[tokio::test]
async fn a_chunk_that_is_stored_although_its_answer_was_lost_and_then_refused_is_found_on_the_next_list() {
    // Every repetition is refused, as a site may that has the chunk.
    let shelf = Shelf::new(FILE.len()).refusing(|_, chunk, nth| match (chunk, nth) {
        (1, 1) => Some(Setback::Lost),
        (1, _) => Some(Setback::Refused),
        _ => None,
    });
    shelf.state.lock().unwrap().stored.insert((1, 1), Bytes::from_static(b"efgh"));
    let shelf = Arc::new(shelf);
    let uploaded = upload(&shelf, None).await.0.unwrap();
    assert!(!uploaded.restarted);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn a_resumed_upload_sends_what_was_not_acknowledged_and_still_digests_the_whole_file() {
    let shelf = Arc::new(Shelf::new(FILE.len()));
    let whole = upload(&shelf, None).await.0.unwrap();
    shelf.state.lock().unwrap().stored.retain(|(_, chunk), _| *chunk < 2);
    let resume = Resume { volume: volume(1), acknowledged: BTreeSet::from([0, 1]) };
    let (uploaded, memos, progress) = upload(&shelf, Some(resume)).await;
    let uploaded = uploaded.unwrap();
    assert_eq!(memos, ["2", "3", "4"]);
    assert_eq!((uploaded.sent, &uploaded.digests), (10, &whole.digests));
    assert_eq!(progress[0].done, 12);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn digests_that_are_known_are_not_made_again() {
    let shelf = Arc::new(Shelf::new(FILE.len()));
    let digests = Digests { sha256: "s".into(), md5: "m".into(), size: FILE.len() as u64 };
    let uploaded = upload_of(&shelf, FILE, Some(digests.clone()), None).await.0.unwrap();
    assert_eq!((uploaded.digests, shelf.content(1)), (digests.clone(), FILE.to_vec()));
    let of_another_file = Digests { size: 17, ..digests };
    let uploaded = upload_of(&shelf, FILE, Some(of_another_file), None).await.0.unwrap();
    assert_eq!(uploaded.digests.md5, "fbaf6ecf6acbe54aa33858818d351197");
}

#[tokio::test]
async fn a_resumed_upload_believes_the_site_about_chunks_it_did_not_note() {
    let shelf = Arc::new(Shelf::new(FILE.len()));
    upload(&shelf, None).await.0.unwrap();
    shelf.state.lock().unwrap().stored.remove(&(1, 4));
    let resume = Resume { volume: volume(1), acknowledged: BTreeSet::from([0]) };
    let (uploaded, memos, _) = upload(&shelf, Some(resume)).await;
    uploaded.unwrap();
    assert_eq!(memos, ["1", "4"], "the first answer told what is missing");
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn what_only_the_first_list_after_a_resume_said_is_sent_when_the_file_is_not_listed_in_the_end() {
    let mut shelf = Shelf::new(FILE.len());
    shelf.lists = |_| Some(vec![]);
    shelf.listing = Listing::Absent;
    let resume = Resume { volume: volume(1), acknowledged: BTreeSet::from([0]) };
    shelf.state.lock().unwrap().stored.insert((1, 0), Bytes::from_static(b"abcd"));
    let shelf = Arc::new(shelf);
    let (uploaded, memos, _) = upload(&shelf, Some(resume)).await;
    uploaded.unwrap();
    assert_eq!(memos, ["1", "2", "3", "4"]);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn a_resumed_volume_that_is_gone_is_replaced() {
    let shelf = Shelf::new(FILE.len()).refusing(|volume, _, _| (volume == 9).then_some(Setback::Refused));
    let resume = Resume { volume: volume(9), acknowledged: BTreeSet::from([0]) };
    let shelf = Arc::new(shelf);
    let (uploaded, memos, _) = upload(&shelf, Some(resume)).await;
    assert!(uploaded.unwrap().restarted);
    assert_eq!(memos[..2], ["deleted 9", "opened 1"]);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn what_the_site_still_lists_is_sent_again() {
    let shelf = Arc::new(Shelf::new(FILE.len()));
    upload(&shelf, None).await.0.unwrap();
    // The site has lost a chunk that it had acknowledged.
    shelf.state.lock().unwrap().stored.remove(&(1, 1));
    let resume = Resume { volume: volume(1), acknowledged: BTreeSet::from([0, 1, 2, 3]) };
    let (uploaded, memos, _) = upload(&shelf, Some(resume)).await;
    uploaded.unwrap();
    assert_eq!(memos, ["4", "1"]);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn a_list_that_never_shrinks_is_overruled_by_the_list_of_images_only() {
    for (listing, repeats) in [(Listing::Whole, 0), (Listing::Absent, 2), (Listing::NoList, 2)] {
        let mut shelf = Shelf::new(FILE.len());
        shelf.lists = |_| Some(vec![0]);
        shelf.listing = listing;
        let shelf = Arc::new(shelf);
        let (uploaded, ..) = upload(&shelf, None).await;
        assert_eq!(uploaded.is_ok(), listing == Listing::Whole);
        let first_volume = shelf.state.lock().unwrap().sent.iter().filter(|(volume, _)| *volume == 1).count();
        assert_eq!(first_volume, 5 + repeats / 2, "repeated once, not for ever");
    }
}

#[tokio::test]
async fn a_volume_that_is_listed_with_another_digest_is_replaced_once() {
    let mut shelf = Shelf::new(FILE.len());
    shelf.listing = Listing::Different;
    let shelf = Arc::new(shelf);
    let (uploaded, memos, _) = upload(&shelf, None).await;
    uploaded.unwrap_err();
    let volumes: Vec<&String> = memos.iter().filter(|memo| memo.contains(' ')).collect();
    assert_eq!(volumes, ["opened 1", "deleted 1", "opened 2", "deleted 2"]);
}

#[tokio::test]
async fn an_empty_or_missing_file_is_a_media_failure_and_opens_no_volume() {
    let shelf = Arc::new(Shelf::new(0));
    let empty = tempfile::NamedTempFile::new().unwrap();
    for file in [empty.path(), std::path::Path::new("/nowhere/a.iso")] {
        let upload =
            Upload { sink: shelf.clone(), file, digests: None, progress: &|_| {}, remember: &|_| Ok(()) };
        assert_eq!(upload.run(None).await.unwrap_err().kind, Kind::Media);
    }
    assert_eq!(shelf.state.lock().unwrap().opened, 0);
}

#[test]
fn the_hint_of_a_chunk_answer_is_read_in_every_form() {
    for (text, missing) in [
        (r#"{"chunk_num":0,"to_upload":[1,"2"]}"#, Some(vec![1, 2])),
        (r#"{"to_upload":null}"#, Some(vec![])),
        (r#"{}"#, None),
    ] {
        assert_eq!(serde_json::from_str::<Accepted>(text).unwrap().missing, missing, "{text}");
    }
}
