//! Serials go back into the workbook: one cell changes, every other byte of the package stays (planning-sheet §9).
//!
//! A write-back that fails never fails a deployment: the problem carries the values, so that a person can type them in.

mod archive;
mod findings;
mod place;
mod snapshot;
mod splice;

use std::{fs, io, path::PathBuf};

use self::{
    archive::{Archive, ArchiveError},
    place::Candidate,
    snapshot::Snapshot,
    splice::Refusal,
};
use crate::plan::{
    CellRef, Source, normalise,
    parts::{self, SheetPart},
};

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct How<'a> {
    /// Names the backup `<name>.bak-<label>.xlsx`: the start of the run, so that there is one backup a run.
    pub backup_label: &'a str,
    /// Write although another program has the workbook open.
    pub even_if_open: bool,
}

/// What was done, value by value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// In the order of the request.
    pub outcomes: Vec<(CellRef, Outcome)>,
    /// `None` when there was nothing to change.
    pub backup: Option<PathBuf>,
    /// The file as it is now: the mark for the next write.
    pub source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The cell was blank or held a placeholder.
    Written,
    /// The cell held this value already.
    Same,
    /// Another value stood there (PLAN-603).
    Replaced { old: String, new: String },
}

/// Why nothing was written. The workbook is as it was.
#[derive(Clone, Debug)]
pub struct WriteBackProblem {
    pub path: PathBuf,
    /// What a person can type in.
    pub values: Vec<(CellRef, String)>,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// PLAN-601: another program has the workbook open; its owner file.
    OpenElsewhere { owner_file: PathBuf },
    /// PLAN-601: the operating system said no.
    NotWritable { error: String },
    /// PLAN-601: the package or the sheet is built in a way that cannot be patched without risk.
    Unfit { why: String },
    /// PLAN-602.
    Changed,
    /// PLAN-604: the new file, read again, is not the old one with these values.
    NotAsIntended { why: String },
    /// PLAN-605.
    Formula { cell: CellRef },
}

/// Writes the values into their cells, all of them or none.
///
/// `source` is what was read, or what the last write left. A rehearsal hands in the one of its copy.
pub fn write(
    source: &Source,
    values: &[(CellRef, String)],
    how: How,
) -> Result<Written, Box<WriteBackProblem>> {
    attempt(source, values, how).map_err(|reason| {
        Box::new(WriteBackProblem { path: source.path.clone(), values: values.to_vec(), reason })
    })
}

fn attempt(source: &Source, values: &[(CellRef, String)], how: How) -> Result<Written, Reason> {
    let path = source.path.as_path();
    if let Some(owner_file) = place::owner_file(path).filter(|_| !how.even_if_open) {
        return Err(Reason::OpenElsewhere { owner_file });
    }
    let original = fs::read(path)?;
    unchanged(source, &original)?;

    let package = Archive::parse(&original)?;
    let mut sheets: Vec<Sheet> = Vec::new();
    let mut outcomes = Vec::new();
    for (cell, value) in values {
        let sheet = match sheets.iter_mut().position(|sheet| sheet.name == cell.sheet) {
            Some(known) => &mut sheets[known],
            None => {
                sheets.push(Sheet::open(&package, &original, &cell.sheet)?);
                let last = sheets.len() - 1;
                &mut sheets[last]
            }
        };
        outcomes.push((cell.clone(), sheet.set(cell, value)?));
    }
    sheets.retain(|sheet| sheet.touched);
    if sheets.is_empty() {
        return Ok(Written { outcomes, backup: None, source: source.clone() });
    }

    let contents: Vec<_> = sheets.iter().map(|s| (s.part.as_str(), s.xml.clone().into_bytes())).collect();
    let candidate = Candidate::write(path, &package.replace(&contents)?)?;
    let written = candidate.read_again()?;
    verify(&package, &written, &sheets)?;
    let backup = place::back_up(path, &original, how.backup_label)?;
    unchanged(source, &fs::read(path)?)?;
    candidate.replace(path)?;
    Ok(Written { outcomes, backup: Some(backup), source: Source::of(path, &written)? })
}

