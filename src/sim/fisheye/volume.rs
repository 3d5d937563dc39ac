//! One upload volume: its chunks, where they lie, and the digests of what they make (site-behaviour §5.3).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    super::{clock::Moment, random},
    Cluster,
};

/// `[site.uploads]`: how the site takes uploads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UploadQuirks {
    /// Bytes of every chunk but the last. 38 chunks of the usual size make 317 816 832 bytes (S).
    pub chunk_size: u64,
    /// Refuses a chunk while an earlier one is missing (api-fisheye §7.2: nothing is known about order).
    pub in_order: bool,
    /// Off only where the sender's speed is measured: volumes then have no MD5.
    pub digests: bool,
}

impl Default for UploadQuirks {
    fn default() -> Self {
        Self { chunk_size: 8_388_608, in_order: false, digests: true }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Svt,
    Image,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Volume {
    pub id: String,
    pub image_uuid: String,
    pub kind: Kind,
    pub name: String,
    /// Bytes.
    pub size: u64,
    pub chunk_size: u64,
    pub description: String,
    pub stored: BTreeSet<u64>,
    pub since: Moment,
    pub complete: bool,
    pub deleted: bool,
    pub md5: Option<String>,
    #[serde(skip)]
    pub bytes: Bytes,
}

/// Where the chunks of an open volume lie; made with the first of them.
#[derive(Debug, Default)]
pub struct Bytes {
    file: Option<File>,
    digest: Rolling,
}

/// Digests of the first chunks, as far as they are there without a gap.
#[derive(Debug, Default)]
struct Rolling {
    chunks: u64,
    md5: Md5,
    sha256: Sha256,
}

/// Chunks of open volumes in a snapshot: volume id → chunk number → base64.
pub type ChunkBytes = BTreeMap<String, BTreeMap<u64, String>>;

impl Volume {
    pub fn chunk_count(&self) -> u64 {
        self.size.div_ceil(self.chunk_size)
    }

    pub fn chunk_length(&self, number: u64) -> u64 {
        self.chunk_size.min(self.size - number * self.chunk_size)
    }

    pub fn missing(&self) -> Vec<u64> {
        (0..self.chunk_count()).filter(|number| !self.stored.contains(number)).collect()
    }

    pub fn is_open(&self) -> bool {
        !self.complete && !self.deleted
    }

    pub fn stored_count(&self) -> usize {
        self.stored.len()
    }

    pub fn path(&self) -> String {
        match self.kind {
            Kind::Svt => format!("/usr/share/smartx/images/vmtools/{}", self.image_uuid),
            Kind::Image => {
                format!("iscsi://iqn.2016-02.com.smartx:system:zbs-iscsi-datastore-{}/1", self.image_uuid)
            }
        }
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.bytes.file.is_none() {
            self.bytes.file = Some(tempfile::tempfile()?);
        }
        self.bytes.file.as_mut().ok_or_else(|| io::Error::other("no file"))
    }

    /// Keeps the bytes of a chunk.
    pub fn store(&mut self, number: u64, data: &[u8]) -> io::Result<()> {
        let start = number * self.chunk_size;
        let file = self.file()?;
        file.seek(SeekFrom::Start(start))?;
        file.write_all(data)?;
        self.stored.insert(number);
        Ok(())
    }

    fn read(&mut self, number: u64) -> io::Result<Vec<u8>> {
        let start = number * self.chunk_size;
        let mut data = vec![0; usize::try_from(self.chunk_length(number)).map_err(io::Error::other)?];
        let file = self.file()?;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut data)?;
        Ok(data)
    }

    /// Digests on, so far as there is no gap. `number` and `data` are the chunk at hand, which is not read back.
    pub fn digest(&mut self, number: u64, data: &[u8]) -> io::Result<()> {
        while self.stored.contains(&self.bytes.digest.chunks) {
            let next = self.bytes.digest.chunks;
            let read;
            let data = if next == number {
                data
            } else {
                read = self.read(next)?;
                &read
            };
            let digest = &mut self.bytes.digest;
            digest.md5.update(data);
            digest.sha256.update(data);
            digest.chunks += 1;
        }
        Ok(())
    }

    /// MD5 and SHA-256 of the reassembled bytes, once they were digested to the end.
    pub fn digests(&self) -> Option<(String, String)> {
        let digest = &self.bytes.digest;
        (digest.chunks == self.chunk_count()).then(|| {
            (random::hex(&digest.md5.clone().finalize()), random::hex(&digest.sha256.clone().finalize()))
        })
    }
}

impl Cluster {
    /// The chunks that a snapshot must carry.
    pub fn chunk_bytes(&mut self) -> io::Result<ChunkBytes> {
        let mut all = ChunkBytes::new();
        for volume in self.volumes.iter_mut().filter(|volume| volume.is_open()) {
            let chunks = all.entry(volume.id.clone()).or_default();
            for number in volume.stored.clone() {
                chunks.insert(number, STANDARD.encode(volume.read(number)?));
            }
        }
        Ok(all)
    }

    pub fn restore_chunks(&mut self, chunks: ChunkBytes) -> io::Result<()> {
        for volume in &mut self.volumes {
            for (number, text) in chunks.get(&volume.id).into_iter().flatten() {
                volume.store(*number, &STANDARD.decode(text).map_err(io::Error::other)?)?;
            }
        }
        Ok(())
    }
}
