//! Digests of whole files, read once and in pieces.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use sha2::{Digest, Sha256};

/// Small enough to be in the processor's cache still when a digest takes it, large enough for a disk.
const PIECE: usize = 256 << 10;

/// Hands everything that can be read to `each` and answers how many bytes it was.
pub fn pieces(mut from: impl Read, mut each: impl FnMut(&[u8])) -> io::Result<u64> {
    let (mut piece, mut bytes) = (vec![0; PIECE], 0);
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(bytes),
            read => {
                each(&piece[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// Length in bytes and SHA-256 (hex) of a file.
pub fn sha256(path: &Path) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let bytes = pieces(File::open(path)?, |piece| digest.update(piece))?;
    Ok((bytes, hex(&digest.finalize())))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_more_than_one_piece_is_digested_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let (path, content) = (folder.path().join("a.iso"), vec![7; PIECE + 3]);
        std::fs::write(&path, &content).unwrap();
        let whole = hex(&Sha256::digest(&content));
        assert_eq!(sha256(&path).unwrap(), (content.len() as u64, whole));
    }
}
