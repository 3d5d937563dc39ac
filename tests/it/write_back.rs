//! Serials go back into the workbook: one cell changes, everything else stays, byte for byte.

use std::{
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use voyager::plan::{
    CellRef, Source,
    write_back::{How, Outcome, Reason, WriteBackProblem, Written, write},
};
use zip::ZipArchive;

use crate::support::{
    tool::project,
    workbook::{Form, Parts, Workbook, cell, edit_part, pack, pack_with_descriptors},
};

mod crash;

const SERIAL: &str = "0f2f6f1e-6a3b-4f6e-9d2e-2f8f4c1d7a55";
const HOW: How = How { backup_label: "20260105T083000", even_if_open: false };

fn set(path: &Path, edits: &[(&str, &str)]) -> Result<Written, Box<WriteBackProblem>> {
    let values: Vec<_> = edits.iter().map(|(at, text)| (cell(at), (*text).to_owned())).collect();
    write(&Source::read(path).unwrap(), &values, HOW)
}

/// What an entry is, apart from its content.
#[derive(Debug, PartialEq)]
struct Entry {
    name: String,
    /// Local header as it lies in the file, without CRC and sizes.
    header: Vec<u8>,
    compressed: Vec<u8>,
    flags: String,
    modified: String,
    attributes: Option<u32>,
}

fn entries(bytes: &[u8]) -> Vec<Entry> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let count = archive.len();
    let read = |n| {
        let mut file = archive.by_index_raw(n).unwrap();
        let (start, data) = (file.header_start() as usize, file.data_start().unwrap() as usize);
        let mut header = bytes[start..data].to_vec();
        header[14..26].fill(0);
        let mut compressed = Vec::new();
        file.read_to_end(&mut compressed).unwrap();
        Entry {
            name: file.name().unwrap().to_string(),
            header,
            compressed,
            flags: format!("{:?}", file.flags()),
            modified: format!("{:?}", file.last_modified()),
            attributes: file.unix_mode(),
        }
    };
    (0..count).map(read).collect()
}

fn content(bytes: &[u8], name: &str) -> String {
    let mut text = String::new();
    ZipArchive::new(Cursor::new(bytes)).unwrap().by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// Asserts that only these parts differ, and in each of them only one `<c>` element.
#[track_caller]
fn only_these_cells_changed(old: &[u8], new: &[u8], expected: &[(&str, &str)]) {
    let (old_entries, new_entries) = (entries(old), entries(new));
    assert_eq!(old_entries.len(), new_entries.len());
    for (mut old_entry, new_entry) in old_entries.into_iter().zip(new_entries) {
        if expected.iter().any(|(part, _)| *part == new_entry.name) {
            assert_ne!(old_entry.compressed, new_entry.compressed, "{} did not change", new_entry.name);
            old_entry.compressed.clone_from(&new_entry.compressed);
        }
        assert!(old_entry == new_entry, "{} changed", new_entry.name);
    }
    for (part, a1) in expected {
        let (old, new) = (content(old, part), content(new, part));
        let cell = new.find(&format!("<c r=\"{a1}\"")).unwrap();
        let after = cell + new[cell..].find("</c>").unwrap() + 4;
        assert!(new[cell..after].contains(SERIAL), "{}", &new[cell..after]);
        assert!(old.starts_with(&new[..cell]), "{part} differs before {a1}");
        assert!(old.ends_with(&new[after..]), "{part} differs behind {a1}");
        let was = &old[cell..old.len() - (new.len() - after)];
        assert!(was.is_empty() || was.matches("<c ").count() == 1, "replaced {was}");
    }
}

/// The good workbook of both forms and with data descriptors, and what is around of real files.
fn workbooks(folder: &Path) -> Vec<(PathBuf, [&'static str; 2])> {
    let mut all = Vec::new();
    for (name, form) in [("x.xlsx", Form::X), ("l.xlsx", Form::L)] {
        all.push((Workbook::good().form(form).write(folder, name), [SHEET_H, SHEET_M]));
    }
    let streamed = folder.join("streamed.xlsx");
    fs::write(&streamed, pack_with_descriptors(&Workbook::good().parts())).unwrap();
    all.push((streamed, [SHEET_H, SHEET_M]));
    let example = folder.join("example.xlsx");
    fs::copy(project("examples/plan.xlsx"), &example).unwrap();
    all.push((example, ["xl/worksheets/sheet3.xml", "xl/worksheets/sheet4.xml"]));
    for name in ["planning-sheet-template.xlsx", "planning-sheet-template-excel.xlsx"] {
        let fixture = project("../shared/fixtures").join(name);
        if let Ok(bytes) = fs::read(fixture) {
            let copy = folder.join(name);
            fs::write(&copy, bytes).unwrap();
            all.push((copy, ["xl/worksheets/sheet9.xml", "xl/worksheets/sheet10.xml"]));
        }
    }
    all
}

/// Parts of 主机规划 and 集群管理信息 in the workbooks of the builder.
const SHEET_H: &str = "xl/worksheets/sheet4.xml";
const SHEET_M: &str = "xl/worksheets/sheet5.xml";

#[test]
fn only_the_target_cells_change_whatever_wrote_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (path, [hosts, management]) in workbooks(folder.path()) {
        let old = fs::read(&path).unwrap();
        let written = set(&path, &[("H!E19", SERIAL), ("M!M3", SERIAL)]).unwrap();
        let new = fs::read(&path).unwrap();
        only_these_cells_changed(&old, &new, &[(hosts, "E19"), (management, "M3")]);
        assert_eq!(written.source, Source::read(&path).unwrap());
        assert_eq!(fs::read(written.backup.unwrap()).unwrap(), old);
    }
}

#[test]
fn cells_and_rows_that_are_missing_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = Workbook::good().write(folder.path(), "plan.xlsx");
    let old = fs::read(&path).unwrap();
    set(&path, &[("H!AB999", SERIAL)]).unwrap();
    only_these_cells_changed_but_for_a_row(&old, &fs::read(&path).unwrap());
}

