//! Puts a finished file in the place of the old one: same folder, synced, owner and mode kept, one backup a run that only
//! the owner may read.

use std::{
    fs::{self, Metadata},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, TempPath};

/// A complete new file beside the old one, on disk but not yet in its place. Dropped, it disappears.
#[derive(Debug)]
pub struct Candidate {
    temp: TempPath,
}

impl Candidate {
    /// Writes `bytes` beside `path` with the mode and, where we may, the owner of `path`.
    pub fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let old = fs::metadata(path)?;
        // Asked here, because root may write anything, and a mode is a person's decision.
        if old.permissions().readonly() || fs::metadata(folder(path))?.permissions().readonly() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut file = NamedTempFile::new_in(folder(path))?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(old.permissions())?;
        keep_owner(file.path(), &old);
        file.as_file().sync_all()?;
        Ok(Self { temp: file.into_temp_path() })
    }

    /// The bytes as they came to lie on the disk.
    pub fn read_again(&self) -> io::Result<Vec<u8>> {
        fs::read(&self.temp)
    }

    /// Renames over `path`; either the old or the new file is there at every moment.
    pub fn replace(self, path: &Path) -> io::Result<()> {
        self.temp.persist(path)?;
        sync_folder(folder(path))
    }
}

/// The copy of the original that a run leaves behind: `<name>.bak-<label>.xlsx`, for its owner only, since it holds
/// passwords. A second write of the run finds it there and keeps it, since it holds what stood before the run.
pub fn back_up(path: &Path, original: &[u8], label: &str) -> io::Result<PathBuf> {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".bak-{label}.xlsx"));
    let backup = path.with_file_name(name);
    if !backup.exists() {
        // Mode 0600 from the start; on Windows the folder's rights count.
        let mut file = NamedTempFile::new_in(folder(path))?;
        file.write_all(original)?;
        keep_owner(file.path(), &fs::metadata(path)?);
        file.as_file().sync_all()?;
        file.persist(&backup)?;
    }
    Ok(backup)
}

/// The file that Excel and WPS (`~$plan.xlsx`) or LibreOffice (`.~lock.plan.xlsx#`) keep beside an open workbook.
pub fn owner_file(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy();
    let names = [format!("~${name}"), format!(".~lock.{name}#")];
    names.into_iter().map(|name| path.with_file_name(name)).find(|lock| lock.exists())
}

/// The folder of the file; a bare name lies in the current one.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn keep_owner(file: &Path, old: &Metadata) {
    use std::os::unix::fs::{MetadataExt, chown};
    // Only root may give a file away; another user's file that we may write stays ours, as after any save.
    let _ = chown(file, Some(old.uid()), Some(old.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_file: &Path, _old: &Metadata) {}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
