//! The folder of media: which file is which package, by the name grammars of `templates/packages/`.

use std::{
    cmp::Ordering,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    embed,
    failure::{Failure, Kind, Result},
    messages::message,
};

/// A file of the media folder that was opened once and can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaFile {
    pub path: PathBuf,
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// The name grammar of one kind of package.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// `SMTX_VMTOOLS-{version}-{build}.iso`
    pattern: String,
}

impl Package {
    /// The VM tools image (api-fisheye §6.9).
    pub fn vm_tools() -> Self {
        // Compiled in and parsed by a test; a broken one would match nothing.
        toml::from_str(embed::VM_TOOLS_PACKAGE).unwrap_or(Self { pattern: String::new() })
    }

    /// The newest file of this package in `folder`; `None` when there is none.
    ///
    /// # Errors
    /// `Kind::Media`: the folder or the newest file cannot be read, or the file is empty.
    pub fn newest(&self, folder: &Path) -> Result<Option<MediaFile>> {
        let failed = |path: &Path, error: &io::Error| {
            Failure::new(Kind::Media, message("stages.media.doing", &[])).at(path.display()).because(error)
        };
        let mut best: Option<(Edition, String)> = None;
        for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
            let name = entry.map_err(|error| failed(folder, &error))?.file_name();
            // A name that is no text is none of ours.
            let Some(name) = name.to_str() else { continue };
            let Some(edition) = self.edition(name) else { continue };
            if best.as_ref().is_none_or(|(known, _)| *known < edition) {
                best = Some((edition, name.to_owned()));
            }
        }
        let Some((_, name)) = best else { return Ok(None) };
        let path = folder.join(&name);
        let size = readable(&path).map_err(|error| failed(&path, &error))?;
        Ok(Some(MediaFile { path, name, size }))
    }

    /// What the name says, or `None` when the file is another package.
    fn edition(&self, name: &str) -> Option<Edition> {
        let (head, rest) = self.pattern.split_once("{version}")?;
        let (middle, tail) = rest.split_once("{build}")?;
        let (version, build) = name.strip_prefix(head)?.strip_suffix(tail)?.split_once(middle)?;
        let version = version.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>()?;
        (!build.is_empty()).then(|| Edition { version, build: build.to_owned() })
    }
}

/// Opens the file and reads its first byte: a name and a size prove nothing.
fn readable(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    io::Read::read_exact(&mut file, &mut [0])?;
    Ok(file.metadata()?.len())
}

#[derive(Debug, PartialEq, Eq)]
struct Edition {
    version: Vec<u32>,
    build: String,
}

impl Ord for Edition {
    fn cmp(&self, other: &Self) -> Ordering {
        // Builds are numbers or dates: the longer one is the higher one.
        let build = |edition: &Self| (edition.build.len(), edition.build.clone());
        self.version.cmp(&other.version).then_with(|| build(self).cmp(&build(other)))
    }
}

impl PartialOrd for Edition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            fs::write(folder.path().join(name), b"iso").unwrap();
        }
        folder
    }

    #[test]
    fn the_highest_version_wins_and_then_the_highest_build() {
        let folder = folder(&[
            "SMTX_VMTOOLS-3.9.2-77.iso",
            "SMTX_VMTOOLS-3.10.0-9.iso",
            "SMTX_VMTOOLS-3.10.0-12.iso",
            "SMTX_VMTOOLS-4.0-x.txt",
            "cloudtower-v4.6.2.oe2003.x86_64.iso",
        ]);
        let file = Package::vm_tools().newest(folder.path()).unwrap().unwrap();
        assert_eq!((file.name.as_str(), file.size), ("SMTX_VMTOOLS-3.10.0-12.iso", 3));
    }

    #[test]
    fn a_folder_without_the_package_is_no_failure() {
        let folder = folder(&["SMTX_VMTOOLS-latest-1.iso", "SMTX_VMTOOLS-1.2.3-.iso"]);
        assert_eq!(Package::vm_tools().newest(folder.path()).unwrap(), None);
    }

    #[test]
    fn an_empty_file_and_a_missing_folder_are_failures_of_the_media() {
        let folder = folder(&[]);
        fs::write(folder.path().join("SMTX_VMTOOLS-1.2.3-4.iso"), b"").unwrap();
        assert_eq!(Package::vm_tools().newest(folder.path()).unwrap_err().kind, Kind::Media);
        assert_eq!(Package::vm_tools().newest(&folder.path().join("gone")).unwrap_err().kind, Kind::Media);
    }
}
