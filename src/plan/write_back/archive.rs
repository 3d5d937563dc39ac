//! A ZIP package as byte ranges, so that one entry can be replaced and every other byte stays as it was.
//!
//! The `zip` crate writes its own headers even when it copies the compressed stream; here headers, flags,
//! timestamps, extra fields, data descriptors and gaps are copied as they stand (planning-sheet §9 rule 1).

use std::{
    io::{Read, Write},
    ops::Range,
};

use flate2::{Compression, Crc, read::DeflateDecoder, write::DeflateEncoder};

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
const ENCRYPTED: u16 = 1;
const HAS_DESCRIPTOR: u16 = 1 << 3;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Largest part that is unpacked, in bytes (planning-sheet 2.3).
const PART_LIMIT: u64 = 64 << 20;

/// Why a package cannot be taken apart; English, for the `{why}` of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("not a complete ZIP package")]
    Broken,
    #[error("ZIP64 package")]
    Zip64,
    #[error("encrypted package entry")]
    Encrypted,
    #[error("unknown compression method")]
    Method,
    #[error("package entry damaged (CRC or size)")]
    Damaged,
    #[error("package entry too large")]
    TooLarge,
}

/// One entry: what the central directory says, and where its bytes lie.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: usize,
    size: usize,
    /// From the local header to the next entry: header, data, descriptor, gap.
    region: Range<usize>,
    /// Length of the local header with name and extra field.
    header: usize,
    /// Start of the record in the central directory.
    record: usize,
}

#[derive(Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    /// In the order of the central directory.
    entries: Vec<Entry>,
    directory: usize,
    /// Start of the end record.
    end: usize,
}

impl<'a> Archive<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let end = end_record(bytes)?;
        let count = short(bytes, end + 10)?;
        let (size, directory) = (long(bytes, end + 12)?, long(bytes, end + 16)?);
        if count == u16::MAX || size == u32::MAX || directory == u32::MAX {
            return Err(ArchiveError::Zip64);
        }
        let directory = directory as usize;
        if directory.checked_add(size as usize) != Some(end) {
            return Err(ArchiveError::Broken);
        }
        let mut entries = Vec::with_capacity(count.into());
        let mut at = directory;
        for _ in 0..count {
            let entry = Entry::parse(bytes, at)?;
            at += 46
                + usize::from(short(bytes, at + 28)?)
                + usize::from(short(bytes, at + 30)?)
                + usize::from(short(bytes, at + 32)?);
            entries.push(entry);
        }
        let mut archive = Self { bytes, entries, directory, end };
        archive.bound_regions()?;
        Ok(archive)
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The only entry of that name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        let mut found = self.entries.iter().filter(|e| e.name == name);
        found.next().filter(|_| found.next().is_none())
    }

    /// The bytes of the entry as they lie in the package: header, compressed stream, descriptor.
    pub fn stored(&self, entry: &Entry) -> &'a [u8] {
        &self.bytes[entry.region.clone()]
    }

    /// The unpacked content, checked against size and CRC.
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, ArchiveError> {
        if entry.size as u64 > PART_LIMIT {
            return Err(ArchiveError::TooLarge);
        }
        let data = self.data(entry)?;
        let content = match entry.method {
            STORED => data.to_vec(),
            DEFLATED => {
                let mut content = Vec::new();
                let limit = entry.size as u64 + 1;
                DeflateDecoder::new(data)
                    .take(limit)
                    .read_to_end(&mut content)
                    .map_err(|_| ArchiveError::Damaged)?;
                content
            }
            _ => return Err(ArchiveError::Method),
        };
        if content.len() != entry.size || crc(&content) != entry.crc {
            return Err(ArchiveError::Damaged);
        }
        Ok(content)
    }

    /// The package with the content of some entries replaced, every other byte the same but for offsets.
    pub fn replace(&self, contents: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, ArchiveError> {
        let mut by_place: Vec<&Entry> = self.entries.iter().collect();
        by_place.sort_by_key(|e| e.region.start);
        let first = by_place.first().map_or(self.directory, |e| e.region.start);
        let mut out = self.bytes[..first].to_vec();
        let mut directory = self.bytes[self.directory..self.end].to_vec();
        for entry in by_place {
            let record = entry.record - self.directory;
            put(&mut directory, record + 42, out.len())?;
            match contents.iter().find(|(name, _)| *name == entry.name) {
                None => out.extend_from_slice(self.stored(entry)),
                Some((_, content)) => {
                    let packed = pack(content, entry.method)?;
                    put_sums(&mut directory, record + 16, content, packed.len())?;
                    self.rewrite(entry, content, &packed, &mut out)?;
                }
            }
        }
        let start = out.len();
        out.extend_from_slice(&directory);
        let end = out.len();
        out.extend_from_slice(&self.bytes[self.end..]);
        put(&mut out, end + 16, start)?;
        Ok(out)
    }

    fn rewrite(
        &self,
        entry: &Entry,
        content: &[u8],
        packed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ArchiveError> {
        let old = self.stored(entry);
        if entry.flags & ENCRYPTED != 0 {
            return Err(ArchiveError::Encrypted);
        }
        let described = entry.flags & HAS_DESCRIPTOR != 0;
        let mut header = old[..entry.header].to_vec();
        if long(&header, 18)? == u32::MAX || has_zip64_field(&header) {
            return Err(ArchiveError::Zip64);
        }
        if !described || long(&header, 18)? != 0 {
            put_sums(&mut header, 14, content, packed.len())?;
        }
        out.extend_from_slice(&header);
        out.extend_from_slice(packed);
        let mut rest = &old[entry.header + entry.packed..];
        if described {
            let signed = rest.starts_with(DESCRIPTOR);
            let length = if signed { 16 } else { 12 };
            let mut descriptor = rest.get(..length).ok_or(ArchiveError::Broken)?.to_vec();
            put_sums(&mut descriptor, length - 12, content, packed.len())?;
            out.extend_from_slice(&descriptor);
            rest = &rest[length..];
        }
        out.extend_from_slice(rest);
        Ok(())
    }

    fn data(&self, entry: &Entry) -> Result<&'a [u8], ArchiveError> {
        if entry.flags & ENCRYPTED != 0 {
            return Err(ArchiveError::Encrypted);
        }
        let start = entry.region.start + entry.header;
        self.bytes.get(start..start + entry.packed).ok_or(ArchiveError::Broken)
    }

    /// Ends every region where the next one begins; entries that overlap are refused.
    fn bound_regions(&mut self) -> Result<(), ArchiveError> {
        let mut starts: Vec<usize> = self.entries.iter().map(|e| e.region.start).collect();
        starts.push(self.directory);
        starts.sort_unstable();
        for entry in &mut self.entries {
            let next = starts.partition_point(|s| *s <= entry.region.start);
            let end = *starts.get(next).ok_or(ArchiveError::Broken)?;
            let used = entry.region.start + entry.header + entry.packed;
            if used > end {
                return Err(ArchiveError::Broken);
            }
            entry.region.end = end;
        }
        let unique = starts.windows(2).all(|pair| pair[0] < pair[1]);
        if unique { Ok(()) } else { Err(ArchiveError::Broken) }
    }
}

