//! A few buffers that go round: from the reader to the senders and the digests and back, without a copy.

use std::{
    mem,
    sync::mpsc::{self, Receiver, Sender},
};

use bytes::Bytes;

/// Memory for chunks: no buffer is made while another one is free.
#[derive(Debug)]
pub(super) struct Buffers {
    free: Receiver<Vec<u8>>,
    home: Sender<Vec<u8>>,
    made: usize,
    /// Bytes of the longest.
    longest: usize,
}

/// A filled buffer; it goes home when the last one who holds its bytes is done.
struct Lease {
    bytes: Vec<u8>,
    home: Sender<Vec<u8>>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        let (home, free) = mpsc::channel();
        Self { free, home, made: 0, longest: 0 }
    }

    /// The most that all buffers together have taken, in bytes.
    pub(super) fn memory(&self) -> u64 {
        self.made as u64 * self.longest as u64
    }

    /// A buffer of `length` bytes filled by `fill`. Blocks while `most` are in use.
    pub(super) fn filled<E>(
        &mut self,
        length: usize,
        most: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Bytes, E> {
        let mut bytes = match self.free.try_recv() {
            Ok(bytes) => bytes,
            Err(_) if self.made < most => {
                self.made += 1;
                vec![0; length]
            }
            // `home` is held here too, so that there is always one to wait for.
            Err(_) => self.free.recv().unwrap_or_default(),
        };
        bytes.resize(length, 0);
        self.longest = self.longest.max(length);
        let filled = fill(&mut bytes);
        let lease = Lease { bytes, home: self.home.clone() };
        filled.map(|()| Bytes::from_owner(lease))
    }
}

impl AsRef<[u8]> for Lease {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Nobody waits at home any more when the upload is over.
        let _ = self.home.send(mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn filled(buffers: &mut Buffers, length: usize, with: u8) -> Bytes {
        let fill = |bytes: &mut [u8]| {
            bytes.fill(with);
            Ok::<(), Infallible>(())
        };
        buffers.filled(length, 2, fill).unwrap_or_default()
    }

    #[test]
    fn a_buffer_goes_round_and_is_used_again() {
        let mut buffers = Buffers::new();
        let first = filled(&mut buffers, 8, 1);
        let (held, place) = (first.slice(2..4), first.as_ptr());
        drop(first);
        let second = filled(&mut buffers, 4, 2);
        assert_ne!(second.as_ptr(), place, "its bytes are still held");
        assert_eq!(held, [1, 1].as_slice());
        drop(held);
        assert_eq!(filled(&mut buffers, 3, 3), [3, 3, 3].as_slice());
        assert_eq!((buffers.made, buffers.memory()), (2, 16));
    }

    #[test]
    fn who_wants_more_than_there_are_waits_for_the_first_that_comes_back() {
        let mut buffers = Buffers::new();
        let (first, second) = (filled(&mut buffers, 1, 1), filled(&mut buffers, 1, 2));
        let waiting = std::thread::spawn(move || filled(&mut buffers, 1, 3));
        drop(second);
        assert_eq!(waiting.join().unwrap(), [3].as_slice());
        assert_eq!(first, [1].as_slice());
    }
}
