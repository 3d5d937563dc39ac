//! Which media folder a run works with; rehearsals without one get a stand-in.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::config::Config;
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
};

/// Matches the grammar of the VM tools image (`templates/packages/vmtools.toml`).
const STAND_IN: &str = "SMTX_VMTOOLS-0.0.0-1.iso";
/// A few chunks of the size the site usually announces.
const STAND_IN_BYTES: usize = 3 << 20;

/// The folder given as an option, else the one of the configuration.
pub fn folder(option: Option<&Path>, config: &Config) -> Option<PathBuf> {
    let configured = Some(config.run.media.as_path()).filter(|path| !path.as_os_str().is_empty());
    option.or(configured).map(Path::to_owned)
}

/// Makes a stand-in image in `folder`; the same bytes every time, so that a resumed upload goes on.
pub fn stand_in(folder: &Path) -> Result<()> {
    let path = folder.join(STAND_IN);
    let make = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        if fs::metadata(&path).is_ok_and(|known| known.len() == STAND_IN_BYTES as u64) {
            return Ok(());
        }
        fs::write(&path, content())
    };
    make().map_err(|error| {
        Failure::new(Kind::Local, message("cli.media.stand-in", &[]))
            .at(path.display())
            .because(&error)
            .advise(message("cli.disk.advice", &[]))
    })
}

/// Bytes without a pattern that a misplaced chunk could hide in (xorshift).
fn content() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(STAND_IN_BYTES);
    while bytes.len() < STAND_IN_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}
