//! The sender: every chunk once, repeats where the site asks, a new volume once (api-fisheye §7.2).

use std::{collections::BTreeSet, path::Path, time::Duration};

use super::{Accepted, ChunkFailure, ChunkSink, Memo, Progress, Resume, Uploaded, Volume, source::Source};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
};

/// A failed chunk is sent twice more (§7.2).
const TRIES: u32 = 3;
/// What the last answer still lists is sent again, at most so often (§7.2).
const ROUNDS: u32 = 2;
/// Looks at the list of finished files before an unfinished upload is given up.
const LOOKS: u32 = 3;
/// Pause before a repetition; it doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// A larger chunk than this is no chunk; 8 MiB is what sites announce.
const LARGEST_CHUNK: u64 = 256 << 20;

/// One file on its way to one sink.
pub struct Upload<'a> {
    pub sink: &'a dyn ChunkSink,
    pub file: &'a Path,
    pub progress: &'a dyn Fn(Progress),
    /// Called before the next request leaves; its failure stops the upload.
    pub remember: &'a dyn Fn(Memo<'_>) -> Result<()>,
}

/// Why filling a volume ended early.
enum Stop {
    /// Another volume may do better.
    Volume(Box<Failure>),
    /// Nothing the site could help: keep the volume for a resumed run.
    Ours(Box<Failure>),
}

impl From<Box<Failure>> for Stop {
    fn from(failure: Box<Failure>) -> Self {
        Self::Ours(failure)
    }
}

/// The state of one volume being filled.
struct Filling<'v> {
    volume: &'v Volume,
    acknowledged: BTreeSet<u32>,
    /// The last answer's list of what is missing.
    missing: Option<Vec<u32>>,
    sent: u64,
}

impl Upload<'_> {
    /// Sends what is missing and returns when every chunk was accepted.
    pub async fn run(&self, resume: Option<Resume>) -> Result<Uploaded> {
        let mut source = Source::open(self.file)?;
        let mut resume = resume.filter(|earlier| is_sane(&earlier.volume));
        let (mut sent, mut restarted) = (0, false);
        loop {
            let resumed = resume.is_some();
            let Resume { volume, acknowledged } = match resume.take() {
                Some(earlier) => earlier,
                None => Resume { volume: self.open().await?, acknowledged: BTreeSet::new() },
            };
            let mut filling = Filling { volume: &volume, acknowledged, missing: None, sent: 0 };
            let filled = self.fill(&mut filling, &mut source, resumed).await;
            sent += filling.sent;
            match filled {
                Ok(digests) => return Ok(Uploaded { volume, digests, sent, restarted }),
                Err(Stop::Ours(failure)) => return Err(failure),
                Err(Stop::Volume(mut failure)) => {
                    if let Err(kept) = self.sink.delete(&volume).await {
                        // The site is out of reach: what it has is worth keeping for a resumed run.
                        failure.causes.extend(kept.causes);
                        return Err(failure.advise(message("clients.upload.volume_kept", &[])));
                    }
                    (self.remember)(Memo::Deleted(&volume))?;
                    if restarted {
                        return Err(failure.advise(message("clients.upload.given_up", &[])));
                    }
                    restarted = true;
                }
            }
        }
    }

    async fn open(&self) -> Result<Volume> {
        let volume = self.sink.create().await?;
        if !is_sane(&volume) {
            let doing = message("clients.upload.opening", &[("file", &self.file.display())]);
            let size = message("clients.upload.odd_chunk", &[("size", &volume.chunk_size)]);
            return Err(Failure::new(Kind::Site, doing).answer(size));
        }
        (self.remember)(Memo::Opened(&volume))?;
        Ok(volume)
    }

    async fn fill(
        &self,
        filling: &mut Filling<'_>,
        source: &mut Source,
        resumed: bool,
    ) -> Result<super::Digests, Stop> {
        let count = filling.volume.chunks(source.size());
        filling.acknowledged.retain(|chunk| *chunk < count);
        for chunk in 0..count {
            // Read even when it is not sent: the digest needs it.
            let bytes = source.read(chunk, filling.volume.chunk_size).await?;
            // Acknowledgements are noted late, so the first answer of a resumed run knows more than we.
            let stored = resumed && filling.missing.as_ref().is_some_and(|missing| !missing.contains(&chunk));
            if stored || filling.acknowledged.contains(&chunk) {
                filling.acknowledged.insert(chunk);
                continue;
            }
            self.send(filling, chunk, bytes, source.size()).await?;
        }
        let mut left = filling.left(count);
        for _ in 0..ROUNDS {
            for chunk in &left {
                let bytes = source.read(*chunk, filling.volume.chunk_size).await?;
                self.send(filling, *chunk, bytes, source.size()).await?;
            }
            let now = filling.left(count);
            let shrinks = now.len() < left.len();
            left = now;
            if left.is_empty() || !shrinks {
                break;
            }
        }
        let digests = source.digests().ok_or_else(|| {
            Failure::new(Kind::Bug, message("clients.upload.reading", &[("file", &self.file.display())]))
        })?;
        if left.is_empty() || self.is_listed(filling.volume, &digests).await? {
            return Ok(digests);
        }
        let doing = message("clients.upload.finishing", &[("file", &self.file.display())]);
        let count = left.len();
        Err(Stop::Volume(
            Failure::new(Kind::Site, doing).answer(message("clients.upload.missing", &[("count", &count)])),
        ))
    }

    /// Sends one chunk, up to three times.
    async fn send(
        &self,
        filling: &mut Filling<'_>,
        chunk: u32,
        bytes: bytes::Bytes,
        total: u64,
    ) -> Result<(), Stop> {
        let mut tries = 1;
        let Accepted { missing } = loop {
            filling.sent += bytes.len() as u64;
            match self.sink.send(filling.volume, chunk, bytes.clone()).await {
                Ok(accepted) => break accepted,
                Err(ChunkFailure { failure, again: false }) => return Err(Stop::Ours(failure)),
                Err(ChunkFailure { failure, again: true }) if tries == TRIES => {
                    return Err(Stop::Volume(failure));
                }
                Err(_) => {
                    self.sink.pause(PAUSE * 2u32.pow(tries - 1)).await;
                    tries += 1;
                }
            }
        };
        filling.acknowledged.insert(chunk);
        filling.missing = missing.or(filling.missing.take());
        (self.remember)(Memo::Acknowledged(chunk))?;
        let whole = filling.acknowledged.len() as u64 * filling.volume.chunk_size;
        (self.progress)(Progress { done: whole.min(total), total });
        Ok(())
    }

    async fn is_listed(&self, volume: &Volume, digests: &super::Digests) -> Result<bool> {
        for look in 1..=LOOKS {
            if self.sink.is_listed(volume, digests).await? {
                return Ok(true);
            }
            if look < LOOKS {
                self.sink.pause(PAUSE).await;
            }
        }
        Ok(false)
    }
}

impl Filling<'_> {
    /// What the last answer still lists, as far as it can be meant.
    fn left(&self, count: u32) -> BTreeSet<u32> {
        self.missing.iter().flatten().copied().filter(|chunk| *chunk < count).collect()
    }
}

fn is_sane(volume: &Volume) -> bool {
    (1..=LARGEST_CHUNK).contains(&volume.chunk_size)
}
