//! The file being uploaded: read in order once, digested on the way, read again only for repeats.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::Digests;
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
};

pub(super) struct Source {
    path: PathBuf,
    size: u64,
    /// Taken while a blocking read has it.
    state: Option<State>,
}

struct State {
    file: File,
    sha256: Sha256,
    md5: Md5,
    /// Bytes digested so far, from the start.
    digested: u64,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let open = || {
            let file = File::open(path)?;
            let size = file.metadata()?.len();
            Ok((file, size))
        };
        let (file, size) = open().map_err(|error: io::Error| unreadable(path, &error))?;
        if size == 0 {
            return Err(unreadable(path, &io::Error::other("the file is empty")));
        }
        let state = State { file, sha256: Sha256::new(), md5: Md5::new(), digested: 0 };
        Ok(Self { path: path.to_owned(), size, state: Some(state) })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of one chunk; short only for the last.
    pub(super) async fn read(&mut self, chunk: u32, chunk_size: u64) -> Result<Bytes> {
        let start = u64::from(chunk) * chunk_size;
        let length = chunk_size.min(self.size.saturating_sub(start));
        let Some(mut state) = self.state.take() else {
            return Err(unreadable(&self.path, &io::Error::other("an earlier read failed")));
        };
        let read = tokio::task::spawn_blocking(move || {
            let bytes = state.read(start, length);
            (state, bytes)
        });
        let (state, bytes) = read.await.map_err(|error| unreadable(&self.path, &error))?;
        self.state = Some(state);
        bytes.map(Bytes::from).map_err(|error| unreadable(&self.path, &error))
    }

    /// The digests, once every chunk was read; `None` before.
    pub(super) fn digests(&self) -> Option<Digests> {
        let state = self.state.as_ref().filter(|state| state.digested == self.size)?;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Digests {
            sha256: hex(&state.sha256.clone().finalize()),
            md5: hex(&state.md5.clone().finalize()),
            size: self.size,
        })
    }
}

impl State {
    fn read(&mut self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(start))?;
        self.file.read_exact(&mut bytes)?;
        if start == self.digested {
            self.sha256.update(&bytes);
            self.md5.update(&bytes);
            self.digested += length as u64;
        }
        Ok(bytes)
    }
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> Box<Failure> {
    Failure::new(Kind::Media, message("clients.upload.reading", &[("file", &path.display())]))
        .because(error)
        .advise(message("clients.upload.check_file", &[]))
}