fn unchanged(source: &Source, bytes: &[u8]) -> Result<(), Reason> {
    if Source::of(&source.path, bytes)? == *source { Ok(()) } else { Err(Reason::Changed) }
}

/// The sheet as the reader of plans finds it.
fn sheet_part(bytes: &[u8], name: &str) -> Option<SheetPart> {
    parts::sheet(bytes, name).ok().flatten()
}

/// A sheet on its way from what was read to what is to be written.
struct Sheet {
    /// As the request names it.
    name: String,
    part: String,
    xml: String,
    /// What the sheet must hold afterwards, seen by an independent reader.
    expected: Snapshot,
    touched: bool,
}

impl Sheet {
    fn open(package: &Archive, original: &[u8], name: &str) -> Result<Self, Reason> {
        let unfit = |why: String| Reason::Unfit { why };
        let found = sheet_part(original, name).ok_or_else(|| unfit(format!("no sheet {name}")))?;
        let entry = package.find(&found.part).ok_or_else(|| unfit(format!("no part {}", found.part)))?;
        let xml = String::from_utf8(package.read(entry)?)
            .map_err(|_| unfit(format!("{} is not UTF-8", found.part)))?;
        let expected = Snapshot::read(original, &found.name).map_err(|e| unfit(e.to_string()))?;
        Ok(Self { name: name.to_owned(), part: found.part, xml, expected, touched: false })
    }

    fn set(&mut self, cell: &CellRef, value: &str) -> Result<Outcome, Reason> {
        let place = (cell.row, cell.column);
        // Asked first even when nothing would change: a formula that shows the right value is no place for it.
        let xml =
            splice::set_text(&self.xml, cell.row, cell.column, value).map_err(|refusal| match refusal {
                Refusal::Formula => Reason::Formula { cell: cell.clone() },
                Refusal::InsideMerge { range } => {
                    Reason::Unfit { why: format!("{cell} lies inside the merged range {range}") }
                }
                Refusal::Malformed(why) => Reason::Unfit { why },
            })?;
        let old = self.expected.text(place).trim().to_owned();
        if old == value {
            return Ok(Outcome::Same);
        }
        self.expected.set(place, value);
        self.xml = xml;
        self.touched = true;
        let blank = old.is_empty() || normalise::is_placeholder(&normalise::ident(&old));
        Ok(if blank { Outcome::Written } else { Outcome::Replaced { old, new: value.to_owned() } })
    }
}

/// Reads the new file again: same entries in the same order, every untouched one byte for byte, and in the touched
/// sheets every value and formula as before but for the values that were to be set.
fn verify(package: &Archive, written: &[u8], sheets: &[Sheet]) -> Result<(), Reason> {
    let not_as_intended = |why: String| Reason::NotAsIntended { why };
    let again = Archive::parse(written).map_err(|e| not_as_intended(e.to_string()))?;
    let names = |archive: &Archive| archive.entries().iter().map(|e| e.name.clone()).collect::<Vec<_>>();
    if names(&again) != names(package) {
        return Err(not_as_intended("other entries than before".into()));
    }
    for (old, new) in package.entries().iter().zip(again.entries()) {
        let touched = sheets.iter().any(|sheet| sheet.part == new.name);
        if touched {
            again.read(new).map_err(|e| not_as_intended(format!("{}: {e}", new.name)))?;
        } else if again.stored(new) != package.stored(old) {
            return Err(not_as_intended(format!("{} changed", new.name)));
        }
    }
    for sheet in sheets {
        let found = sheet_part(written, &sheet.name).map(|found| found.name).unwrap_or_default();
        let snapshot = Snapshot::read(written, &found).map_err(|e| not_as_intended(e.to_string()))?;
        if snapshot != sheet.expected {
            return Err(not_as_intended(format!("cells of {} other than intended", sheet.name)));
        }
    }
    Ok(())
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        Self::NotWritable { error: error.to_string() }
    }
}

impl From<ArchiveError> for Reason {
    fn from(error: ArchiveError) -> Self {
        Self::Unfit { why: error.to_string() }
    }
}

#[cfg(test)]
mod verify_tests;
