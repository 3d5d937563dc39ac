//! What differs between Unix and Windows for `cli`: private files and folders.

use std::{fs, io, path::Path};

pub use crate::engine::platform::sync_folder;

/// From here on every new file and folder of this process is its owner's alone.
pub fn private_from_now_on() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Creates or empties a file that only its owner may read.
pub fn new_private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // A file that was there keeps its mode; make it private too.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// Creates a file that only its owner may read; one that is there already is left as it is.
pub fn only_new_private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Creates a folder, and its parents, that only the owner may enter. Their names survive a power loss.
pub fn new_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let known = path.ancestors().find(|folder| folder.exists());
    builder.create(path)?;
    for folder in path.ancestors().skip(1) {
        sync_folder(folder)?;
        if Some(folder) == known {
            break;
        }
    }
    Ok(())
}

/// Allows as many open files as this process may have: a fleet of clusters keeps several each. Where that fails, what
/// cannot be opened says so.
pub fn many_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}
