//! Digests of the file while it travels: each on a thread of its own, fed with the very bytes that are sent.

use std::sync::mpsc::{self, Receiver, Sender};

use bytes::Bytes;
use md5::Md5;
use sha2::{Digest, Sha256};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::Digests;
use crate::digest::hex;

pub(super) struct Digesting {
    size: u64,
    /// Bytes digested, or on their way to it, from the start of the file.
    fed: u64,
    /// Closed after the last byte.
    feeds: Vec<Sender<Bytes>>,
    sha256: Option<JoinHandle<String>>,
    md5: Option<JoinHandle<String>>,
    known: Option<Digests>,
}

impl Digesting {
    /// Nothing is digested when the digests are `known`.
    pub(super) fn new(size: u64, known: Option<Digests>) -> Self {
        if known.is_some() {
            return Self { size, fed: size, feeds: Vec::new(), sha256: None, md5: None, known };
        }
        let ((to_sha256, sha256), (to_md5, md5)) = (mpsc::channel(), mpsc::channel());
        Self {
            size,
            fed: 0,
            feeds: vec![to_sha256, to_md5],
            sha256: Some(spawn_blocking(|| digest::<Sha256>(sha256))),
            md5: Some(spawn_blocking(|| digest::<Md5>(md5))),
            known: None,
        }
    }

    /// Whether these bytes of the file were not digested yet.
    pub(super) fn wants(&self, start: u64, length: u64) -> bool {
        self.fed < start + length
    }

    /// Takes what is next of `bytes`, which lie at `start` of the file; what was digested before is passed over.
    pub(super) fn feed(&mut self, start: u64, bytes: &Bytes) {
        let end = start + bytes.len() as u64;
        let Some(skip) = self.fed.checked_sub(start).filter(|_| self.fed < end) else { return };
        let Ok(skip) = usize::try_from(skip) else { return };
        for feed in &self.feeds {
            // A digest that has died is noticed when its result is asked for.
            let _ = feed.send(bytes.slice(skip..));
        }
        self.fed = end;
        if self.fed == self.size {
            self.feeds.clear();
        }
    }

    /// The digests; `None` when not every byte was fed.
    pub(super) async fn done(&mut self) -> Result<Option<Digests>, JoinError> {
        if self.fed == self.size
            && let (Some(sha256), Some(md5)) = (self.sha256.take(), self.md5.take())
        {
            self.known = Some(Digests { sha256: sha256.await?, md5: md5.await?, size: self.size });
        }
        Ok(self.known.clone())
    }
}

fn digest<D: Digest>(bytes: Receiver<Bytes>) -> String {
    let mut digest = D::new();
    bytes.iter().for_each(|bytes| digest.update(&bytes));
    hex(&digest.finalize())
}
