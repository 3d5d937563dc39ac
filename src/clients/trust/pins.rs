//! The kept identities of a site, and where they are kept.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Endpoint, Fingerprint, Protocol};

/// Identities by target: `{"tls 10.0.0.1:443": "sha256:…"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pins(BTreeMap<String, String>);

impl Pins {
    pub fn get(&self, protocol: Protocol, endpoint: Endpoint) -> Option<Fingerprint> {
        self.0.get(&key(protocol, endpoint))?.parse().ok()
    }

    pub fn set(&mut self, protocol: Protocol, endpoint: Endpoint, fingerprint: Fingerprint) {
        self.0.insert(key(protocol, endpoint), fingerprint.to_string());
    }

    /// A pin that cannot be read must not count as absent: trust would be renewed silently.
    fn check(self) -> io::Result<Self> {
        match self.0.values().find_map(|pin| pin.parse::<Fingerprint>().err()) {
            Some(why) => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
            None => Ok(self),
        }
    }
}

fn key(protocol: Protocol, endpoint: Endpoint) -> String {
    let protocol = match protocol {
        Protocol::Tls => "tls",
        Protocol::Ssh => "ssh",
    };
    format!("{protocol} {endpoint}")
}

/// Where pins are kept.
pub trait PinStore: Send + Sync {
    /// What was kept before; nothing kept yet is no error.
    fn load(&self) -> io::Result<Pins>;
    /// Replaces what was kept, all or nothing.
    fn save(&self, pins: &Pins) -> io::Result<()>;
}

/// Keeps nothing beyond the process: dry runs and tests.
pub struct InMemory;

impl PinStore for InMemory {
    fn load(&self) -> io::Result<Pins> {
        Ok(Pins::default())
    }

    fn save(&self, _pins: &Pins) -> io::Result<()> {
        Ok(())
    }
}

/// A small JSON file, replaced atomically.
pub struct PinFile(pub PathBuf);

impl PinStore for PinFile {
    fn load(&self) -> io::Result<Pins> {
        match fs::read(&self.0) {
            Ok(content) => serde_json::from_slice::<Pins>(&content)?.check(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Pins::default()),
            Err(error) => Err(error),
        }
    }

    fn save(&self, pins: &Pins) -> io::Result<()> {
        let folder = self.0.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(pins)?)?;
        file.as_file().sync_all()?;
        file.persist(&self.0)?;
        sync_folder(folder)
    }
}

/// A pin that a power loss takes back would be asked for again, and whoever answers then would be trusted.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match fs::File::open(folder)?.sync_all() {
        // Some network file systems know no sync of a folder.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
