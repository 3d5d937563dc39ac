//! The few things that differ between operating systems: private files, folder syncs, host name, sudden death.

#[cfg(unix)]
pub use unix::*;
#[cfg(not(unix))]
pub use windows::*;

#[cfg(unix)]
mod unix {
    use std::{
        fs::{File, OpenOptions},
        io,
        os::unix::fs::OpenOptionsExt,
        path::Path,
    };

    /// A file opened so is created with mode 0600.
    pub fn private(options: &mut OpenOptions) {
        options.mode(0o600);
    }

    /// Returns when the names in the folder would survive a power loss, as far as its file system can promise that.
    pub fn sync_folder(folder: &Path) -> io::Result<()> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match File::open(folder)?.sync_all() {
            // Some network file systems know no sync of a folder.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Ok(())
            }
            synced => synced,
        }
    }

    pub fn host_name() -> Option<String> {
        Some(rustix::system::uname().nodename().to_string_lossy().into_owned())
    }

    /// Dies as by `kill -9`: no destructor runs, nothing is flushed.
    pub fn die() -> ! {
        // Only an impossible pid makes this fail; then aborting is as sudden.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort()
    }
}

#[cfg(not(unix))]
mod windows {
    use std::{fs::OpenOptions, io, path::Path};

    /// New files inherit the folder's permissions.
    pub fn private(_options: &mut OpenOptions) {}

    /// The file system journals names itself.
    pub fn sync_folder(_folder: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Known from the environment, which only `cli` reads.
    pub fn host_name() -> Option<String> {
        None
    }

    pub fn die() -> ! {
        std::process::abort()
    }
}