fn only_these_cells_changed_but_for_a_row(old: &[u8], new: &[u8]) {
    let row = format!("<row r=\"999\"><c r=\"AB999\" t=\"inlineStr\"><is><t>{SERIAL}</t></is></c></row>");
    assert_eq!(content(new, SHEET_H).replace(&row, ""), content(old, SHEET_H));
}

#[test]
fn each_value_says_whether_it_was_written_was_there_or_took_anothers_place() {
    let folder = tempfile::tempdir().unwrap();
    let workbook = Workbook::good().edit(&["M!M3 = stale", "M!M4 = N/A", &format!("M!M5 = {SERIAL}")]);
    let path = workbook.write(folder.path(), "plan.xlsx");
    let targets = ["H!E19", "M!M3", "M!M4", "M!M5"];
    let written = set(&path, &targets.map(|at| (at, SERIAL))).unwrap();
    let outcomes: Vec<_> =
        written.outcomes.iter().map(|(at, outcome)| (at.clone(), outcome.clone())).collect();
    let replaced = Outcome::Replaced { old: "stale".into(), new: SERIAL.into() };
    let expected = [Outcome::Written, replaced, Outcome::Written, Outcome::Same];
    assert_eq!(outcomes, targets.map(cell).into_iter().zip(expected).collect::<Vec<_>>());

    let findings = written.diagnostics();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].id, findings[0].place().as_deref()), ("PLAN-603", Some("集群管理信息!M3")));
    assert!(findings[0].message.en.contains("stale"), "{:?}", findings[0].message);
}

#[test]
fn a_value_that_is_there_already_leaves_the_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = Workbook::good().write(folder.path(), "plan.xlsx");
    set(&path, &[("H!E19", SERIAL)]).unwrap();
    let before = Source::read(&path).unwrap();
    let again = set(&path, &[("H!E19", SERIAL)]).unwrap();
    assert_eq!((again.backup, &again.source), (None, &before));
    assert_eq!(Source::read(&path).unwrap(), before);
}

#[test]
fn one_run_leaves_one_backup_of_what_stood_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = Workbook::good().write(folder.path(), "plan.xlsx");
    let original = fs::read(&path).unwrap();
    set(&path, &[("H!E19", SERIAL)]).unwrap();
    set(&path, &[("M!M3", SERIAL)]).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["plan.bak-20260105T083000.xlsx", "plan.xlsx"]);
    assert_eq!(fs::read(folder.path().join(&names[0])).unwrap(), original);
}

/// Asserts that nothing was written and that the finding has this id and names the value to type in.
#[track_caller]
fn refused(path: &Path, result: Result<Written, Box<WriteBackProblem>>, before: &[u8], id: &str) -> Reason {
    let problem = result.expect_err("this must be refused");
    assert_eq!(fs::read(path).unwrap(), before, "the workbook changed");
    let finding = problem.diagnostic();
    assert_eq!(finding.id, id);
    for words in [&finding.help.zh, &finding.help.en] {
        assert!(words.contains(SERIAL), "{words}");
    }
    problem.reason
}

#[test]
fn an_open_workbook_is_left_alone_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let path = Workbook::good().write(folder.path(), "plan.xlsx");
    let before = fs::read(&path).unwrap();
    for lock in ["~$plan.xlsx", ".~lock.plan.xlsx#"] {
        let lock = folder.path().join(lock);
        fs::write(&lock, "").unwrap();
        let reason = refused(&path, set(&path, &[("H!E19", SERIAL)]), &before, "PLAN-601");
        assert_eq!(reason, Reason::OpenElsewhere { owner_file: lock.clone() });
        fs::remove_file(lock).unwrap();
    }
    fs::write(folder.path().join("~$plan.xlsx"), "").unwrap();
    let forced = How { even_if_open: true, ..HOW };
    write(&Source::read(&path).unwrap(), &[(cell("H!E19"), SERIAL.into())], forced).unwrap();
    assert!(content(&fs::read(&path).unwrap(), SHEET_H).contains(SERIAL));
}

