//! The workbook file: finding it, reading it once, and knowing later whether it changed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest, Sha256};

/// What was read, so that a write-back can tell whether the file changed since (planning-sheet 9.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    pub modified: Option<SystemTime>,
    /// Lower-case hex.
    pub sha256: String,
}

impl Source {
    /// The file at `path`, whose content was just read into `bytes`.
    pub fn of(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let modified = fs::metadata(path)?.modified().ok();
        Ok(Self { path: path.to_owned(), size: bytes.len() as u64, modified, sha256 })
    }

    /// Reads the file and says what it is now.
    pub fn read(path: &Path) -> io::Result<Self> {
        Self::of(path, &fs::read(path)?)
    }
}
