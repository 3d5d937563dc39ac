//! The whole way of a file: a volume, every chunk, repeats where the site asks, a new volume once (api-fisheye §7.2).

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Instant};

use super::{
    ChunkSink, Digests, Listing, Memo, Order, Progress, Resume, Uploaded, Volume,
    filling::{Filling, PAUSE, Stop},
    source::Source,
};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    units,
};

/// What the last answers still list is sent again, at most so often (§7.2).
const ROUNDS: usize = 2;
/// Looks at the list of finished files before chunks are sent again or a volume is given up.
const LOOKS: u32 = 3;
/// A larger chunk than this is no chunk; 8 MiB is what sites announce.
pub(super) const LARGEST_CHUNK: u64 = 256 << 20;

/// One file on its way to one sink.
pub struct Upload<'a> {
    pub sink: Arc<dyn ChunkSink>,
    pub file: &'a Path,
    /// Those of the file, where they are known already: then nothing is digested, and a resumed run reads only
    /// what it sends.
    pub digests: Option<Digests>,
    pub progress: &'a dyn Fn(Progress),
    /// Called before the next request leaves; its failure stops the upload.
    pub remember: &'a dyn Fn(Memo<'_>) -> Result<()>,
}

impl Upload<'_> {
    /// Sends what is missing and returns when every chunk was accepted.
    ///
    /// # Errors
    /// The file cannot be read; the site takes the chunks into no second volume either, or cannot be reached.
    pub async fn run(&self, resume: Option<Resume>) -> Result<Uploaded> {
        let mut source = Source::open(self.file, self.digests.clone())?;
        let mut resume = resume.filter(|earlier| is_sane(&earlier.volume));
        let (mut sent, mut restarted, began) = (0, false, Instant::now());
        loop {
            let resumed = resume.is_some();
            let Resume { volume, acknowledged } = match resume.take() {
                Some(earlier) => earlier,
                None => Resume { volume: self.open().await?, acknowledged: BTreeSet::new() },
            };
            let mut filling = Filling::new(self, volume.clone(), source.size(), &acknowledged, resumed);
            let filled = self.fill(&mut filling, &mut source).await;
            sent += filling.sent;
            match filled {
                Ok(digests) => {
                    tell(self.file, sent, began, source.memory());
                    return Ok(Uploaded { volume, digests, sent, restarted });
                }
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
            return Err(Failure::new(Kind::Site, doing).at(self.file.display()).answer(size));
        }
        (self.remember)(Memo::Opened(&volume))?;
        Ok(volume)
    }

    /// Every chunk once, then what the site still asks for while that becomes less.
    async fn fill(&self, filling: &mut Filling<'_>, source: &mut Source) -> Result<Digests, Stop> {
        let mut before = usize::MAX;
        for _ in 0..=ROUNDS {
            filling.pass(source).await?;
            let digests = source.digests().await?;
            let mut left = filling.account.doubtful();
            let in_doubt = !left.is_empty() || !filling.account.told().is_empty();
            match self.look(&filling.volume, &digests, in_doubt).await? {
                Listing::Whole | Listing::Undigested => return Ok(digests),
                Listing::Different => {
                    return Err(Stop::Volume(
                        self.unfinished().answer(message("clients.upload.different", &[])),
                    ));
                }
                Listing::Absent => left.extend(filling.account.told()),
                Listing::NoList => {}
            }
            if left.is_empty() {
                return Ok(digests);
            }
            let shrinks = std::mem::replace(&mut before, left.len()) > left.len();
            if !shrinks || self.sink.order() == Order::Sequential {
                break;
            }
            filling.account.forget(&left);
        }
        let missing = message("clients.upload.missing", &[("count", &before)]);
        Err(Stop::Volume(self.unfinished().answer(missing)))
    }

    /// What the site's list says; asked again when much depends on it, because it may be late.
    async fn look(&self, volume: &Volume, digests: &Digests, in_doubt: bool) -> Result<Listing> {
        let looks = if in_doubt { LOOKS } else { 1 };
        for _ in 1..looks {
            match self.sink.listing(volume, digests).await? {
                Listing::Absent => self.sink.pause(PAUSE).await,
                seen => return Ok(seen),
            }
        }
        self.sink.listing(volume, digests).await
    }

    fn unfinished(&self) -> Box<Failure> {
        let doing = message("clients.upload.finishing", &[("file", &self.file.display())]);
        Failure::new(Kind::Site, doing)
    }
}

/// What an upload cost, for the log: how fast it was and what its chunks took in memory.
pub(super) fn tell(file: &Path, sent: u64, began: Instant, memory: u64) {
    let took = began.elapsed();
    let rate = (sent as f64 / took.as_secs_f64().max(1e-3)) as u64;
    tracing::info!(
        file = %file.display(),
        sent = units::bytes(sent),
        took = units::duration(took),
        a_second = units::bytes(rate),
        buffers = units::bytes(memory),
        "file sent"
    );
}

fn is_sane(volume: &Volume) -> bool {
    (1..=LARGEST_CHUNK).contains(&volume.chunk_size)
}
