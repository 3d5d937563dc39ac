//! The workbook file as a ZIP package: what kind of file it is, its limits, and its parts as streams.
//!
//! Nothing here trusts a header: sizes are counted while inflating (planning-sheet 2.3).

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Cursor, Read},
};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::diagnostic::Finding;
use crate::units;

const MIB: u64 = 1024 * 1024;
pub const MAX_FILE: u64 = 50 * MIB;
const MAX_ENTRIES: usize = 2_000;
const MAX_PART: u64 = 64 * MIB;
const MAX_TOTAL: u64 = 256 * MIB;

/// Why a file is no readable workbook.
pub type Refusal = Box<Finding>;

/// PLAN-005, naming the part and what is wrong with it.
pub fn corrupt(part: &str, reason: impl ToString) -> Refusal {
    Box::new(Finding::new("PLAN-005").arg("part", &part).arg("reason", &reason.to_string()))
}

/// PLAN-006, naming the limit that was passed.
pub fn too_large(what: &str, limit: impl ToString) -> Refusal {
    Box::new(Finding::new("PLAN-006").arg("what", &what).arg("limit", &limit.to_string()))
}

pub struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Name → index of every entry.
    names: HashMap<String, usize>,
    counted: Vec<bool>,
    /// Inflated bytes so far.
    spent: u64,
}

impl<'a> Package<'a> {
    /// Opens the file by its content (planning-sheet 2.2).
    pub fn open(bytes: &'a [u8]) -> Result<Self, Refusal> {
        if bytes.is_empty() {
            return Err(Box::new(Finding::new("PLAN-001.empty")));
        }
        if bytes.len() as u64 > MAX_FILE {
            return Err(too_large("file", units::bytes(MAX_FILE)));
        }
        if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
            // The directory of a compound file has its names in UTF-16.
            let wanted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
            let encrypted = bytes.windows(wanted.len()).any(|window| window == wanted);
            return Err(Box::new(Finding::new(if encrypted { "PLAN-003" } else { "PLAN-004" })));
        }
        if !bytes.starts_with(b"PK\x03\x04") {
            return Err(Box::new(Finding::new("PLAN-005.no-zip")));
        }
        if declared_entries(bytes).is_some_and(|count| count > MAX_ENTRIES) {
            return Err(too_large("entries", MAX_ENTRIES));
        }
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| corrupt("ZIP", error))?;
        if archive.len() > MAX_ENTRIES {
            return Err(too_large("entries", MAX_ENTRIES));
        }
        let mut names = HashMap::with_capacity(archive.len());
        let mut declared = 0u64;
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(|error| corrupt("ZIP", error))?;
            let name = String::from_utf8_lossy(entry.name_raw()).replace('\\', "/");
            let drive = name.as_bytes().get(1) == Some(&b':');
            if name.starts_with('/')
                || drive
                || name.contains('\0')
                || name.split('/').any(|part| part == "..")
            {
                return Err(Box::new(Finding::new("PLAN-005.path").arg("part", &name)));
            }
            // A header that claims too much is too much, true or not.
            if entry.size() > MAX_PART {
                return Err(too_large(&name, units::bytes(MAX_PART)));
            }
            declared = declared.saturating_add(entry.size());
            if names.insert(name.clone(), index).is_some() {
                return Err(Box::new(Finding::new("PLAN-005.twice").arg("part", &name)));
            }
        }
        if archive.has_duplicate_names() {
            return Err(Box::new(Finding::new("PLAN-005.twice").arg("part", &"ZIP")));
        }
        if declared > MAX_TOTAL {
            return Err(too_large("total", units::bytes(MAX_TOTAL)));
        }
        let counted = vec![false; archive.len()];
        Ok(Self { archive, names, counted, spent: 0 })
    }

    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Whether the package carries macros, which are never run.
    pub fn has_macros(&self) -> bool {
        self.names.keys().any(|name| name.to_ascii_lowercase().ends_with("vbaproject.bin"))
    }

    /// Hands the stream of a part to `read`, then drains it so that its CRC is checked.
    pub fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut dyn BufRead) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let Some(index) = self.find(name) else {
            return Err(Box::new(Finding::new("PLAN-005.missing").arg("part", &name)));
        };
        let allowed = MAX_PART.min(MAX_TOTAL - self.spent);
        let entry = self.archive.by_index(index).map_err(|error| corrupt(name, error))?;
        let mut stream = BufReader::with_capacity(64 * 1024, Metered { inner: entry, left: allowed });
        let mut result = read(&mut stream);
        if result.is_ok()
            && let Err(error) = io::copy(&mut stream, &mut io::sink())
        {
            result = Err(corrupt(name, error));
        }
        let left = stream.get_ref().left;
        self.counted[index] = true;
        self.spent += allowed.saturating_sub(left);
        if left == 0 { Err(too_large(name, units::bytes(allowed))) } else { result }
    }

    /// Inflates every part that nobody read, only to count it.
    pub fn count_rest(&mut self) -> Result<(), Refusal> {
        let names: Vec<_> = self.names.iter().map(|(name, index)| (name.clone(), *index)).collect();
        for (name, index) in names {
            if self.counted[index] {
                continue;
            }
            let allowed = MAX_PART.min(MAX_TOTAL - self.spent);
            // Damage in a part that is not read is none of our business.
            let Ok(entry) = self.archive.by_index_raw(index) else { continue };
            // Inflated here and not by the archive, which stops at the size that the header claims.
            let inflated: Box<dyn Read + '_> = match entry.compression() {
                CompressionMethod::Deflated => Box::new(DeflateDecoder::new(entry)),
                _ => Box::new(entry),
            };
            let mut stream = Metered { inner: inflated, left: allowed };
            let mut buffer = vec![0; 64 * 1024];
            while matches!(stream.read(&mut buffer), Ok(read) if read > 0) {}
            if stream.left == 0 {
                return Err(too_large(&name, units::bytes(allowed)));
            }
            self.spent += allowed - stream.left;
        }
        Ok(())
    }

    /// Part names are compared without case, as the package format wants.
    fn find(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied().or_else(|| {
            self.names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, index)| *index)
        })
    }
}

/// Counts what passes and fails once the allowance is spent.
struct Metered<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        if self.left == 0 { Err(io::Error::other("too large")) } else { Ok(read) }
    }
}

/// The number of entries in the end-of-directory record, looked at before anything is allocated for them. 0xFFFF
/// announces a ZIP64 directory, which no workbook within the limits needs.
fn declared_entries(bytes: &[u8]) -> Option<usize> {
    let tail = &bytes[bytes.len().saturating_sub(65_557)..];
    let at = tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let count = tail.get(at + 10..at + 12)?;
    Some(usize::from(u16::from_le_bytes([count[0], count[1]])))
}
