//! The workbook file: finding it, reading it once, and knowing later whether it changed.

use std::{path::PathBuf, time::SystemTime};

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
