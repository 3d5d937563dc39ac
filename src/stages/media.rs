//! The folder of media: which file is which package, by the name grammars of `templates/packages/`.

pub mod damage;
mod grammar;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use self::grammar::Edition;
use crate::{
    embed,
    failure::{Failure, Kind, Result},
    messages::message,
};

/// A file of the media folder that was opened once and can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaFile {
    pub path: PathBuf,
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// `4.6.2`
    pub version: String,
    /// `20250901`, where the name tells.
    pub release: Option<u32>,
    /// Empty where the name does not tell.
    pub build: String,
    /// `x86_64` as written; empty where names of this package do not tell.
    pub arch: String,
}

/// The files of one package in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The newest one of the wanted architecture.
    pub newest: Option<MediaFile>,
    /// Names of the same version that were passed over: another build, or another architecture.
    pub passed_over: Vec<String>,
    /// Names of another architecture, when there is none of the wanted one.
    pub foreign: Vec<String>,
    /// Names that begin like this package and do not follow its grammar.
    pub odd: Vec<String>,
}

/// The name grammar of one kind of package.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// `SMTX_VMTOOLS-{version}-{build}.iso`
    pattern: String,
    /// What such a file begins with, where that can be told.
    content: Option<Content>,
}

/// What kind of file a package is.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    Gzip,
}

/// How every gzip file begins (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

impl Package {
    /// The VM tools image (api-fisheye §6.9).
    pub fn vm_tools() -> Self {
        Self::of(embed::VM_TOOLS_PACKAGE)
    }

    /// The CloudTower installation image (site-behaviour §13).
    pub fn cloudtower() -> Self {
        Self::of(embed::CLOUDTOWER_PACKAGE)
    }

    /// The Observability package (api-applications §2.1).
    pub fn observability() -> Self {
        Self::of(embed::OBSERVABILITY_PACKAGE)
    }

    /// The package of the backup service (api-applications §3.1).
    pub fn backup() -> Self {
        Self::of(embed::BACKUP_PACKAGE)
    }

    /// The packages of stage 10, as far as anybody knows how they are called (api-applications §4).
    pub fn everoute() -> Self {
        Self::of(embed::EVEROUTE_PACKAGE)
    }

    pub fn file_storage() -> Self {
        Self::of(embed::FILE_STORAGE_PACKAGE)
    }

    pub fn kubernetes() -> Self {
        Self::of(embed::KUBERNETES_PACKAGE)
    }

