//! The zip that a report is: the same bytes for the same name, so that a download can be resumed.

use std::io::{self, Cursor, Write};

use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::super::super::random;

/// Bytes of a report that covers nothing to speak of.
pub const PARTIAL: usize = 4 << 10;

/// A zip of about `size` bytes; what is inside is noise.
pub fn zip(seed: u64, filename: &str, size: usize) -> io::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::with_capacity(size + 1024)));
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    let stem = filename.trim_end_matches(".zip");
    archive.start_file(format!("{stem}.docx"), options.compression_method(CompressionMethod::Stored))?;
    archive.write_all(&noise(seed, filename, size))?;
    archive.start_file("readme.txt", options.compression_method(CompressionMethod::Deflated))?;
    archive.write_all(b"A simulated inspection report: it tells nothing about any cluster.\n")?;
    Ok(archive.finish()?.into_inner())
}

/// xorshift64*, which is quick in a debug build too.
fn noise(seed: u64, name: &str, size: usize) -> Vec<u8> {
    let start = random::bytes(seed, &["report", name]);
    let mut state =
        u64::from_le_bytes([start[0], start[1], start[2], start[3], start[4], start[5], start[6], start[7]])
            | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
