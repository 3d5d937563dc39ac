//! What all transfers of one laptop share, whichever cluster they are for: how many files travel at a time, how fast
//! they leave together, and the digests of each file, which are made once.

use std::{
    collections::HashMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::{
    sync::{OnceCell, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

use super::upload::{
    self, Accepted, AppendSink, Appending, Chunk, ChunkFailure, ChunkSink, Digests, Listing, Opened, Order,
    Progress, Stored, Volume,
};
use crate::failure::Result;

/// Table `[fleet]` of the configuration; 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// Megabits a second that may leave this laptop with all its transfers together.
    pub uplink_mbit: u32,
    /// Files that travel at a time.
    pub transfers: usize,
}

impl Shares {
    /// Of two limits each the narrower one.
    pub fn narrower(self, other: Self) -> Self {
        let narrower = |one: usize, other: usize| match (one, other) {
            (0, limit) | (limit, 0) => limit,
            (one, other) => one.min(other),
        };
        let uplink = narrower(self.uplink_mbit as usize, other.uplink_mbit as usize);
        Self {
            // Both were that small before.
            uplink_mbit: u32::try_from(uplink).unwrap_or(u32::MAX),
            transfers: narrower(self.transfers, other.transfers),
        }
    }
}

/// A handle on what is shared. Cheap to clone.
#[derive(Clone)]
pub struct Transfers(Arc<Shared>);

struct Shared {
    shares: Shares,
    places: Arc<Semaphore>,
    line: Option<Line>,
    digests: Mutex<HashMap<FileState, Arc<OnceCell<Digests>>>>,
}

/// A file as it was when it was digested.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FileState {
    path: PathBuf,
    size: u64,
    modified: SystemTime,
}

/// A place among the files that travel, given back when dropped.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held for what its end does")] OwnedSemaphorePermit);

/// A line of so many bytes a second: each piece is told when it may leave.
#[derive(Debug)]
struct Line {
    bytes_per_second: f64,
    free: Mutex<Instant>,
}

impl Transfers {
    pub fn new(shares: Shares) -> Self {
        let places = if shares.transfers == 0 { Semaphore::MAX_PERMITS } else { shares.transfers };
        let bytes_per_second = f64::from(shares.uplink_mbit) * 1e6 / 8.0;
        let line =
            (bytes_per_second > 0.0).then(|| Line { bytes_per_second, free: Mutex::new(Instant::now()) });
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Shared { shares, places, line, digests: Mutex::default() }))
    }

    /// Files that travel at a time; 0 is no limit.
    pub fn at_a_time(&self) -> usize {
        self.0.shares.transfers
    }

    /// A place that is free now.
    pub fn free_place(&self) -> Option<Place> {
        self.0.places.clone().try_acquire_owned().ok().map(Place)
    }

    /// The next place that becomes free; first come, first served.
    pub async fn place(&self) -> Option<Place> {
        // Nobody closes the semaphore.
        self.0.places.clone().acquire_owned().await.ok().map(Place)
    }

    /// Returns when so many bytes may leave.
    pub async fn admit(&self, bytes: usize) {
        let Some(line) = &self.0.line else { return };
        sleep_until(line.book(Instant::now(), bytes)).await;
    }

    /// The sink of a transfer that has a place, held to the line.
    pub fn paced<S>(&self, sink: S, place: Option<Place>) -> Paced<S> {
        Paced { transfers: self.clone(), sink, place: Mutex::new(place) }
    }

    /// The digests of a file: made now, or known of the same file already. Who asks while they are being made waits.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn digests(&self, path: &Path, progress: &dyn Fn(Progress)) -> Result<Digests> {
        let Some(cell) = self.cell(path) else { return upload::digests(path, progress).await };
        cell.get_or_try_init(|| upload::digests(path, progress)).await.cloned()
    }

    /// Those of a file that has not changed since they were made.
    pub fn known(&self, path: &Path) -> Option<Digests> {
        self.cell(path)?.get().cloned()
    }

    /// Keeps digests that were made while the file travelled.
    pub fn learn(&self, path: &Path, digests: &Digests) {
        if let Some(cell) = self.cell(path) {
            // Known already: of the same file.
            let _ = cell.set(digests.clone());
        }
    }

    fn cell(&self, path: &Path) -> Option<Arc<OnceCell<Digests>>> {
        let meta = fs::metadata(path).ok()?;
        let state = FileState {
            path: fs::canonicalize(path).ok()?,
            size: meta.len(),
            modified: meta.modified().ok()?,
        };
        let mut digests = self.0.digests.lock().unwrap_or_else(PoisonError::into_inner);
        Some(digests.entry(state).or_default().clone())
    }
}

impl Line {
    /// When so many bytes may leave: after all that were booked before them.
    fn book(&self, now: Instant, bytes: usize) -> Instant {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let from = (*free).max(now);
        *free = from + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
        from
    }
}

