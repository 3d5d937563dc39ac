//! Which media folder a run works with; rehearsals without one get stand-ins.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::config::Config;
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
};

/// Name and bytes: by the grammars of `templates/packages/`, and three chunks of the size the site usually
/// announces, the last of them shorter.
const STAND_INS: [(&str, u64); 2] =
    [("SMTX_VMTOOLS-0.0.0-1.iso", 17 << 20), ("cloudtower-v4.6.2.oe2003.x86_64.iso", (20 << 20) + 4321)];

/// Every so many bytes a stand-in says where it is; the rest is zero and takes no space on most disks.
const MARK_EVERY: u64 = 64 << 10;

/// The folder given as an option, else the one of the configuration.
pub fn folder(option: Option<&Path>, config: &Config) -> Option<PathBuf> {
    let configured = Some(config.run.media.as_path()).filter(|path| !path.as_os_str().is_empty());
    option.or(configured).map(Path::to_owned)
}

/// Makes stand-ins for all images in `folder`; the same bytes every time, so that a resumed upload goes on.
pub fn stand_in(folder: &Path) -> Result<()> {
    let make = |name: &str, bytes: u64| -> io::Result<()> {
        let path = folder.join(name);
        fs::create_dir_all(folder)?;
        if fs::metadata(&path).is_ok_and(|known| known.len() == bytes) {
            return Ok(());
        }
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        fill(file.as_file_mut(), name, bytes)?;
        file.persist(path)?;
        Ok(())
    };
    STAND_INS.iter().try_for_each(|(name, bytes)| {
        make(name, *bytes).map_err(|error| {
            let doing = message("cli.media.stand-in", &[]);
            Failure::new(Kind::Local, doing).at(folder.join(name).display()).because(&error)
        })
    })
}

/// No two marks are alike, so a chunk in the wrong place changes the digest.
fn fill(file: &mut File, name: &str, bytes: u64) -> io::Result<()> {
    for at in (0..bytes).step_by(usize::try_from(MARK_EVERY).map_err(io::Error::other)?) {
        file.seek(SeekFrom::Start(at))?;
        writeln!(file, "{name} {at}")?;
    }
    file.set_len(bytes)
}

/// The SHA-256 of a file of the media folder in hexadecimal, if it can be read.
pub fn sha256(folder: &Path, name: &str) -> Option<String> {
    let mut file = File::open(folder.join(name)).ok()?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece).ok()? {
            0 => return Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            count => hash.update(&piece[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_three_chunks_each_and_the_same_every_time() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        stand_in(first.path()).unwrap();
        stand_in(second.path()).unwrap();
        for (name, bytes) in STAND_INS {
            assert_eq!(bytes.div_ceil(8 << 20), 3, "{name}");
            assert_eq!(fs::metadata(first.path().join(name)).unwrap().len(), bytes);
            assert_eq!(sha256(first.path(), name), sha256(second.path(), name));
        }
        assert_eq!(fs::read_dir(first.path()).unwrap().count(), STAND_INS.len(), "nothing else is left");
    }
}
