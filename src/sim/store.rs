//! Room without a name that takes bytes at any place, from many connections at once.

use std::{
    fs::File,
    io,
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// Neighbouring stripes lie in different files: the kernel lets one writer at a time into a file.
#[derive(Debug)]
pub struct Store {
    files: Vec<Part>,
}

/// One of the files: every fourth stripe, one after the other.
#[derive(Debug)]
struct Part {
    file: File,
    /// Whoever waits for the kernel's turn spins: here they sleep, and leave the processor to whoever sends the next bytes.
    turn: Mutex<()>,
}

const FILES: u64 = 4;
/// In bytes: a chunk of a cluster's images.
const STRIPE: u64 = 8 << 20;

impl Store {
    pub fn new() -> io::Result<Self> {
        let part = |_| Ok(Part { file: tempfile::tempfile()?, turn: Mutex::new(()) });
        Ok(Self { files: (0..FILES).map(part).collect::<io::Result<_>>()? })
    }

    /// Writes `bytes` from `start` on, in bytes.
    pub fn write_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        for (part, at, range) in self.stretches(start, bytes.len()) {
            let _turn = part.turn.lock().unwrap_or_else(PoisonError::into_inner);
            write_at(&part.file, at, &bytes[range])?;
        }
        Ok(())
    }

    /// Fills `bytes` from `start` on, in bytes.
    pub fn read_at(&self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        for (part, at, range) in self.stretches(start, bytes.len()) {
            read_at(&part.file, at, &mut bytes[range])?;
        }
        Ok(())
    }

    /// Stripe by stripe: which file, where in it, and which of the bytes.
    fn stretches(&self, start: u64, length: usize) -> impl Iterator<Item = (&Part, u64, Range<usize>)> {
        let mut done = 0_usize;
        std::iter::from_fn(move || {
            let at = start + done as u64;
            let room = usize::try_from(STRIPE - at % STRIPE).unwrap_or(usize::MAX);
            let range = done..length.min(done.saturating_add(room));
            done = range.end;
            let part = self.files.get(usize::try_from(at / STRIPE % FILES).ok()?)?;
            let within = at / (STRIPE * FILES) * STRIPE + at % STRIPE;
            (!range.is_empty()).then_some((part, within, range))
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_across_stripes_are_read_as_they_were_written() {
        let store = Store::new().unwrap();
        let bytes: Vec<u8> = (0..STRIPE + 200).map(|at| (at % 251) as u8).collect();
        let start = FILES * STRIPE - 100;
        store.write_at(start, &bytes).unwrap();
        store.write_at(start + 50, &bytes[50..60]).unwrap();
        let mut read = vec![0; bytes.len()];
        store.read_at(start, &mut read).unwrap();
        assert!(read == bytes);
        assert!(store.read_at(start, &mut vec![0; bytes.len() + 1]).is_err(), "nothing lies behind them");
    }
}
