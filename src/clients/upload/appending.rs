//! Uploads whose chunks are appended to what is there: one at a time, in order, and after a lost answer the site is
//! asked how far it is before anything is sent again (api-applications §§2.4, 3.2, 4).

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{
    ChunkFailure, Digests, Progress, Setback,
    filling::{LONGEST_PAUSE, PATIENCE, PAUSE, Stop, TRIES},
    sender::{LARGEST_CHUNK, tell},
    source::Source,
};
use crate::{
    failure::{Effect, Failure, Kind, Result},
    messages::message,
    text::Text,
};

/// So many uploads are begun for one file (api-applications §2.4).
const STARTS: u32 = 3;
/// So often the site is asked how far it is before the upload is left to a later run.
const LOOKS: u32 = 6;

/// An upload that the site has opened. Journaled, so that a resumed run goes on inside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appending {
    pub id: String,
    /// Bytes of every chunk but the last.
    pub chunk_size: u64,
}

impl Appending {
    /// How many chunks a file of `size` bytes has.
    pub fn chunks(&self, size: u64) -> u32 {
        u32::try_from(size.div_ceil(self.chunk_size.max(1))).unwrap_or(u32::MAX)
    }
}

/// A part of the file.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// From 0.
    pub number: u32,
    /// Where it lies in the file, in bytes.
    pub start: u64,
    pub bytes: Bytes,
    pub last: bool,
}

/// What opening an upload came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub upload: Appending,
    /// The request that opened it has stored the first chunk.
    pub has_first: bool,
}

/// What the site says that it has of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The first so many chunks.
    Chunks(u32),
    /// All of them, and it wants no more.
    Whole,
    /// It cannot be gone on with, and why.
    Unusable(Text),
}

/// Where appended chunks go: the adapter of one protocol.
pub trait AppendSink: Send + Sync {
    /// Bytes of the first request's chunk; what the site then announces counts.
    fn chunk_size(&self) -> u64;

    /// Opens an upload. A protocol without a call for that opens it with the first chunk.
    fn open(&self, first: Chunk) -> BoxFuture<'_, Result<Opened, ChunkFailure>>;

    /// The answer to `open` was lost: removes what it may have opened, where that can be found.
    fn sweep(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Sends one chunk once. An answer that contradicts it is a failure too, most likely [`Setback::Spoilt`].
    fn append<'a>(&'a self, upload: &'a Appending, chunk: Chunk) -> BoxFuture<'a, Result<(), ChunkFailure>>;

    /// Asks the site how far an upload is.
    fn stored<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<Stored>>;

    /// Gives an upload up; one that is gone already is no error.
    fn abandon<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<()>>;

    /// Waits on the injected clock.
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// What an upload wants remembered for a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendMemo<'a> {
    /// An upload is open.
    Opened(&'a Appending),
    /// It is given up: forget it.
    Abandoned(&'a Appending),
}

/// What an earlier run remembered: an upload, and the file it was opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendResume {
    pub upload: Appending,
    pub digests: Digests,
}

/// The site has every byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    pub upload: Appending,
    pub digests: Digests,
    /// Bytes sent by this run, repeated ones included.
    pub sent: u64,
    /// Whether an upload had to be given up.
    pub restarted: bool,
}

/// One file on its way to one sink.
pub struct AppendUpload<'a> {
    pub sink: Arc<dyn AppendSink>,
    pub file: &'a Path,
    /// Those of the file: what an interrupted upload was begun with must be the same file.
    pub digests: Digests,
    pub progress: &'a dyn Fn(Progress),
    /// Called before the next request leaves; its failure stops the upload.
    pub remember: &'a dyn Fn(AppendMemo<'_>) -> Result<()>,
}

/// An upload to be filled, from that chunk on.
struct Begun {
    upload: Appending,
    next: u32,
}

