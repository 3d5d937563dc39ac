//! Uploads in chunks; each protocol is a `ChunkSink` (numbered chunks) or an `AppendSink` (appended ones).
//!
//! The file is read once, in order; chunks travel on the runtime's workers, digests are made on threads of their
//! own, and what is in memory is at most the window and two chunks. Numbered chunks that no digest needs are not read
//! ahead: they are read while they travel.

mod account;
mod appending;
mod buffers;
mod digest;
mod door;
mod filling;
mod of_file;
mod sender;
mod source;
#[cfg(test)]
mod tests;
mod window;

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub use self::{
    appending::{
        AppendMemo, AppendResume, AppendSink, AppendUpload, Appended, Appending, Chunk, Opened, Stored,
    },
    of_file::digests,
    sender::Upload,
};
use super::{content::Content, lenient};
use crate::failure::{Failure, Result};

/// What the site opened for one file. Journaled, so that a resumed run goes on inside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub zbs_volume_id: String,
    pub image_uuid: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub image_path: String,
    /// Bytes of every chunk but the last.
    #[serde(deserialize_with = "lenient::number")]
    pub chunk_size: u64,
}

impl Volume {
    /// How many chunks a file of `size` bytes has: the last one holds the remainder.
    pub fn chunks(&self, size: u64) -> u32 {
        u32::try_from(size.div_ceil(self.chunk_size.max(1))).unwrap_or(u32::MAX)
    }
}

/// A chunk was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Accepted {
    /// What the site says it still lacks. A hint: the documented sample contradicts its own text
    /// (api-fisheye §7.2).
    #[serde(default, rename = "to_upload", deserialize_with = "hint")]
    pub missing: Option<Vec<u32>>,
}

fn hint<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Vec<u32>>, D::Error> {
    lenient::numbers(from).map(Some)
}

/// A chunk was not stored, or nobody knows.
#[derive(Debug)]
pub struct ChunkFailure {
    pub failure: Box<Failure>,
    pub setback: Setback,
    /// How long the site asks us to stay away.
    pub retry_after: Option<Duration>,
}

/// What a failed chunk says about sending it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setback {
    /// No usable answer, or a 5xx: whether it is stored nobody knows.
    Lost,
    /// The site does not take it; perhaps only because an earlier one is missing.
    Refused,
    /// This upload is lost, and another one may do better: the site's count contradicts ours.
    Spoilt,
    /// The site says that it has ended this upload. It is over, and so is the attempt.
    Ended,
    /// Too much at a time (429). It says nothing about the chunk.
    Throttled,
    /// Repetition cannot help: the session is refused for good, the peer's identity has changed, or the
    /// transcript cannot be written.
    Final,
}

/// Digests of a file, in lower-case hex: SHA-256 for the record, MD5 because the site lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    pub sha256: String,
    pub md5: String,
    /// Bytes.
    pub size: u64,
}

/// How the chunks of a protocol may travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Numbered: several at a time, as far as the site is seen to bear it.
    Any,
    /// Each is appended to what is there: one at a time, and none can be sent later.
    Sequential,
}

/// What the site's own list says about a finished volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Listed as our file, with our MD5.
    Whole,
    /// Finished with our size, but its MD5 is not there (yet).
    Undigested,
    /// Finished, and another file than ours.
    Different,
    /// Not there, or not finished.
    Absent,
    /// The site has no list of such files.
    NoList,
}

/// Where chunks go: the adapter of one protocol.
pub trait ChunkSink: Send + Sync {
    fn order(&self) -> Order {
        Order::Any
    }

    fn create(&self) -> BoxFuture<'_, Result<Volume>>;

    /// Sends one chunk once; an expired session is renewed and the same chunk sent again. Called from several
    /// tasks at a time where the order is `Any`. A chunk that is stored already does no harm. The bytes are lent:
    /// who keeps them stops the reader.
    fn send<'a>(
        &'a self,
        volume: &'a Volume,
        chunk: u32,
        content: Content,
    ) -> BoxFuture<'a, Result<Accepted, ChunkFailure>>;

    /// Removes a volume, finished or not; one that is gone already is no error.
    fn delete<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>>;

    /// What the site's list says about the volume.
    fn listing<'a>(&'a self, volume: &'a Volume, digests: &'a Digests) -> BoxFuture<'a, Result<Listing>>;

    /// Waits on the injected clock.
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// What an upload wants remembered for a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memo<'a> {
    /// A volume is open; nothing was sent to it yet.
    Opened(&'a Volume),
    /// A chunk of the open volume was acknowledged: a hint, need not be flushed.
    Acknowledged(u32),
    /// The volume is gone; forget it and its chunks.
    Deleted(&'a Volume),
}

/// What an earlier run remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    pub volume: Volume,
    pub acknowledged: BTreeSet<u32>,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes the site has, those of an earlier run included.
    pub done: u64,
    pub total: u64,
}

/// The site has every chunk, and its list, if there is one, does not contradict. A list that shows the file
/// late is for the step's probe to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    pub volume: Volume,
    pub digests: Digests,
    /// Bytes sent by this run, repeated ones included.
    pub sent: u64,
    /// Whether the first volume had to be given up.
    pub restarted: bool,
}
