use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io::Write,
    sync::Mutex,
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::*;
use crate::{failure::Kind, text::Text};

const CHUNK: usize = 4;

/// A site that stores chunks; `refuse` decides per request (volume, chunk, n-th sending of that chunk).
struct Shelf {
    size: u64,
    refuse: Box<dyn Fn(u32, u32, u32) -> Option<bool> + Send + Sync>,
    /// What answers list, from what is really missing.
    lists: fn(Vec<u32>) -> Option<Vec<u32>>,
    listed: bool,
    deletable: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    opened: u32,
    deleted: Vec<String>,
    sent: Vec<(u32, u32)>,
    stored: BTreeMap<(u32, u32), Bytes>,
}

impl Shelf {
    fn new(size: usize) -> Self {
        Self {
            size: size as u64,
            refuse: Box::new(|_, _, _| None),
            lists: Some,
            listed: false,
            deletable: true,
            state: Mutex::default(),
        }
    }

    /// `again` as the sink would judge it.
    fn refusing(mut self, refuse: impl Fn(u32, u32, u32) -> Option<bool> + Send + Sync + 'static) -> Self {
        self.refuse = Box::new(refuse);
        self
    }

    fn missing(state: &State, volume: u32, count: u32) -> Vec<u32> {
        (0..count).filter(|chunk| !state.stored.contains_key(&(volume, *chunk))).collect()
    }

    fn content(&self, volume: u32) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        let parts = state.stored.range((volume, 0)..(volume + 1, 0));
        parts.flat_map(|(_, bytes)| bytes.to_vec()).collect()
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
        let number: u32 = volume.zbs_volume_id.parse().unwrap();
        let mut state = self.state.lock().unwrap();
        state.sent.push((number, chunk));
        let nth = state.sent.iter().filter(|sent| **sent == (number, chunk)).count() as u32;
        let result = match (self.refuse)(number, chunk, nth) {
            Some(again) => Err(ChunkFailure { failure: failure(), again }),
            None => {
                state.stored.insert((number, chunk), bytes);
                Ok(Accepted {
                    missing: (self.lists)(Self::missing(&state, number, volume.chunks(self.size))),
                })
            }
        };
        Box::pin(async { result })
    }

    fn delete<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        let result = if self.deletable { Ok(()) } else { Err(failure()) };
        self.state.lock().unwrap().deleted.push(volume.image_uuid.clone());
        Box::pin(async { result })
    }

    fn is_listed<'a>(&'a self, _volume: &'a Volume, _digests: &'a Digests) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async { Ok(self.listed) })
    }

    fn pause(&self, _time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

const FILE: &[u8] = b"abcdefghijklmnopqr";

/// Uploads `FILE`; what was remembered, in order.
async fn upload(shelf: &Shelf, resume: Option<Resume>) -> (Result<Uploaded>, Vec<String>, Vec<Progress>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(FILE).unwrap();
    let memos = RefCell::new(Vec::new());
    let progress = RefCell::new(Vec::new());
    let upload = Upload {
        sink: shelf,
        file: file.path(),
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

#[tokio::test]
async fn every_chunk_is_sent_once_in_order_with_both_digests_of_the_file() {
    let shelf = Shelf::new(FILE.len());
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
async fn a_failed_chunk_is_sent_twice_more() {
    let shelf = Shelf::new(FILE.len()).refusing(|_, chunk, nth| (chunk == 2 && nth < 3).then_some(true));
    let uploaded = upload(&shelf, None).await.0.unwrap();
    assert_eq!(shelf.content(1), FILE);
    assert_eq!((uploaded.restarted, uploaded.sent), (false, 18 + 2 * 4));
}

#[tokio::test]
async fn a_chunk_that_fails_three_times_costs_its_volume_once() {
    let shelf =
        Shelf::new(FILE.len()).refusing(|volume, chunk, _| (volume == 1 && chunk == 1).then_some(true));
    let (uploaded, memos, _) = upload(&shelf, None).await;
    assert!(uploaded.unwrap().restarted);
    assert_eq!(memos, ["opened 1", "0", "deleted 1", "opened 2", "0", "1", "2", "3", "4"]);
    assert_eq!(shelf.content(2), FILE);
}

#[tokio::test]
async fn a_second_volume_that_fails_is_the_end_and_leaves_none_behind() {
    let shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 1).then_some(true));
    let (uploaded, ..) = upload(&shelf, None).await;
    assert_eq!(uploaded.unwrap_err().advice.len(), 1);
    let state = shelf.state.lock().unwrap();
    assert_eq!((state.opened, state.deleted.len(), state.sent.len()), (2, 2, 8));
}

#[tokio::test]
async fn what_repetition_cannot_heal_stops_at_once_and_keeps_the_volume() {
    let shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 1).then_some(false));
    let (uploaded, memos, _) = upload(&shelf, None).await;
    uploaded.unwrap_err();
    assert_eq!(memos, ["opened 1", "0"]);
    assert!(shelf.state.lock().unwrap().deleted.is_empty());
}

