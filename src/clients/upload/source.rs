//! The file being uploaded: read in order once, on a thread of its own. What no digest needs (any more) is not read here
//! but while it travels.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Digests, buffers::Buffers, digest::Digesting, window};
use crate::{
    clients::{content::Content, file_state::FileState},
    failure::{Failure, Kind, Result},
    messages::message,
};

pub(super) struct Source {
    file: FileState,
    wishes: mpsc::Sender<Wish>,
    pieces: UnboundedReceiver<io::Result<Piece>>,
    /// Whether a chunk was wished for that has not come yet.
    reading: bool,
    digesting: Digesting,
    /// Bytes of memory for chunks so far.
    memory: Arc<AtomicU64>,
}

/// A part of the file that is wanted.
#[derive(Clone, Copy, Debug)]
struct Wish {
    chunk: u32,
    start: u64,
    length: usize,
    /// How many chunks may be in memory.
    buffers: usize,
}

/// One chunk's bytes.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub chunk: u32,
    start: u64,
    pub bytes: Bytes,
}

impl Piece {
    pub(super) fn starts_at(&self, start: u64) -> bool {
        self.start == start
    }
}

impl Source {
    /// Opens the file. Digests that are `known` are believed when they are of a file of this size.
    pub(super) fn open(path: &Path, known: Option<Digests>) -> Result<Self> {
        let open = || {
            let file = File::open(path)?;
            let state = FileState::of(path, &file.metadata()?)?;
            Ok((file, state))
        };
        let (file, state) = open().map_err(|error: io::Error| unreadable(path, &error))?;
        let size = state.length;
        if size == 0 {
            return Err(unreadable(path, &io::Error::other("the file is empty")));
        }
        let (wishes, wished) = mpsc::channel();
        let (read, pieces) = unbounded_channel();
        let memory = Arc::new(AtomicU64::new(0));
        let taken = memory.clone();
        tokio::task::spawn_blocking(move || serve(file, &wished, &read, &taken));
        let digesting = Digesting::new(size, known.filter(|digests| digests.size == size));
        Ok(Self { file: state, wishes, pieces, reading: false, digesting, memory })
    }

    pub(super) fn size(&self) -> u64 {
        self.file.length
    }

    /// Where a chunk starts and how long it is, in bytes: short only at the end of the file.
    fn stretch(&self, chunk: u32, chunk_size: u64) -> (u64, u64) {
        let start = u64::from(chunk) * chunk_size;
        (start, chunk_size.min(self.size().saturating_sub(start)))
    }

    /// Whether this chunk has to be read for the digests' sake.
    pub(super) fn digests_want(&self, chunk: u32, chunk_size: u64) -> bool {
        let (start, length) = self.stretch(chunk, chunk_size);
        self.digesting.wants(start, length)
    }

    pub(super) fn is_reading(&self) -> bool {
        self.reading
    }

    /// A chunk that no digest needs is not read ahead: it is read piece by piece while it travels.
    pub(super) fn unread(&self, chunk: u32, chunk_size: u64) -> Option<Content> {
        let (start, length) = self.stretch(chunk, chunk_size);
        (!self.digests_want(chunk, chunk_size)).then(|| Content::stretch(self.file.clone(), start, length))
    }

    /// Begins to read a chunk.
    pub(super) fn begin(&mut self, chunk: u32, chunk_size: u64) -> Result<()> {
        let (start, length) = self.stretch(chunk, chunk_size);
        let length = usize::try_from(length).map_err(|error| unreadable(&self.file.path, &error))?;
        // One more is being read, and one waits for its turn.
        let wish = Wish { chunk, start, length, buffers: window::largest(chunk_size) + 2 };
        self.wishes.send(wish).map_err(|error| unreadable(&self.file.path, &error))?;
        self.reading = true;
        Ok(())
    }

    /// The chunk begun; the digests have their share of it. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Result<Piece> {
        let piece = match self.pieces.recv().await {
            Some(piece) => piece,
            None => Err(io::Error::other("an earlier read failed")),
        };
        self.reading = false;
        let piece = piece.map_err(|error| unreadable(&self.file.path, &error))?;
        self.digesting.feed(piece.start, &piece.bytes);
        Ok(piece)
    }

    /// What the chunks have taken in memory at most, in bytes.
    pub(super) fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    /// The digests, once every chunk was read.
    pub(super) async fn digests(&mut self) -> Result<Digests> {
        let doing = || message("clients.upload.reading", &[("file", &self.file.path.display())]);
        let digests = self.digesting.done().await;
        let digests = digests.map_err(|error| Failure::new(Kind::Bug, doing()).because(&error))?;
        digests.ok_or_else(|| Failure::new(Kind::Bug, doing()))
    }
}

/// Reads what is wished for until nobody wishes any more.
fn serve(
    mut file: File,
    wishes: &mpsc::Receiver<Wish>,
    pieces: &UnboundedSender<io::Result<Piece>>,
    memory: &AtomicU64,
) {
    let mut buffers = Buffers::new();
    for Wish { chunk, start, length, buffers: most } in wishes {
        let read = buffers.filled(length, most, |bytes| {
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(bytes)
        });
        memory.store(buffers.memory(), Ordering::Relaxed);
        if pieces.send(read.map(|bytes| Piece { chunk, start, bytes })).is_err() {
            return;
        }
    }
}

pub(super) fn unreadable(path: &Path, error: &dyn std::error::Error) -> Box<Failure> {
    Failure::new(Kind::Media, message("clients.upload.reading", &[("file", &path.display())]))
        .because(error)
        .advise(message("clients.upload.check_file", &[]))
}
