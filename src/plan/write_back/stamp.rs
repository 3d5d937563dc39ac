//! What a file was when it was read: the mark by which a later change is noticed.

use std::{fs, io, path::Path, time::SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Size, time of change and digest of a file (planning-sheet §9 rule 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStamp {
    /// Bytes.
    pub size: u64,
    /// Last change in nanoseconds since 1970; `None` where the file system knows none.
    pub modified: Option<u128>,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

impl SourceStamp {
    /// The stamp of a file whose content was just read into `bytes`.
    pub fn of(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let modified = fs::metadata(path)?.modified().ok();
        let modified = modified.and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok());
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { size: bytes.len() as u64, modified: modified.map(|m| m.as_nanos()), sha256 })
    }

    /// Reads the file and stamps it.
    pub fn read(path: &Path) -> io::Result<Self> {
        Self::of(path, &fs::read(path)?)
    }
}