#[test]
fn a_file_that_changed_since_it_was_read_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = Workbook::good().write(folder.path(), "plan.xlsx");
    let source = Source::read(&path).unwrap();
    let values = [(cell("H!E19"), SERIAL.to_owned())];
    let later = Workbook::good().edit(&["P!C15 = 他人"]).write(folder.path(), "plan.xlsx");
    let before = fs::read(&later).unwrap();
    assert_eq!(refused(&path, write(&source, &values, HOW), &before, "PLAN-602"), Reason::Changed);

    // The same bytes saved again are another file too: somebody is at work on it.
    let source = Source { modified: None, ..Source::read(&path).unwrap() };
    assert_eq!(refused(&path, write(&source, &values, HOW), &before, "PLAN-602"), Reason::Changed);
}

#[test]
fn a_formula_is_no_place_for_a_serial() {
    let folder = tempfile::tempdir().unwrap();
    let formulas = ["H!E19f= 虚拟网络!B3", &format!("H!E19f= 虚拟网络!B3 => {SERIAL}")];
    for formula in formulas {
        let path = Workbook::good().edit(&[formula]).write(folder.path(), "plan.xlsx");
        let before = fs::read(&path).unwrap();
        let reason = refused(&path, set(&path, &[("M!M3", SERIAL), ("H!E19", SERIAL)]), &before, "PLAN-605");
        assert_eq!(reason, Reason::Formula { cell: cell("H!E19") });
    }
}

#[test]
fn what_cannot_be_patched_safely_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let parts = |change: fn(&mut Parts)| {
        let mut parts = Workbook::good().parts();
        change(&mut parts);
        pack(&parts)
    };
    fn doctype(xml: String) -> String {
        xml.replacen("<worksheet", "<!DOCTYPE worksheet><worksheet", 1)
    }
    let cases = [
        ("inner cell of a merge", "H!F19", Workbook::good().bytes()),
        ("no such sheet", "不存在!A1", Workbook::good().bytes()),
        ("not a package", "H!E19", b"PK\x03\x04 and no more".to_vec()),
        ("DOCTYPE", "H!E19", parts(|p| edit_part(p, SHEET_H, doctype))),
        ("no sheet data", "H!E19", parts(|p| edit_part(p, SHEET_H, |_| "<worksheet/>".into()))),
        ("part missing", "H!E19", parts(|p| p.retain(|(name, _)| name != SHEET_H))),
    ];
    for (name, at, bytes) in cases {
        let path = folder.path().join("plan.xlsx");
        fs::write(&path, &bytes).unwrap();
        let reason = refused(&path, set(&path, &[(at, SERIAL)]), &bytes, "PLAN-601");
        assert!(matches!(reason, Reason::Unfit { .. }), "{name}: {reason:?}");
    }
}

#[test]
fn a_prefix_and_unknown_parts_are_carried_through() {
    let folder = tempfile::tempdir().unwrap();
    let mut parts = Workbook::good().parts();
    edit_part(&mut parts, SHEET_H, |xml| {
        let xml =
            xml.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:").replace("<x:?", "<?");
        xml.replace("xmlns=", "xmlns:x=")
    });
    let path = folder.path().join("plan.xlsx");
    fs::write(&path, pack(&parts)).unwrap();
    set(&path, &[("H!E19", SERIAL)]).unwrap();
    let xml = content(&fs::read(&path).unwrap(), SHEET_H);
    let cell = format!("<x:c r=\"E19\" t=\"inlineStr\"><x:is><x:t>{SERIAL}</x:t></x:is></x:c>");
    assert!(xml.contains(&cell), "{xml}");
}

#[cfg(unix)]
#[test]
fn mode_is_kept_a_backup_is_its_owner_s_alone_and_a_read_only_file_or_folder_is_respected() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("plans");
    fs::create_dir(&inner).unwrap();
    let path = Workbook::good().write(&inner, "plan.xlsx");
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&path, 0o640);
    let written = set(&path, &[("H!E19", SERIAL)]).unwrap();
    for (file, mode) in [(&path, 0o640), (&written.backup.unwrap(), 0o600)] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, mode);
    }
    let before = fs::read(&path).unwrap();
    let edit = [("M!M3", SERIAL)];
    mode(&path, 0o440);
    assert!(matches!(refused(&path, set(&path, &edit), &before, "PLAN-601"), Reason::NotWritable { .. }));
    mode(&path, 0o640);
    mode(&inner, 0o555);
    assert!(matches!(refused(&path, set(&path, &edit), &before, "PLAN-601"), Reason::NotWritable { .. }));
    mode(&inner, 0o755);
    let names = fs::read_dir(&inner).unwrap().count();
    assert_eq!(names, 2, "a refused write leaves nothing behind");
}

#[test]
fn a_workbook_that_vanished_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = Workbook::good().write(folder.path(), "plan.xlsx");
    let source = Source::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let target: CellRef = cell("H!E19");
    let problem = write(&source, &[(target.clone(), SERIAL.into())], HOW).unwrap_err();
    assert_eq!((problem.diagnostic().id, problem.values), ("PLAN-601", vec![(target, SERIAL.to_owned())]));
}
