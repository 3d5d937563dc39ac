//! Image files that were cut off on their way: at a file system's limit, or short of what they say of themselves.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// Where old file systems and programs end a file: FAT32 at 4 GiB less one byte, others at 4 or 2 GiB.
const LIMITS: [u64; 4] = [(1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32];

/// The primary volume descriptor of an ISO 9660 image: sector 16 of 2 KiB (ECMA-119 §8.4).
const DESCRIPTOR: u64 = 16 * 2048;

/// What an image file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    Whole,
    /// It ends exactly where a file system's limit is.
    AtLimit,
    /// It is shorter than its own header says, in bytes.
    Short {
        declared: u64,
    },
    /// It is no ISO 9660 image.
    Strange,
}

/// Judges the image file of `size` bytes at `path`.
pub fn judge(path: &Path, size: u64) -> io::Result<Image> {
    let declared = declared(path)?;
    Ok(match declared {
        // A header that agrees with the length clears even a file that ends at a limit.
        Some(declared) if declared <= size => Image::Whole,
        _ if LIMITS.contains(&size) => Image::AtLimit,
        Some(declared) => Image::Short { declared },
        None => Image::Strange,
    })
}

/// The length in bytes that the image's header gives, or `None` without such a header.
fn declared(path: &Path) -> io::Result<Option<u64>> {
    let mut descriptor = [0; 132];
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(DESCRIPTOR))?;
    match file.read_exact(&mut descriptor) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    if descriptor[..6] != *b"\x01CD001" {
        return Ok(None);
    }
    let blocks = u32::from_le_bytes([descriptor[80], descriptor[81], descriptor[82], descriptor[83]]);
    let block = u16::from_le_bytes([descriptor[128], descriptor[129]]);
    Ok(Some(u64::from(blocks) * u64::from(block)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sparse file of `size` bytes whose header says `declared`.
    fn image(size: u64, declared: Option<u64>) -> tempfile::NamedTempFile {
        use std::io::Write;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(size).unwrap();
        if let Some(declared) = declared {
            let mut descriptor = [0; 132];
            descriptor[..6].copy_from_slice(b"\x01CD001");
            descriptor[80..84].copy_from_slice(&u32::try_from(declared / 2048).unwrap().to_le_bytes());
            descriptor[128..130].copy_from_slice(&2048u16.to_le_bytes());
            file.seek(SeekFrom::Start(DESCRIPTOR)).unwrap();
            file.write_all(&descriptor).unwrap();
        }
        file
    }

    fn judged(size: u64, declared: Option<u64>) -> Image {
        judge(image(size, declared).path(), size).unwrap()
    }

    #[test]
    fn a_file_cut_at_a_limit_of_its_file_system_is_recognised() {
        for size in LIMITS {
            assert_eq!(judged(size, Some(7_873_968_128)), Image::AtLimit, "{size}");
            assert_eq!(judged(size, None), Image::AtLimit, "{size}");
        }
        assert_eq!(judged(1 << 32, Some(1 << 32)), Image::Whole, "it is meant to be that long");
    }

    #[test]
    fn a_file_shorter_than_its_header_says_is_recognised() {
        assert_eq!(judged(1 << 20, Some(2 << 20)), Image::Short { declared: 2 << 20 });
        assert_eq!(judged(2 << 20, Some(2 << 20)), Image::Whole);
        assert_eq!(judged((2 << 20) + 300, Some(2 << 20)), Image::Whole, "padding follows");
    }

    #[test]
    fn a_file_without_the_header_is_no_image() {
        assert_eq!(judged(1 << 20, None), Image::Strange);
        assert_eq!(judged(3, None), Image::Strange);
    }
}
