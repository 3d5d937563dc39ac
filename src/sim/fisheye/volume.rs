//! One upload volume: its chunks, where they lie, and the digests of what they make (site-behaviour §5.3).

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    super::{
        clock::Moment,
        landing::{Landed, Place},
        random,
        store::Store,
    },
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
    file: Option<Arc<Store>>,
    digest: Rolling,
}

/// The bytes of a chunk.
#[derive(Debug)]
pub enum Data<'a> {
    Here(&'a [u8]),
    Landed(&'a Landed),
}

impl Data<'_> {
    /// In bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Here(data) => data.len() as u64,
            Self::Landed(landed) => landed.length,
        }
    }
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

    fn file(&mut self) -> io::Result<Arc<Store>> {
        if let Some(file) = &self.bytes.file {
            return Ok(file.clone());
        }
        Ok(self.bytes.file.insert(Arc::new(Store::new()?)).clone())
    }

    /// Where a chunk may lie already while it comes; none for one that is stored, which stays as it is.
    pub fn place(&mut self, number: u64) -> Option<Place> {
        if !self.is_open() || number >= self.chunk_count() || self.stored.contains(&number) {
            return None;
        }
        let (start, length) = (number * self.chunk_size, self.chunk_length(number));
        Some(Place { file: self.file().ok()?, start, length })
    }

    /// Keeps the bytes of a chunk.
    pub fn store(&mut self, number: u64, data: &Data<'_>) -> io::Result<()> {
        let start = number * self.chunk_size;
        let file = self.file()?;
        match data {
            Data::Here(data) => file.write_at(start, data)?,
            Data::Landed(landed) if Arc::ptr_eq(&landed.file, &file) => {}
            // A patch of the state has moved the volume to another file meanwhile.
            Data::Landed(landed) => {
                let mut data = vec![0; usize::try_from(landed.length).map_err(io::Error::other)?];
                landed.file.read_at(start, &mut data)?;
                file.write_at(start, &data)?;
            }
        }
        self.stored.insert(number);
        Ok(())
    }

    fn read(&mut self, number: u64) -> io::Result<Vec<u8>> {
        let mut data = vec![0; usize::try_from(self.chunk_length(number)).map_err(io::Error::other)?];
        self.file()?.read_at(number * self.chunk_size, &mut data)?;
        Ok(data)
    }

    /// Digests on, so far as there is no gap.
    pub fn digest(&mut self) -> io::Result<()> {
        // Small enough to stay in the processor's cache between its reading and its two digests.
        let mut piece = vec![0; 256 << 10];
        while self.stored.contains(&self.bytes.digest.chunks) {
            let number = self.bytes.digest.chunks;
            let (file, start) = (self.file()?, number * self.chunk_size);
            let mut left = usize::try_from(self.chunk_length(number)).map_err(io::Error::other)?;
            let mut at = start;
            let digest = &mut self.bytes.digest;
            while left > 0 {
                let length = left.min(piece.len());
                file.read_at(at, &mut piece[..length])?;
                digest.md5.update(&piece[..length]);
                digest.sha256.update(&piece[..length]);
                (at, left) = (at + length as u64, left - length);
            }
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
                let data = STANDARD.decode(text).map_err(io::Error::other)?;
                volume.store(*number, &Data::Here(&data))?;
            }
        }
        Ok(())
    }
}
