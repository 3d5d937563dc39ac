//! What a file part of a form holds: bytes that are in memory, or a stretch of a file that is read while it travels.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use reqwest::Body;
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

use super::file_state::FileState;

/// Bytes that leave at a time: few enough to be still in the processor's cache then.
const PIECE: usize = 1 << 20;

/// Cheap to clone, and can be sent any number of times.
#[derive(Clone, Debug)]
pub struct Content {
    origin: Origin,
    /// Held until the last piece leaves, or nothing more of it will.
    pass: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

#[derive(Clone, Debug)]
enum Origin {
    Bytes(Bytes),
    File {
        file: FileState,
        /// In bytes.
        start: u64,
        /// In bytes.
        length: u64,
    },
}

impl Content {
    /// So many bytes of a file from `start` on.
    pub fn stretch(file: FileState, start: u64, length: u64) -> Self {
        Self { origin: Origin::File { file, start, length }, pass: Arc::default() }
    }

    /// The same, with a permit that is given back as soon as all of it has left.
    pub fn holding(self, pass: Option<OwnedSemaphorePermit>) -> Self {
        Self { pass: Arc::new(Mutex::new(pass)), ..self }
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        match &self.origin {
            Origin::Bytes(bytes) => bytes.len() as u64,
            Origin::File { length, .. } => *length,
        }
    }

    /// Whether it can be read to its end: a body that cannot looks like a lost answer.
    ///
    /// # Errors
    /// The file is shorter than it was, or another one, or cannot be read.
    pub async fn check(&self) -> io::Result<()> {
        let pieces = self.pieces();
        let read = pieces.try_fold(0, async |read, piece| Ok(read + piece.len() as u64)).await?;
        if read == self.length() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// The body of one sending. A file that has changed, or cannot be read to the end, breaks the connection.
    pub(super) fn body(&self) -> Body {
        let mut pass = self.pass.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut left = self.length();
        Body::wrap_stream(self.pieces().inspect_ok(move |piece| {
            left = left.saturating_sub(piece.len() as u64);
            if left == 0 {
                drop(pass.take());
            }
        }))
    }

    /// Its bytes, a piece at a time.
    pub fn pieces(&self) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        match &self.origin {
            Origin::Bytes(bytes) => {
                let bytes = bytes.clone();
                let starts = (0..bytes.len()).step_by(PIECE);
                let piece = move |start| bytes.slice(start..bytes.len().min(start + PIECE));
                stream::iter(starts).map(piece).map(Ok).left_stream()
            }
            Origin::File { file, start, length } => {
                let reading = Reading { file: file.clone(), open: None, start: *start, left: *length };
                stream::try_unfold(reading, Reading::next).right_stream()
            }
        }
    }
}

/// A stretch of a file, as far as it has been read.
struct Reading {
    file: FileState,
    open: Option<File>,
    /// In bytes.
    start: u64,
    /// In bytes.
    left: u64,
}

impl Reading {
    /// The next piece, read on a thread that may wait for the disk, straight to where it is sent from.
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.left == 0 {
            return Ok(None);
        }
        let read =
            spawn_blocking(move || Ok(Some((self.read()?, self)).filter(|(piece, _)| !piece.is_empty())));
        read.await.map_err(io::Error::other)?
    }

    /// Empty at the end of the stretch or of the file. Errors: it cannot be read, or is another file than it was.
    fn read(&mut self) -> io::Result<Bytes> {
        let mut file = match self.open.take() {
            Some(file) => file,
            None => {
                let mut file = File::open(&self.file.path)?;
                if FileState::of(&self.file.path, &file.metadata()?)? != self.file {
                    return Err(io::Error::other("the file has changed"));
                }
                file.seek(SeekFrom::Start(self.start))?;
                file
            }
        };
        let wanted = usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE));
        let mut piece = Vec::with_capacity(wanted);
        self.left -= (&mut file).take(wanted as u64).read_to_end(&mut piece)? as u64;
        self.open = Some(file);
        Ok(piece.into())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self { origin: Origin::Bytes(bytes), pass: Arc::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, path::Path};

    use super::*;

    fn stretch(path: &Path, start: u64, length: u64) -> Content {
        let file = FileState::of(path, &path.metadata().unwrap()).unwrap();
        Content::stretch(file, start, length)
    }

    async fn sent(content: &Content) -> Result<Bytes, axum::Error> {
        axum::body::to_bytes(axum::body::Body::new(content.body()), usize::MAX).await
    }

    #[tokio::test]
    async fn a_stretch_of_a_file_is_sent_as_often_as_wanted_and_nothing_around_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"0123456789").unwrap();
        let content = stretch(file.path(), 3, 4);
        for _ in 0..2 {
            assert_eq!(sent(&content).await.unwrap(), "3456");
        }
        assert_eq!(content.length(), 4);
    }

    #[tokio::test]
    async fn a_file_that_has_changed_or_is_gone_is_not_sent_and_says_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"0123456789").unwrap();
        let content = stretch(file.path(), 0, 4);
        content.check().await.unwrap();
        fs::write(file.path(), b"01234").unwrap();
        assert!(sent(&content).await.is_err() && content.check().await.is_err());
        drop(file);
        assert!(sent(&content).await.is_err() && content.check().await.is_err());
    }

    #[tokio::test]
    async fn bytes_in_memory_are_sent_whole_and_the_pass_is_given_back_with_the_last_of_them() {
        let passes = Arc::new(tokio::sync::Semaphore::new(1));
        let bytes = Bytes::from(vec![7; 2 * PIECE + 1]);
        let content = Content::from(bytes.clone()).holding(passes.clone().try_acquire_owned().ok());
        let mut body = axum::body::Body::new(content.body()).into_data_stream();
        let (mut sent, mut held) = (Vec::new(), Vec::new());
        while let Some(piece) = body.try_next().await.unwrap() {
            sent.extend_from_slice(&piece);
            held.push(passes.available_permits() == 0);
        }
        assert_eq!((sent, held), (bytes.to_vec(), vec![true, true, false]));
    }
}