#[tokio::test]
async fn a_volume_that_cannot_be_deleted_is_kept_for_the_resume() {
    let mut shelf = Shelf::new(FILE.len()).refusing(|_, chunk, _| (chunk == 3).then_some(true));
    shelf.deletable = false;
    let (uploaded, memos, _) = upload(&shelf, None).await;
    uploaded.unwrap_err();
    assert_eq!(memos, ["opened 1", "0", "1", "2"]);
}

#[tokio::test]
async fn a_resumed_upload_sends_what_was_not_acknowledged_and_still_digests_the_whole_file() {
    let shelf = Shelf::new(FILE.len());
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
async fn a_resumed_upload_believes_the_site_about_chunks_it_did_not_note() {
    let shelf = Shelf::new(FILE.len());
    upload(&shelf, None).await.0.unwrap();
    shelf.state.lock().unwrap().stored.remove(&(1, 4));
    let resume = Resume { volume: volume(1), acknowledged: BTreeSet::from([0]) };
    let (uploaded, memos, _) = upload(&shelf, Some(resume)).await;
    uploaded.unwrap();
    assert_eq!(memos, ["1", "4"], "the first answer told what is missing");
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn a_resumed_volume_that_is_gone_is_replaced() {
    let shelf = Shelf::new(FILE.len()).refusing(|volume, _, _| (volume == 9).then_some(true));
    let resume = Resume { volume: volume(9), acknowledged: BTreeSet::from([0]) };
    let (uploaded, memos, _) = upload(&shelf, Some(resume)).await;
    assert!(uploaded.unwrap().restarted);
    assert_eq!(memos[..2], ["deleted 9", "opened 1"]);
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn what_the_site_still_lists_is_sent_again_while_the_list_shrinks() {
    let shelf = Shelf::new(FILE.len());
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
    for listed in [true, false] {
        let mut shelf = Shelf::new(FILE.len());
        shelf.lists = |_| Some(vec![0]);
        shelf.listed = listed;
        let (uploaded, memos, _) = upload(&shelf, None).await;
        assert_eq!(uploaded.is_ok(), listed);
        assert_eq!(memos[..7], ["opened 1", "0", "1", "2", "3", "4", "0"], "repeated once, not for ever");
    }
}

#[tokio::test]
async fn a_site_that_lists_nothing_is_believed() {
    let mut shelf = Shelf::new(FILE.len());
    shelf.lists = |_| None;
    upload(&shelf, None).await.0.unwrap();
    assert_eq!(shelf.content(1), FILE);
}

#[tokio::test]
async fn an_empty_or_missing_file_is_a_media_failure_and_opens_no_volume() {
    let shelf = Shelf::new(0);
    let empty = tempfile::NamedTempFile::new().unwrap();
    for file in [empty.path(), std::path::Path::new("/nowhere/a.iso")] {
        let upload = Upload { sink: &shelf, file, progress: &|_| {}, remember: &|_| Ok(()) };
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
