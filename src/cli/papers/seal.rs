//! The seal of a finished run: digests of its last line in the journal and of every file it leaves, so that a byte
//! changed later is seen. The chain of the journal alone does not cover its own last line.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{FOLDER, PastRun};
use crate::{
    digest,
    engine::journal::line,
    failure::{Failure, Result},
    messages::message,
    text::Text,
};

const NAME: &str = "seal.json";

/// Not sealed: still being written when the seal is made; checked by making it again; the seal itself.
const LEFT_OUT: [&str; 3] = ["voyager.log", FOLDER, NAME];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    format: u32,
    run: String,
    /// Lines of the journal up to the run's last one.
    lines: usize,
    /// SHA-256 (hex) of that line.
    last_line: String,
    /// SHA-256 (hex) of every file in the run folder, by its path there.
    files: BTreeMap<String, String>,
}

/// Seals a run that has ended.
///
/// # Errors
/// [`Kind::Local`]: a file cannot be read, or the seal not written.
pub fn seal(past: &PastRun) -> Result<()> {
    let path = past.folder().join(NAME);
    let write = || -> io::Result<()> {
        let seal = Seal::of(past)?;
        let mut file = tempfile::NamedTempFile::new_in(past.folder())?;
        io::Write::write_all(&mut file, &seal.bytes()?)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(|error| Failure::on_disk(message("cli.report.sealing", &[]), path.display(), &error))
}

/// What does not agree with the seal of this run any more.
///
/// # Errors
/// [`Kind::Local`]: something cannot be read.
pub fn broken(past: &PastRun) -> Result<Vec<Text>> {
    let path = past.folder().join(NAME);
    let local =
        |error: &io::Error| Failure::on_disk(message("cli.report.reading", &[]), path.display(), error);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(vec![message("cli.verify.unsealed", &[("run", &past.run)])]);
        }
        Err(error) => return Err(local(&error)),
    };
    let changed = |what: &dyn crate::text::Say| message("cli.verify.changed", &[("file", what)]);
    let sealed = match serde_json::from_slice::<Seal>(&bytes) {
        Ok(seal) if seal.bytes().is_ok_and(|canonical| canonical == bytes) => seal,
        _ => return Ok(vec![changed(&path.display())]),
    };
    let now = Seal::as_sealed(past, sealed.lines).map_err(|error| local(&error))?;
    let mut broken = Vec::new();
    if (&now.run, &now.last_line) != (&sealed.run, &sealed.last_line) {
        broken.push(message("cli.verify.journal-line", &[("line", &sealed.lines)]));
    }
    for (name, digest) in &sealed.files {
        match now.files.get(name) {
            Some(found) if found == digest => {}
            Some(_) => broken.push(changed(name)),
            None => broken.push(message("cli.verify.gone", &[("file", name)])),
        }
    }
    let added = now.files.keys().filter(|name| !sealed.files.contains_key(*name));
    broken.extend(added.map(|name| message("cli.verify.added", &[("file", name)])));
    Ok(broken)
}

/// Whether the run was sealed.
pub fn is_sealed(past: &PastRun) -> bool {
    past.folder().join(NAME).is_file()
}

impl Seal {
    /// Of a run whose last line is in the journal.
    fn of(past: &PastRun) -> io::Result<Self> {
        let bytes = fs::read(past.site.journal())?;
        let of_run = |line: &[u8]| {
            let line = serde_json::from_slice::<line::Line>(line);
            line.is_ok_and(|line| line.run == past.run)
        };
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let last = lines.iter().rposition(|line| of_run(line)).map_or(0, |at| at + 1);
        Self::as_sealed(past, last)
    }

    /// The same with so many lines of the journal.
    fn as_sealed(past: &PastRun, lines: usize) -> io::Result<Self> {
        let bytes = fs::read(past.site.journal())?;
        // Only whole lines count: what has no end any more is not the line that was sealed.
        let whole = bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
        let last = lines.checked_sub(1).and_then(|at| whole.into_iter().nth(at));
        let mut files = BTreeMap::new();
        for path in files_of(&past.folder())? {
            let name = path.strip_prefix(past.folder()).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.insert(name, digest::sha256(&path)?.1);
        }
        let last_line = last.map(line::digest).unwrap_or_default();
        Ok(Self { format: 1, run: past.run.clone(), lines, last_line, files })
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The files of a run folder that are sealed.
fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        below(&entry.path(), &mut files)?;
    }
    Ok(files)
}

fn below(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        below(&entry?.path(), files)?;
    }
    Ok(())
}
