//! One volume being filled: chunks leave, land, and leave again where the site wants them once more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::OwnedSemaphorePermit,
    task::{JoinError, JoinSet},
};

use super::{
    Accepted, ChunkFailure, Memo, Order, Progress, Setback, Upload, Volume,
    account::Account,
    door::Door,
    source::{Source, unreadable},
    window::Window,
};
use crate::{
    clients::content::Content,
    failure::{Failure, Kind, Result},
    messages::message,
};

/// A failed chunk is sent twice more (api-fisheye §7.2).
pub(super) const TRIES: u32 = 3;
/// So often in a row a site may say that it has too much to do.
pub(super) const PATIENCE: u32 = 20;
/// Pause before a repetition; it doubles.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// A site may ask for a longer pause than ours, within reason.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why filling a volume ended early.
pub(super) enum Stop {
    /// Another volume may do better.
    Volume(Box<Failure>),
    /// Nothing another volume could help: keep this one for a resumed run.
    Ours(Box<Failure>),
}

impl From<Box<Failure>> for Stop {
    fn from(failure: Box<Failure>) -> Self {
        Self::Ours(failure)
    }
}

/// The state of one volume being filled.
pub(super) struct Filling<'u> {
    upload: &'u Upload<'u>,
    pub volume: Arc<Volume>,
    /// Bytes of the file.
    size: u64,
    pub account: Account,
    window: Window,
    door: Door,
    /// Chunks under way; they travel on the runtime's workers.
    flights: JoinSet<Landed>,
    /// Chunks to be sent once more, which come before all others.
    again: BTreeMap<u32, Parcel>,
    /// Chunks that have left and are not settled.
    open: BTreeSet<u32>,
    /// How long to leave the site in peace when everything has landed.
    rest: Option<Duration>,
    /// How often in a row it had too much to do.
    throttled: u32,
    /// Bytes sent.
    pub sent: u64,
}

/// A chunk to be sent, and what became of it so far.
struct Parcel {
    chunk: u32,
    content: Content,
    /// How often it failed.
    failed: u32,
    /// Whether an answer was lost, so that it may be stored.
    lost: bool,
}

/// A chunk that was sent, and what came of it.
struct Landed {
    parcel: Parcel,
    left_at: u64,
    /// Whether an earlier chunk was open when it left.
    overtook: bool,
    result: Result<Accepted, ChunkFailure>,
}

impl Parcel {
    fn new(chunk: u32, content: Content) -> Self {
        Self { chunk, content, failed: 0, lost: false }
    }
}

impl<'u> Filling<'u> {
    pub(super) fn new(
        upload: &'u Upload<'u>,
        volume: Volume,
        size: u64,
        acknowledged: &BTreeSet<u32>,
        resumed: bool,
    ) -> Self {
        let window = match upload.sink.order() {
            Order::Any => Window::new(volume.chunk_size),
            Order::Sequential => Window::in_order(),
        };
        Self {
            upload,
            account: Account::new(volume.chunks(size), acknowledged, resumed),
            volume: Arc::new(volume),
            size,
            window,
            door: Door::new(),
            flights: JoinSet::new(),
            again: BTreeMap::new(),
            open: BTreeSet::new(),
            rest: None,
            throttled: 0,
            sent: 0,
        }
    }

    /// Sends every chunk that the site has not; on a stop, what is under way lands first.
    pub(super) async fn pass(&mut self, source: &mut Source) -> Result<(), Stop> {
        let stopped = self.send_all(source).await;
        if stopped.is_err() {
            self.again.clear();
            while let Some(landed) = self.flights.join_next().await {
                // What matters has been told already; an acknowledgement is still worth a note.
                if let Ok(Landed { parcel, left_at, result: Ok(accepted), .. }) = landed {
                    let _ = self.acknowledged(parcel.chunk, left_at, accepted);
                }
            }
        }
        stopped
    }