impl fmt::Debug for Transfers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.shares.fmt(f)
    }
}

/// A sink whose chunks leave when the line has room for them. It keeps the place as long as there is something to send.
#[derive(Debug)]
pub struct Paced<S> {
    transfers: Transfers,
    sink: S,
    place: Mutex<Option<Place>>,
}

impl<S> Paced<S> {
    /// Waits for the line. CloudTower answers the last chunk of a package after it has taken the package in, which takes
    /// minutes: nothing travels then, and the place is another file's.
    async fn leave(&self, bytes: usize, last: bool) {
        self.transfers.admit(bytes).await;
        if last {
            *self.place.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl<S: ChunkSink> ChunkSink for Paced<S> {
    fn order(&self) -> Order {
        self.sink.order()
    }

    fn create(&self) -> BoxFuture<'_, Result<Volume>> {
        self.sink.create()
    }

    fn send<'a>(
        &'a self,
        volume: &'a Volume,
        chunk: u32,
        bytes: Bytes,
    ) -> BoxFuture<'a, Result<Accepted, ChunkFailure>> {
        Box::pin(async move {
            self.leave(bytes.len(), false).await;
            self.sink.send(volume, chunk, bytes).await
        })
    }

    fn delete<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        self.sink.delete(volume)
    }

    fn listing<'a>(&'a self, volume: &'a Volume, digests: &'a Digests) -> BoxFuture<'a, Result<Listing>> {
        self.sink.listing(volume, digests)
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.sink.pause(time)
    }
}

impl<S: AppendSink> AppendSink for Paced<S> {
    fn chunk_size(&self) -> u64 {
        self.sink.chunk_size()
    }

    fn open(&self, first: Chunk) -> BoxFuture<'_, Result<Opened, ChunkFailure>> {
        Box::pin(async move {
            self.leave(first.bytes.len(), first.last).await;
            self.sink.open(first).await
        })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<()>> {
        self.sink.sweep()
    }

    fn append<'a>(&'a self, upload: &'a Appending, chunk: Chunk) -> BoxFuture<'a, Result<(), ChunkFailure>> {
        Box::pin(async move {
            self.leave(chunk.bytes.len(), chunk.last).await;
            self.sink.append(upload, chunk).await
        })
    }

    fn stored<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<Stored>> {
        self.sink.stored(upload)
    }

    fn abandon<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<()>> {
        self.sink.abandon(upload)
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.sink.pause(time)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn shares(uplink_mbit: u32, transfers: usize) -> Shares {
        Shares { uplink_mbit, transfers }
    }

    #[test]
    fn of_two_limits_the_narrower_counts_and_none_is_wider_than_any() {
        assert_eq!(shares(0, 2).narrower(shares(100, 4)), shares(100, 2));
        assert_eq!(shares(50, 0).narrower(shares(100, 0)), shares(50, 0));
    }

    #[tokio::test]
    async fn no_more_files_travel_than_there_are_places() {
        let transfers = Transfers::new(shares(0, 1));
        let first = transfers.free_place();
        assert!(first.is_some() && transfers.free_place().is_none());
        drop(first);
        assert!(transfers.place().await.is_some());
        let paced = transfers.paced((), transfers.free_place());
        paced.leave(1, false).await;
        assert!(transfers.free_place().is_none());
        paced.leave(1, true).await;
        assert!(transfers.free_place().is_some(), "while its last chunk is taken in another file may travel");
        let open = Transfers::new(shares(0, 0));
        let held: Vec<_> = (0..1000).map(|_| open.free_place()).collect();
        assert!(held.iter().all(Option::is_some));
    }

    #[test]
    fn all_transfers_together_leave_no_faster_than_the_line_and_it_saves_nothing_up() {
        let now = Instant::now();
        let line = Line { bytes_per_second: 1e6, free: Mutex::new(now) };
        let at = |second| now + Duration::from_secs(second);
        let leaves: Vec<Instant> = (0..3).map(|_| line.book(now, 2_000_000)).collect();
        assert_eq!(leaves, [at(0), at(2), at(4)]);
        assert_eq!([line.book(at(60), 1_000_000), line.book(at(60), 1)], [at(60), at(61)]);
    }

    #[tokio::test]
    async fn a_file_is_digested_once_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.iso");
        fs::write(&path, b"abc").unwrap();
        let transfers = Transfers::new(shares(0, 0));
        let read = Cell::new(0);
        let progress = |_: Progress| read.set(read.get() + 1);
        let first = transfers.digests(&path, &progress).await.unwrap();
        assert_eq!(transfers.digests(&path, &progress).await.unwrap(), first);
        assert_eq!((read.get(), transfers.known(&path)), (1, Some(first)));
        fs::write(&path, b"abcd").unwrap();
        assert_eq!(transfers.known(&path), None);
    }
}