    /// The same package where its files are called otherwise.
    pub fn called(self, pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), ..self }
    }

    /// Compiled in and parsed by a test; a broken one would match nothing.
    fn of(text: &str) -> Self {
        toml::from_str(text).unwrap_or(Self { pattern: String::new(), content: None })
    }

    /// The pattern with its fields in angle brackets, for people; what may be left out stays in square ones.
    pub fn shown(&self) -> String {
        self.pattern.replace('{', "<").replace('}', ">")
    }

    /// The newest file of this package in `folder`; `None` when there is none.
    ///
    /// # Errors
    /// `Kind::Media`: the folder or the newest file cannot be read, or the file is empty or of another kind.
    pub fn newest(&self, folder: &Path) -> Result<Option<MediaFile>> {
        Ok(self.search(folder, None)?.newest)
    }

    /// All that `folder` has of this package; with `arch` only that architecture will do.
    ///
    /// # Errors
    /// As [`Package::newest`].
    pub fn search(&self, folder: &Path, arch: Option<&str>) -> Result<Search> {
        let head = self.pattern.split('{').next().unwrap_or_default().to_ascii_lowercase();
        let mut search = Search::default();
        let mut known: Vec<(Edition, String)> = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
            let name = entry.map_err(|error| unreadable(folder, &error))?.file_name();
            // A name that is no text is none of ours.
            let Some(name) = name.to_str() else { continue };
            match grammar::read(&self.pattern, name) {
                Some(edition) => known.push((edition, name.to_owned())),
                None if name.to_ascii_lowercase().starts_with(head.trim_end_matches("-v")) => {
                    search.odd.push(name.to_owned());
                }
                None => {}
            }
        }
        search.odd.sort();
        known.sort();
        let fits = |edition: &Edition| arch.is_none_or(|arch| edition.arch.eq_ignore_ascii_case(arch));
        let Some(at) = known.iter().rposition(|(edition, _)| fits(edition)) else {
            search.foreign = known.into_iter().map(|(_, name)| name).collect();
            return Ok(search);
        };
        let (edition, name) = known.remove(at);
        let same = known.into_iter().filter(|(other, _)| other.version == edition.version);
        search.passed_over = same.map(|(_, name)| name).collect();
        let path = folder.join(&name);
        let size = self.sound(&path)?;
        let version = edition.version_text();
        let Edition { date: release, build, arch, .. } = edition;
        search.newest = Some(MediaFile { path, name, size, version, release, build, arch });
        Ok(search)
    }

    /// Opens the file and reads its first bytes: a name and a size prove nothing. Its size in bytes.
    fn sound(&self, path: &Path) -> Result<u64> {
        let (head, size) = head(path).map_err(|error| unreadable(path, &error))?;
        let damaged = |meaning| {
            Failure::new(Kind::Media, message("stages.media.doing", &[]))
                .at(path.display())
                .answer(meaning)
                .advise(message("stages.media.copy_again", &[]))
        };
        if size == 0 {
            return Err(damaged(message("stages.media.empty", &[])));
        }
        match self.content {
            Some(Content::Gzip) if head != GZIP => Err(damaged(message("stages.media.no_gzip", &[]))),
            _ => Ok(size),
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Box<Failure> {
    Failure::new(Kind::Media, message("stages.media.doing", &[]))
        .at(path.display())
        .because(error)
        .advise(message("stages.media.make_readable", &[]))
}

/// The first bytes of a file, zeroes where it ends before, and how many bytes it has.
fn head(path: &Path) -> io::Result<([u8; 2], u64)> {
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(&mut file, 2), &mut head)?;
    head.resize(2, 0);
    Ok(([head[0], head[1]], file.metadata()?.len()))
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

    #[test]
    fn only_the_wanted_architecture_will_do_and_the_rest_is_named() {
        let folder = folder(&[
            "cloudtower-v4.7.1.oe2003.aarch64.iso",
            "cloudtower-v4.6.2.oe2003.x86_64.iso",
            "cloudtower-v4.6.2.oe2003.aarch64.iso",
            "cloudtower-v4.6.2.oe2003.x86_64 (1).iso",
        ]);
        let search = Package::cloudtower().search(folder.path(), Some("x86_64")).unwrap();
        let newest = search.newest.unwrap();
        assert_eq!((newest.version.as_str(), newest.arch.as_str()), ("4.6.2", "x86_64"));
        assert_eq!(search.passed_over, ["cloudtower-v4.6.2.oe2003.aarch64.iso"]);
        assert_eq!(search.odd, ["cloudtower-v4.6.2.oe2003.x86_64 (1).iso"]);
        let search = Package::cloudtower().search(folder.path(), Some("riscv64")).unwrap();
        assert_eq!((search.newest, search.foreign.len()), (None, 3));
    }

    #[test]
    fn a_package_that_is_no_gzip_file_is_a_failure_of_the_media() {
        const NAME: &str = "Observability-X86_64-v1.4.2-release.20250901-77.tar.gz";
        for content in [&b"iso"[..], b"\x1f", b""] {
            let folder = folder(&[]);
            fs::write(folder.path().join(NAME), content).unwrap();
            let failure = Package::observability().newest(folder.path()).unwrap_err();
            assert_eq!((failure.kind, failure.answer.is_some()), (Kind::Media, true));
        }
        let folder = folder(&["Observability-X86_64-v1.4.2.tar.gz"]);
        fs::write(folder.path().join(NAME), b"\x1f\x8bx").unwrap();
        let file = Package::observability().newest(folder.path()).unwrap().unwrap();
        assert_eq!((file.release, file.build.as_str(), file.size), (Some(20_250_901), "77", 3));
    }

    #[test]
    fn no_name_makes_a_grammar_panic_or_the_version_another_one() {
        use rand::{RngExt, SeedableRng, rngs::StdRng};
        const PIECES: [&str; 12] =
            ["", "-", ".", "v", "9", "99999999999", "x86_64", "集", "é", "[", "}", "K"];
        let names = [
            "SMTX_VMTOOLS-4.1.0-2601010000.iso",
            "cloudtower-v4.7.1.oe2003.x86_64.iso",
            "Observability-X86_64-v1.4.1-release.20250901-77.tar.gz",
            "smtx-backup-dr-x86_64-2.2.0.tar.gz",
        ];
        let packages =
            [Package::vm_tools(), Package::cloudtower(), Package::observability(), Package::backup()];
        let runs = std::env::var("VOYAGER_FUZZ_RUNS").map_or(5_000, |runs| runs.parse().unwrap());
        let mut random = StdRng::seed_from_u64(20_261_133);
        for _ in 0..runs {
            let mut name: Vec<char> = names[random.random_range(0..names.len())].chars().collect();
            for _ in 0..random.random_range(0..4) {
                let at = random.random_range(0..=name.len());
                let to = (at + random.random_range(0..4)).min(name.len());
                name.splice(at..to, PIECES[random.random_range(0..PIECES.len())].chars());
            }
            let name: String = name.into_iter().collect();
            for package in &packages {
                let Some(edition) = grammar::read(&package.pattern, &name) else { continue };
                assert!(name.contains(&format!("{}", edition.version[0])), "{name}");
                assert!(name.contains(&edition.build) && name.contains(&edition.arch), "{name}");
            }
        }
    }
}