    async fn send_all(&mut self, source: &mut Source) -> Result<(), Stop> {
        if source.is_reading() {
            // For the volume before this one.
            source.next().await?;
        }
        let mut next = 0;
        let mut ready: Option<Parcel> = None;
        loop {
            if self.flights.is_empty()
                && let Some(rest) = self.rest.take()
            {
                self.upload.sink.pause(rest).await;
            }
            if !source.is_reading() && ready.is_none() {
                let chunk_size = self.volume.chunk_size;
                let wanted =
                    |chunk: &u32| !self.account.has(*chunk) || source.digests_want(*chunk, chunk_size);
                if let Some(chunk) = (next..self.account.count()).find(wanted) {
                    next = chunk + 1;
                    if let Some(content) = source.unread(chunk, chunk_size) {
                        ready = Some(Parcel::new(chunk, content));
                        continue;
                    }
                    source.begin(chunk, chunk_size)?;
                }
            }
            let may_leave = self.rest.is_none() && self.flights.len() < self.window.width();
            let waits = ready.is_some() || !self.again.is_empty();
            tokio::select! {
                biased;
                Some(landed) = self.flights.join_next() => self.landed(landed)?,
                pass = self.door.opens(), if may_leave && waits => {
                    let again = self.again.pop_first().map(|(_, parcel)| parcel);
                    let parcel = again.or_else(|| ready.take());
                    // The site may have told since that it has it.
                    if let Some(parcel) = parcel.filter(|parcel| !self.account.has(parcel.chunk)) {
                        self.launch(parcel, pass);
                    }
                },
                piece = source.next(), if source.is_reading() => {
                    let piece = Some(piece?).filter(|piece| !self.account.has(piece.chunk));
                    ready = piece.map(|piece| Parcel::new(piece.chunk, piece.bytes.into()));
                }
                else => if self.again.is_empty() && ready.is_none() {
                    return Ok(());
                },
            }
        }
    }

    fn launch(&mut self, parcel: Parcel, pass: Option<OwnedSemaphorePermit>) {
        self.door.passes();
        let chunk = parcel.chunk;
        let left_at = self.account.leaves(chunk);
        let overtook = self.open.first().is_some_and(|earliest| *earliest < chunk);
        self.open.insert(chunk);
        self.sent += parcel.content.length();
        let (sink, volume) = (self.upload.sink.clone(), self.volume.clone());
        let (file, content) = (self.upload.file.to_owned(), parcel.content.clone().holding(pass));
        self.flights.spawn(async move {
            let mut result = sink.send(&volume, chunk, content).await;
            if let Err(failed) = &mut result
                && let Err(error) = parcel.content.check().await
            {
                // Not the site's fault, and no other volume could help.
                (failed.failure, failed.setback) = (unreadable(&file, &error), Setback::Final);
            }
            Landed { parcel, left_at, overtook, result }
        });
    }

    fn landed(&mut self, landed: Result<Landed, JoinError>) -> Result<(), Stop> {
        let Landed { parcel, left_at, overtook, result } = landed.map_err(|error| {
            let file = self.upload.file.display();
            Failure::new(Kind::Bug, message("clients.upload.finishing", &[("file", &file)])).because(&error)
        })?;
        match result {
            Ok(accepted) => Ok(self.acknowledged(parcel.chunk, left_at, accepted)?),
            Err(failure) => self.failed(parcel, overtook, failure),
        }
    }

    fn acknowledged(&mut self, chunk: u32, left_at: u64, accepted: Accepted) -> Result<()> {
        self.open.remove(&chunk);
        self.throttled = 0;
        if self.account.accepted(chunk, left_at, accepted.missing) {
            self.window.clean();
        } else {
            self.window.narrow();
        }
        (self.upload.remember)(Memo::Acknowledged(chunk))?;
        let done = (self.account.settled() * self.volume.chunk_size).min(self.size);
        (self.upload.progress)(Progress { done, total: self.size });
        Ok(())
    }

    /// Decides what a chunk that failed means for it, for the others and for the volume.
    fn failed(&mut self, mut parcel: Parcel, overtook: bool, failure: ChunkFailure) -> Result<(), Stop> {
        let ChunkFailure { failure, setback, retry_after } = failure;
        let chunk = parcel.chunk;
        let mut rest = Duration::ZERO;
        match setback {
            Setback::Final | Setback::Ended => return Err(Stop::Ours(failure)),
            Setback::Spoilt => return Err(Stop::Volume(failure)),
            // Not its own fault, it seems.
            Setback::Refused if overtook => self.window.keep_order(),
            Setback::Throttled => {
                // Chunks side by side are told so side by side.
                self.throttled += u32::from(self.rest.is_none());
                if self.throttled == PATIENCE {
                    return Err(Stop::Ours(failure));
                }
                rest = PAUSE * self.throttled;
                self.window.narrow();
            }
            Setback::Lost | Setback::Refused => {
                parcel.failed += 1;
                parcel.lost |= setback == Setback::Lost;
                if parcel.failed == TRIES {
                    if !parcel.lost || setback == Setback::Lost {
                        return Err(Stop::Volume(failure));
                    }
                    // Sent, answer lost, and now not wanted: most likely because it is there (§7.2).
                    self.open.remove(&chunk);
                    self.account.guess(chunk);
                    return Ok(());
                }
                rest = PAUSE * 2u32.pow(parcel.failed - 1);
                self.window.narrow();
            }
        }
        if !rest.is_zero() {
            let rest = rest.max(retry_after.unwrap_or_default()).min(LONGEST_PAUSE);
            self.rest = self.rest.max(Some(rest));
        }
        self.again.insert(chunk, parcel);
        Ok(())
    }
}
