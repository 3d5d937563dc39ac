//! The digests of a file that is not sent: to tell whether the site has it already.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use md5::Md5;
use sha2::{Digest, Sha256};

use super::{Digests, Progress};
use crate::{
    digest::{hex, pieces},
    failure::{Failure, Kind, Result},
    messages::message,
};

/// Bytes between two words about the progress.
const PIECE: u64 = 64 << 20;

struct Reading {
    file: File,
    sha256: Sha256,
    md5: Md5,
    done: u64,
}

/// Reads the file to its end; what is in memory at a time is small.
pub async fn digests(path: &Path, progress: &dyn Fn(Progress)) -> Result<Digests> {
    let open = || {
        let file = File::open(path)?;
        let total = file.metadata()?.len();
        Ok((Reading { file, sha256: Sha256::new(), md5: Md5::new(), done: 0 }, total))
    };
    let (mut reading, total) = open().map_err(|error| unreadable(path, &error))?;
    loop {
        let piece = tokio::task::spawn_blocking(move || reading.next().map(|read| (reading, read)));
        let (next, read) = piece
            .await
            .map_err(|error| unreadable(path, &io::Error::other(error)))?
            .map_err(|error| unreadable(path, &error))?;
        reading = next;
        if read == 0 {
            break;
        }
        progress(Progress { done: reading.done, total });
    }
    let Reading { sha256, md5, done, .. } = reading;
    Ok(Digests { sha256: hex(&sha256.finalize()), md5: hex(&md5.finalize()), size: done })
}

impl Reading {
    fn next(&mut self) -> io::Result<u64> {
        let (sha256, md5) = (&mut self.sha256, &mut self.md5);
        let read = pieces((&self.file).take(PIECE), |piece| {
            sha256.update(piece);
            md5.update(piece);
        })?;
        self.done += read;
        Ok(read)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Box<Failure> {
    Failure::new(Kind::Media, message("clients.upload.reading", &[("file", &path.display())]))
        .because(error)
        .advise(message("clients.upload.check_file", &[]))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_file_is_digested_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.iso");
        std::fs::write(&path, b"abc").unwrap();
        let told = Cell::new(0);
        let digests = digests(&path, &|progress| told.set(progress.done)).await.unwrap();
        assert_eq!(digests.md5, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(digests.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((digests.size, told.get()), (3, 3));
    }
}
