//! A report on its way: the part that has come, and beside it what named its content, so that a later run goes on.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use zip::ZipArchive;

use crate::{digest, engine::platform};

/// The unfinished file of one report.
pub struct Part {
    path: PathBuf,
    tag: PathBuf,
}

/// A whole report, whose every byte was read.
#[derive(Debug)]
pub struct Whole {
    pub bytes: u64,
    /// SHA-256 (hex).
    pub sha256: String,
    /// Names of what is in it.
    pub entries: Vec<String>,
}

impl Part {
    /// Of the report called `name`, in `folder`, which is made.
    pub fn of(folder: &Path, name: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let beside = |kind: &str| folder.join(format!("{name}.{kind}"));
        Ok(Self { path: beside("part"), tag: beside("part.tag") })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        platform::private(&mut options);
        options.open(&self.path)
    }

    /// What named the content of the part; `None`: the part is worth nothing.
    pub fn validator(&self) -> Option<String> {
        fs::read_to_string(&self.tag).ok().filter(|tag| !tag.is_empty())
    }

    /// Before the first byte of a content.
    pub fn keep_validator(&self, validator: Option<&str>) -> io::Result<()> {
        match validator {
            Some(validator) => fs::write(&self.tag, validator),
            None => gone(&self.tag),
        }
    }

    /// Reads the archive to its end; the checksum of every entry must be right, and there must be one.
    ///
    /// # Errors
    /// `Err` outside: the file cannot be read. Inside: it is no whole archive, and why.
    pub fn whole(&self) -> io::Result<Result<Whole, String>> {
        let entries = match entries(File::open(&self.path)?) {
            Ok(entries) if entries.is_empty() => return Ok(Err("an archive without an entry".to_owned())),
            Ok(entries) => entries,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let (bytes, sha256) = digest::sha256(&self.path)?;
        Ok(Ok(Whole { bytes, sha256, entries }))
    }

    /// Moves it to where it stays: never over another file.
    pub fn finish(self, folder: &Path, name: &str, whole: &Whole) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let (stem, kind) = name.rsplit_once('.').unwrap_or((name, "zip"));
        let names = (2..).map(|number: u32| format!("{stem}-{number}.{kind}"));
        for name in std::iter::once(name.to_owned()).chain(names) {
            let path = folder.join(name);
            if !path.exists() {
                fs::rename(&self.path, &path)?;
                platform::sync_folder(folder)?;
                gone(&self.tag)?;
                return Ok(path);
            }
            if digest::sha256(&path)?.1 == whole.sha256 {
                self.discard()?;
                return Ok(path);
            }
        }
        Err(io::Error::other("no name is left"))
    }

    pub fn discard(self) -> io::Result<()> {
        gone(&self.path)?;
        gone(&self.tag)
    }
}

fn gone(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn entries(file: File) -> zip::result::ZipResult<Vec<String>> {
    let mut archive = ZipArchive::new(file)?;
    let mut names = Vec::with_capacity(archive.len());
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at)?;
        names.push(entry.name()?.into_owned());
        // The checksum is compared at the end of the entry.
        io::copy(&mut entry, &mut io::sink())?;
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn archive(text: &str) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("a.docx", SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap().into_inner()
    }

    fn part(folder: &Path, content: &[u8]) -> Part {
        let part = Part::of(folder, "report.zip").unwrap();
        part.keep_validator(Some("\"tag\"")).unwrap();
        part.open().unwrap().write_all(content).unwrap();
        part
    }

    #[test]
    fn only_an_archive_whose_every_byte_is_right_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let good = archive("report");
        let whole = part(folder.path(), &good).whole().unwrap().unwrap();
        assert_eq!((whole.bytes, whole.entries.as_slice()), (good.len() as u64, &["a.docx".to_owned()][..]));
        let empty = ZipWriter::new(Cursor::new(Vec::new())).finish().unwrap().into_inner();
        let mut flipped = good.clone();
        flipped[40] ^= 1;
        for bad in [&good[..good.len() * 3 / 5], &flipped, &empty] {
            let folder = tempfile::tempdir().unwrap();
            assert!(part(folder.path(), bad).whole().unwrap().is_err());
        }
    }

    #[test]
    fn another_file_of_its_name_is_left_alone_and_the_same_one_is_not_kept_twice() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("report.zip"), b"another").unwrap();
        let keep = |content: &[u8]| {
            let part = part(folder.path(), content);
            let whole = part.whole().unwrap().unwrap();
            let path = part.finish(folder.path(), "report.zip", &whole).unwrap();
            path.file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(keep(&archive("one")), "report-2.zip");
        assert_eq!(keep(&archive("one")), "report-2.zip");
        assert_eq!(keep(&archive("two")), "report-3.zip");
        assert_eq!(fs::read(folder.path().join("report.zip")).unwrap(), b"another");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "no part is left");
    }
}
