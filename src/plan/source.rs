//! The workbook file: finding it, reading it once, and knowing later whether it changed.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest, Sha256};

use super::{
    diagnostic::Finding,
    package::{MAX_FILE, Refusal, too_large},
};
use crate::units;

/// What was read, so that a write-back can tell whether the file changed since (planning-sheet 9.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    pub modified: Option<SystemTime>,
    /// Lower-case hex.
    pub sha256: String,
}

impl Source {
    /// The file at `path`, whose content was just read into `bytes`.
    pub fn of(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let modified = fs::metadata(path)?.modified().ok();
        Ok(Self { path: path.to_owned(), size: bytes.len() as u64, modified, sha256 })
    }

    /// Reads the file and says what it is now.
    pub fn read(path: &Path) -> io::Result<Self> {
        Self::of(path, &fs::read(path)?)
    }
}

/// Reads the workbook at `path`, or the only one in the directory `path` (planning-sheet 2.1).
pub fn read(path: &Path) -> Result<(Source, Vec<u8>), Refusal> {
    let path = if path.is_dir() { discover(path)? } else { path.to_owned() };
    if file_name(&path).starts_with("~$") {
        return Err(Box::new(Finding::new("PLAN-007").arg("name", &file_name(&path))));
    }
    let unreadable = |error: io::Error| {
        Box::new(Finding::new("PLAN-001").arg("path", &path.display()).arg("reason", &error))
    };
    let file = fs::File::open(&path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(Box::new(Finding::new("PLAN-001.no-file").arg("path", &path.display())));
    }
    if meta.len() > MAX_FILE {
        return Err(too_large(&file_name(&path), units::bytes(MAX_FILE)));
    }
    let mut bytes = Vec::new();
    // One byte more than allowed, should the file grow meanwhile.
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let source = Source::of(&path, &bytes).map_err(unreadable)?;
    Ok((source, bytes))
}

/// The one planning workbook of a directory; several are an error that lists them.
fn discover(directory: &Path) -> Result<PathBuf, Refusal> {
    let unreadable = |error: io::Error| {
        Box::new(Finding::new("PLAN-001").arg("path", &directory.display()).arg("reason", &error))
    };
    let found: Vec<PathBuf> =
        workbooks(directory).map_err(unreadable)?.into_iter().filter(|path| is_named(path)).collect();
    match found.as_slice() {
        [] => Err(Box::new(Finding::new("PLAN-001.none-found").arg("path", &directory.display()))),
        [only] => Ok(only.clone()),
        several => {
            let names: Vec<_> = several.iter().map(|path| file_name(path)).collect();
            let finding = Finding::new("PLAN-008").arg("path", &directory.display());
            Err(Box::new(finding.arg("names", &names.join(", "))))
        }
    }
}

/// The plans of a directory of several, in order of name: the workbooks that are called as planning workbooks are, or
/// every workbook where none is. Lock files of Excel and the backups of write-backs are left out.
pub fn all(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let found = workbooks(directory)?;
    let named: Vec<PathBuf> = found.iter().filter(|path| is_named(path)).cloned().collect();
    Ok(if named.is_empty() { found } else { named })
}

/// Whether a file is called as planning workbooks are (planning-sheet 2.1).
pub fn is_named(path: &Path) -> bool {
    const PARTS: [&str; 3] = ["SmartX超融合", "规划设计表", "ELF环境"];
    let name = file_name(path);
    PARTS.iter().all(|part| name.contains(part))
}

fn workbooks(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = file_name(&path);
        let left_out = name.starts_with("~$") || name.contains(".bak-");
        if name.to_ascii_lowercase().ends_with(".xlsx") && !left_out {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The file's own name, for messages and for telling its kind.
pub fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// PLAN-002 and 009: what the name alone says. `readable` is whether the content is a workbook after all.
pub fn judge_name(name: &str, readable: bool) -> Option<Finding> {
    let lower = name.to_ascii_lowercase();
    if lower.ends_with(".xlsx") {
        return None;
    }
    if lower.ends_with(".xlsm") {
        return Some(Finding::new("PLAN-009"));
    }
    let finding = Finding::new("PLAN-002").arg("name", &name);
    Some(if readable { finding.severity(super::Severity::Warning) } else { finding })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> &'static str {
        read(path).err().map_or("ok", |finding| finding.diagnostic().id)
    }

    #[test]
    fn a_directory_with_one_planning_workbook_is_enough() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(refused(dir.path()), "PLAN-001");
        let name = "SmartX超融合-规划设计表-ELF环境.xlsx";
        fs::write(dir.path().join(name), b"x").unwrap();
        fs::write(dir.path().join(format!("~${name}")), b"x").unwrap();
        fs::write(dir.path().join("other.xlsx"), b"x").unwrap();
        assert_eq!(read(dir.path()).unwrap().0.path, dir.path().join(name));
        fs::write(dir.path().join(format!("2-{name}")), b"x").unwrap();
        assert_eq!(refused(dir.path()), "PLAN-008");
    }

    #[test]
    fn a_directory_of_several_plans_is_all_of_them_in_order_without_lock_files_and_backups() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.xlsx", "a.XLSX", "~$a.xlsx", "a.bak-20260105-083000.xlsx", "notes.txt"] {
            fs::write(dir.path().join(name), b"x").unwrap();
        }
        let names = || all(dir.path()).unwrap().iter().map(|path| file_name(path)).collect::<Vec<_>>();
        assert_eq!(names(), ["a.XLSX", "b.xlsx"]);
        fs::write(dir.path().join("2-SmartX超融合-规划设计表-ELF环境.xlsx"), b"x").unwrap();
        assert_eq!(names(), ["2-SmartX超融合-规划设计表-ELF环境.xlsx"], "called as the template is");
    }

    #[test]
    fn missing_and_temporary_files_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(refused(&dir.path().join("none.xlsx")), "PLAN-001");
        let owner = dir.path().join("~$plan.xlsx");
        fs::write(&owner, b"x").unwrap();
        assert_eq!(refused(&owner), "PLAN-007");
    }
}
