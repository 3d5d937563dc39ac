//! A file as it was found: the same path, length and time of change mean the same bytes.

use std::{fs::Metadata, io, path::Path, sync::Arc, time::SystemTime};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileState {
    pub path: Arc<Path>,
    /// In bytes.
    pub length: u64,
    modified: SystemTime,
}

impl FileState {
    /// # Errors
    /// The platform does not tell when it was changed.
    pub fn of(path: &Path, found: &Metadata) -> io::Result<Self> {
        Ok(Self { path: path.into(), length: found.len(), modified: found.modified()? })
    }
}
