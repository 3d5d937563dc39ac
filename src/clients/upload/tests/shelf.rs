//! A site that stores chunks, for the tests of the engine.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{TryStreamExt, future::BoxFuture};

pub use super::super::*;
pub use crate::failure::Kind;
use crate::text::Text;

pub const CHUNK: usize = 4;

/// What a site does with the n-th sending of a chunk to a volume, instead of storing it.
pub type Refuse = dyn Fn(u32, u32, u32) -> Option<Setback> + Send + Sync;

/// A site that stores chunks, after a moment in which others may come.
pub struct Shelf {
    pub size: u64,
    pub refuse: Box<Refuse>,
    /// What answers list, from what is really missing.
    pub lists: fn(Vec<u32>) -> Option<Vec<u32>>,
    pub order: Order,
    /// Takes no chunk while an earlier one is missing.
    pub in_order_only: bool,
    /// A chunk whose answer is lost is there all the same.
    pub stores_what_is_lost: bool,
    /// Odd chunks take longer.
    pub odd_ones_late: bool,
    /// Whether the answer to a chunk may come yet: how quickly the file is read beside it must not matter.
    pub ready: fn(&State, u32) -> bool,
    pub listing: Listing,
    pub deletable: bool,
    pub retry_after: Option<Duration>,
    pub state: Mutex<State>,
}

#[derive(Default)]
pub struct State {
    pub opened: u32,
    pub deleted: Vec<String>,
    pub sent: Vec<(u32, u32)>,
    pub stored: BTreeMap<(u32, u32), Bytes>,
    pub in_flight: usize,
    pub highest: usize,
    pub refused: u32,
    pub pauses: Vec<Duration>,
}

impl Shelf {
    pub fn new(size: usize) -> Self {
        Self {
            size: size as u64,
            refuse: Box::new(|_, _, _| None),
            lists: Some,
            order: Order::Any,
            in_order_only: false,
            stores_what_is_lost: false,
            odd_ones_late: false,
            ready: |_, _| true,
            listing: Listing::NoList,
            deletable: true,
            retry_after: None,
            state: Mutex::default(),
        }
    }

    pub fn refusing(
        mut self,
        refuse: impl Fn(u32, u32, u32) -> Option<Setback> + Send + Sync + 'static,
    ) -> Self {
        self.refuse = Box::new(refuse);
        self
    }

    pub fn content(&self, volume: u32) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        let parts = state.stored.range((volume, 0)..(volume + 1, 0));
        parts.flat_map(|(_, bytes)| bytes.to_vec()).collect()
    }

    pub fn sent(&self) -> Vec<u32> {
        self.state.lock().unwrap().sent.iter().map(|(_, chunk)| *chunk).collect()
    }

    pub fn arrives(&self, number: u32, chunk: u32) -> u32 {
        let mut state = self.state.lock().unwrap();
        state.sent.push((number, chunk));
        state.in_flight += 1;
        state.highest = state.highest.max(state.in_flight);
        state.sent.iter().filter(|sent| **sent == (number, chunk)).count() as u32
    }

    pub fn judge(
        &self,
        volume: &Volume,
        chunk: u32,
        bytes: Bytes,
        nth: u32,
    ) -> Result<Accepted, ChunkFailure> {
        let number: u32 = volume.zbs_volume_id.parse().unwrap();
        let mut state = self.state.lock().unwrap();
        state.in_flight -= 1;
        let missing = |state: &State| -> Vec<u32> {
            (0..volume.chunks(self.size)).filter(|c| !state.stored.contains_key(&(number, *c))).collect()
        };
        let too_early = self.in_order_only && missing(&state).first().is_some_and(|first| *first < chunk);
        match (self.refuse)(number, chunk, nth).or(too_early.then_some(Setback::Refused)) {
            Some(setback) => {
                state.refused += 1;
                Err(ChunkFailure { failure: failure(), setback, retry_after: self.retry_after })
            }
            None => {
                state.stored.insert((number, chunk), Bytes::copy_from_slice(&bytes));
                Ok(Accepted { missing: (self.lists)(missing(&state)) })
            }
        }
    }
}

pub fn volume(number: u32) -> Volume {
    Volume {
        zbs_volume_id: number.to_string(),
        image_uuid: format!("image-{number}"),
        image_path: String::new(),
        chunk_size: CHUNK as u64,
    }
}

pub fn failure() -> Box<Failure> {
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
        content: Content,
    ) -> BoxFuture<'a, Result<Accepted, ChunkFailure>> {
        Box::pin(async move {
            let bytes = read(content).await?;
            let nth = self.arrives(volume.zbs_volume_id.parse().unwrap(), chunk);
            let late = self.odd_ones_late && chunk % 2 == 1;
            for _ in 0..if late { 40 } else { 20 } {
                tokio::task::yield_now().await;
            }
            while !(self.ready)(&self.state.lock().unwrap(), chunk) {
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

pub const FILE: &[u8] = b"abcdefghijklmnopqr";

/// Uploads `FILE`; what was remembered, in order.
pub async fn upload(
    shelf: &Arc<Shelf>,
    resume: Option<Resume>,
) -> (Result<Uploaded>, Vec<String>, Vec<Progress>) {
    upload_of(shelf, FILE, None, resume).await
}

pub async fn upload_of(
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
pub fn long_file() -> Vec<u8> {
    (0..200u8).collect()
}

/// What travels.
async fn read(content: Content) -> Result<Bytes, ChunkFailure> {
    let pieces: Result<Vec<Bytes>, _> = content.pieces().try_collect().await;
    match pieces {
        Ok(pieces) => Ok(pieces.concat().into()),
        // As a connection that broke.
        Err(_) => Err(ChunkFailure { failure: failure(), setback: Setback::Lost, retry_after: None }),
    }
}