impl Entry {
    fn parse(bytes: &[u8], record: usize) -> Result<Self, ArchiveError> {
        expect(bytes, record, CENTRAL)?;
        let name_length = usize::from(short(bytes, record + 28)?);
        let name = bytes.get(record + 46..record + 46 + name_length).ok_or(ArchiveError::Broken)?;
        let name = std::str::from_utf8(name).map_err(|_| ArchiveError::Broken)?.to_owned();
        let (packed, size, local) =
            (long(bytes, record + 20)?, long(bytes, record + 24)?, long(bytes, record + 42)?);
        if [packed, size, local].contains(&u32::MAX) {
            return Err(ArchiveError::Zip64);
        }
        let start = local as usize;
        expect(bytes, start, LOCAL)?;
        let header = 30 + usize::from(short(bytes, start + 26)?) + usize::from(short(bytes, start + 28)?);
        Ok(Self {
            name,
            flags: short(bytes, record + 8)?,
            method: short(bytes, record + 10)?,
            crc: long(bytes, record + 16)?,
            packed: packed as usize,
            size: size as usize,
            region: start..start,
            header,
            record,
        })
    }
}

/// The end record: the last one whose comment reaches exactly to the end of the file.
fn end_record(bytes: &[u8]) -> Result<usize, ArchiveError> {
    let last = bytes.len().checked_sub(22).ok_or(ArchiveError::Broken)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last)
        .rev()
        .find(|at| {
            bytes[*at..].starts_with(END)
                && short(bytes, at + 20).is_ok_and(|comment| at + 22 + usize::from(comment) == bytes.len())
        })
        .ok_or(ArchiveError::Broken)
}

/// Whether the extra field of a local header holds the ZIP64 sizes (id 1).
fn has_zip64_field(header: &[u8]) -> bool {
    let Ok(name) = short(header, 26) else { return false };
    let mut at = 30 + usize::from(name);
    while let (Ok(id), Ok(length)) = (short(header, at), short(header, at + 2)) {
        if id == 1 {
            return true;
        }
        at += 4 + usize::from(length);
    }
    false
}

fn pack(content: &[u8], method: u16) -> Result<Vec<u8>, ArchiveError> {
    match method {
        STORED => Ok(content.to_vec()),
        DEFLATED => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content).and_then(|()| encoder.finish()).map_err(|_| ArchiveError::Damaged)
        }
        _ => Err(ArchiveError::Method),
    }
}

fn crc(content: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(content);
    crc.sum()
}

fn expect(bytes: &[u8], at: usize, signature: &[u8]) -> Result<(), ArchiveError> {
    let found = bytes.get(at..).is_some_and(|rest| rest.starts_with(signature));
    if found { Ok(()) } else { Err(ArchiveError::Broken) }
}

fn short(bytes: &[u8], at: usize) -> Result<u16, ArchiveError> {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or(ArchiveError::Broken)?;
    Ok(u16::from_le_bytes(*field))
}

fn long(bytes: &[u8], at: usize) -> Result<u32, ArchiveError> {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or(ArchiveError::Broken)?;
    Ok(u32::from_le_bytes(*field))
}

fn put(bytes: &mut [u8], at: usize, value: usize) -> Result<(), ArchiveError> {
    let value = u32::try_from(value).map_err(|_| ArchiveError::TooLarge)?;
    bytes.get_mut(at..at + 4).ok_or(ArchiveError::Broken)?.copy_from_slice(&value.to_le_bytes());
    Ok(())
}

/// CRC, packed and unpacked size: the same twelve bytes in all three kinds of record.
fn put_sums(bytes: &mut [u8], at: usize, content: &[u8], packed: usize) -> Result<(), ArchiveError> {
    put(bytes, at, crc(content) as usize)?;
    put(bytes, at + 4, packed)?;
    put(bytes, at + 8, content.len())
}
