//! What all transfers of one laptop share, whichever cluster they are for: how many files travel at a time, how fast
//! they leave together, and the digests of each file, which are made once.

use std::{
    collections::HashMap,
    fmt, fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    sync::{OnceCell, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

use super::{
    file_state::FileState,
    upload::{self, Digests, Progress},
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
    pub async fn admit(&self, bytes: u64) {
        let Some(line) = &self.0.line else { return };
        let now = Instant::now();
        let leaves = line.book(now, bytes);
        // A timer would take a moment even where there is nothing to wait for.
        if leaves > now {
            sleep_until(leaves).await;
        }
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
        let state = FileState::of(&fs::canonicalize(path).ok()?, &fs::metadata(path).ok()?).ok()?;
        let mut digests = self.0.digests.lock().unwrap_or_else(PoisonError::into_inner);
        Some(digests.entry(state).or_default().clone())
    }
}

impl Line {
    /// When so many bytes may leave: after all that were booked before them.
    fn book(&self, now: Instant, bytes: u64) -> Instant {
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
