//! A file without a name that takes bytes at any place, from many connections at once.

use std::{
    fs::File,
    io,
    sync::{Mutex, PoisonError},
};

#[derive(Debug)]
pub struct Store {
    file: File,
    /// The kernel lets one writer at a time into a file, and the others spin for it: here they sleep, and leave the
    /// processor to whoever sends the next bytes.
    turn: Mutex<()>,
}

impl Store {
    pub fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, turn: Mutex::new(()) })
    }

    /// Writes `bytes` from `start` on, in bytes.
    pub fn write_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        write_at(&self.file, start, bytes)
    }

    /// Fills `bytes` from `start` on, in bytes.
    pub fn read_at(&self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        read_at(&self.file, start, bytes)
    }
}

fn write_at(file: &File, start: u64, bytes: &[u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, start);
    #[cfg(windows)]
    {
        let mut written = 0;
        while written < bytes.len() {
            let at = start + written as u64;
            written += std::os::windows::fs::FileExt::seek_write(file, &bytes[written..], at)?;
        }
        Ok(())
    }
}

fn read_at(file: &File, start: u64, bytes: &mut [u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, bytes, start);
    #[cfg(windows)]
    {
        let mut read = 0;
        while read < bytes.len() {
            let at = start + read as u64;
            match std::os::windows::fs::FileExt::seek_read(file, &mut bytes[read..], at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => read += count,
            }
        }
        Ok(())
    }
}
