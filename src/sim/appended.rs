//! The bytes of an upload that can only grow: digested as they come, and kept so that a snapshot can take them along.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::random;

/// What has been appended so far, in a file that nobody else sees.
#[derive(Debug, Default)]
pub struct Appended {
    file: Option<File>,
    sha256: Sha256,
    length: u64,
}

impl Appended {
    /// Adds bytes to the end. Errors: no room for them.
    pub fn append(&mut self, data: &[u8]) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => self.file.insert(file),
            None => self.file.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::End(0))?;
        file.write_all(data)?;
        self.sha256.update(data);
        self.length += data.len() as u64;
        Ok(())
    }

    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// SHA-256 of all of them, in hexadecimal.
    pub fn sha256(&self) -> String {
        random::hex(&self.sha256.clone().finalize())
    }

    /// Whether they begin like a gzip archive.
    pub fn is_gzip(&mut self) -> io::Result<bool> {
        let mut magic = [0; 2];
        let Some(file) = self.file.as_mut().filter(|_| self.length >= 2) else { return Ok(false) };
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut magic)?;
        Ok(magic == [0x1f, 0x8b])
    }

    /// All of them as a snapshot has them.
    pub fn saved(&mut self) -> io::Result<String> {
        let mut all = Vec::new();
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut all)?;
        }
        Ok(STANDARD.encode(all))
    }

    /// What `saved` gave.
    pub fn restored(text: &str) -> io::Result<Self> {
        let mut appended = Self::default();
        appended.append(&STANDARD.decode(text).map_err(io::Error::other)?)?;
        Ok(appended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_survives_a_snapshot_with_its_digest() {
        let mut bytes = Appended::default();
        bytes.append(&[0x1f]).unwrap();
        assert!(!bytes.is_gzip().unwrap());
        bytes.append(&[0x8b, 1]).unwrap();
        let mut again = Appended::restored(&bytes.saved().unwrap()).unwrap();
        assert!(again.is_gzip().unwrap());
        bytes.append(b"more").unwrap();
        again.append(b"more").unwrap();
        assert_eq!((bytes.length(), bytes.sha256()), (again.length(), again.sha256()));
        assert_eq!(again.sha256(), random::hex(&Sha256::digest(b"\x1f\x8b\x01more")));
    }
}