impl AppendUpload<'_> {
    /// Sends what the site has not, and returns when it has all.
    ///
    /// # Errors
    /// The file cannot be read or has changed; the site refuses it, spoils every upload, or is out of reach. An upload
    /// that may still be gone on with stays remembered.
    pub async fn run(&self, resume: Option<AppendResume>) -> Result<Appended> {
        let mut source = Source::open(self.file, Some(self.digests.clone()))?;
        if source.size() != self.digests.size {
            return Err(Failure::new(Kind::Media, self.doing())
                .answer(message("clients.upload.changed", &[]))
                .advise(message("clients.upload.check_file", &[])));
        }
        let (mut sent, began) = (0, Instant::now());
        let (mut starts, mut chunk_size) = (0, self.sink.chunk_size());
        let mut begun = self.resumed(resume).await?;
        let mut restarted = false;
        loop {
            let Begun { upload, next } = match begun.take() {
                Some(begun) => begun,
                None if starts == STARTS => return Err(self.given_up()),
                None => {
                    restarted |= starts > 0;
                    starts += 1;
                    match self.open(&mut source, &mut chunk_size, &mut sent).await? {
                        Some(begun) => begun,
                        None => continue,
                    }
                }
            };
            match self.fill(&upload, next, &mut source, &mut sent).await {
                Ok(()) => {
                    tell(self.file, sent, began, source.memory());
                    return Ok(Appended { upload, digests: self.digests.clone(), sent, restarted });
                }
                Err(Stop::Ours(failure)) => return Err(failure),
                Err(Stop::Volume(mut failure)) => {
                    restarted = true;
                    self.abandon(&upload).await?;
                    if starts == STARTS {
                        // All are given up: whatever became of the last chunk, it is no part of anything.
                        failure.effect = Effect::None;
                        return Err(failure.advise(message("clients.upload.begun_in_vain", &[])));
                    }
                }
            }
        }
    }

    /// An earlier run's upload, as far as the site says that it came; `None`: there is none that is any use.
    async fn resumed(&self, resume: Option<AppendResume>) -> Result<Option<Begun>> {
        let Some(AppendResume { upload, digests }) = resume else { return Ok(None) };
        let count = upload.chunks(self.digests.size);
        if digests == self.digests && (1..=LARGEST_CHUNK).contains(&upload.chunk_size) {
            match self.ask(&upload).await? {
                Stored::Chunks(next) if next <= count => return Ok(Some(Begun { upload, next })),
                Stored::Whole => return Ok(Some(Begun { upload, next: count })),
                Stored::Chunks(_) | Stored::Unusable(_) => {}
            }
        }
        self.abandon(&upload).await?;
        Ok(None)
    }

    /// Opens an upload; `None`: that one is no use, and another may do better.
    async fn open(&self, source: &mut Source, chunk_size: &mut u64, sent: &mut u64) -> Result<Option<Begun>> {
        let first = self.chunk(source, 0, *chunk_size).await?;
        let (length, whole) = (first.bytes.len() as u64, first.last);
        let opened = match self.sink.open(first).await {
            Ok(opened) => opened,
            Err(ChunkFailure { failure, setback, retry_after }) => {
                return match setback {
                    Setback::Refused | Setback::Final => Err(failure),
                    Setback::Ended => {
                        self.sink.sweep().await?;
                        Err(failure)
                    }
                    Setback::Throttled | Setback::Lost | Setback::Spoilt => {
                        self.sink.pause(rest(PAUSE, retry_after)).await;
                        match self.sink.sweep().await {
                            Ok(()) => Ok(None),
                            // Out of reach: what was asked first is what is worth telling.
                            Err(_) => Err(failure),
                        }
                    }
                };
            }
        };
        let Opened { upload, has_first } = opened;
        (self.remember)(AppendMemo::Opened(&upload))?;
        if !(1..=LARGEST_CHUNK).contains(&upload.chunk_size) {
            let size = message("clients.upload.odd_chunk", &[("size", &upload.chunk_size)]);
            self.abandon(&upload).await?;
            return Err(Failure::new(Kind::Site, self.doing()).at(self.file.display()).answer(size));
        }
        if has_first {
            *sent += length;
            let in_one = whole && length <= upload.chunk_size;
            if upload.chunk_size != *chunk_size && !in_one {
                // Its first chunk has another size than its others would have.
                *chunk_size = upload.chunk_size;
                self.abandon(&upload).await?;
                return Ok(None);
            }
        }
        Ok(Some(Begun { upload, next: u32::from(has_first) }))
    }

    /// Every chunk from `next` on; while one travels the one after it is read.
    async fn fill(
        &self,
        upload: &Appending,
        next: u32,
        source: &mut Source,
        sent: &mut u64,
    ) -> Result<(), Stop> {
        let size = self.digests.size;
        let done =
            |chunks: u32| Progress { done: (u64::from(chunks) * upload.chunk_size).min(size), total: size };
        (self.progress)(done(next));
        for number in next..upload.chunks(size) {
            let chunk = self.chunk(source, number, upload.chunk_size).await?;
            if !chunk.last {
                source.begin(number + 1, upload.chunk_size)?;
            }
            self.deliver(upload, &chunk, sent).await?;
            (self.progress)(done(number + 1));
        }
        Ok(())
    }

    /// One chunk's bytes, read ahead or now.
    async fn chunk(&self, source: &mut Source, number: u32, chunk_size: u64) -> Result<Chunk> {
        let start = u64::from(number) * chunk_size;
        loop {
            if !source.is_reading() {
                source.begin(number, chunk_size)?;
            }
            let piece = source.next().await?;
            // What was read ahead for an upload that was given up is not it.
            let length = chunk_size.min(self.digests.size - start);
            if piece.starts_at(start) && piece.bytes.len() as u64 == length {
                return Ok(Chunk {
                    number,
                    start,
                    bytes: piece.bytes,
                    last: start + length == self.digests.size,
                });
            }
        }
    }

    /// Sends a chunk until the site has it. It is never sent again before the site has said that it is not there.
    async fn deliver(&self, upload: &Appending, chunk: &Chunk, sent: &mut u64) -> Result<(), Stop> {
        let (mut failed, mut throttled) = (0, 0);
        loop {
            *sent += chunk.bytes.len() as u64;
            let Err(ChunkFailure { failure, setback, retry_after }) =
                self.sink.append(upload, chunk.clone()).await
            else {
                return Ok(());
            };
            match setback {
                Setback::Final => return Err(Stop::Ours(failure)),
                Setback::Spoilt => return Err(Stop::Volume(failure)),
                Setback::Ended => {
                    self.abandon(upload).await?;
                    return Err(Stop::Ours(failure));
                }
                Setback::Throttled => {
                    throttled += 1;
                    if throttled == PATIENCE {
                        return Err(Stop::Ours(failure));
                    }
                    self.sink.pause(rest(PAUSE * throttled, retry_after)).await;
                }
                Setback::Lost | Setback::Refused => {
                    failed += 1;
                    // Out of reach: what the site has is worth keeping for a resumed run.
                    let Ok(stored) = self.ask(upload).await else { return Err(Stop::Ours(failure)) };
                    match stored {
                        Stored::Chunks(there) if there == chunk.number + 1 => return Ok(()),
                        Stored::Whole if chunk.last => return Ok(()),
                        Stored::Chunks(there) if there == chunk.number => {}
                        Stored::Chunks(_) | Stored::Whole | Stored::Unusable(_) => {
                            return Err(Stop::Volume(failure));
                        }
                    }
                    if failed == TRIES {
                        if setback == Setback::Refused {
                            self.abandon(upload).await?;
                        }
                        return Err(Stop::Ours(failure));
                    }
                    self.sink.pause(rest(PAUSE * 2u32.pow(failed - 1), retry_after)).await;
                }
            }
        }
    }

    /// How far the site is; asked again while it does not answer.
    async fn ask(&self, upload: &Appending) -> Result<Stored> {
        for look in 0..LOOKS - 1 {
            match self.sink.stored(upload).await {
                Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
                    self.sink.pause(PAUSE * 2u32.pow(look)).await;
                }
                told => return told,
            }
        }
        self.sink.stored(upload).await
    }

    async fn abandon(&self, upload: &Appending) -> Result<()> {
        let kept = |failure: Box<Failure>| failure.advise(message("clients.upload.volume_kept", &[]));
        self.sink.abandon(upload).await.map_err(kept)?;
        (self.remember)(AppendMemo::Abandoned(upload))
    }

    fn doing(&self) -> Text {
        message("clients.upload.finishing", &[("file", &self.file.display())])
    }

    fn given_up(&self) -> Box<Failure> {
        Failure::new(Kind::Site, self.doing())
            .answer(message("clients.upload.never_opened", &[("count", &STARTS)]))
            .advise(message("clients.upload.begun_in_vain", &[]))
    }
}

/// Our pause, or the longer one that the site asks for, within reason.
fn rest(ours: Duration, asked: Option<Duration>) -> Duration {
    ours.max(asked.unwrap_or_default()).min(LONGEST_PAUSE)
}
