//! 8.1, the file: what is no workbook, or one that must not be opened, is refused with the right id and exit code 3.

use std::{fs, path::Path};

use voyager::plan::{CheckOptions, check};

use super::found;
use crate::support::{
    tool::Voyager,
    workbook::{Form, Parts, Workbook, edit_part, pack},
};

/// Broken below.
pub const IDS: &[&str] = &["001", "002", "003", "004", "005", "006", "007", "008", "009"];

const SHEET: &str = "xl/worksheets/sheet4.xml";

/// Checks the file as a library call and through the binary.
#[track_caller]
fn refused(path: &Path, find: &str) {
    if let Err(report) = found(&check(path, &CheckOptions::default()), &[find]) {
        panic!("{}: {report}", path.display());
    }
    let folder = path.parent().unwrap();
    let ran =
        Voyager::within(folder).args(["plan", "check", "--output", "json"]).args([path]).run().exits_with(3);
    let id = format!("PLAN-{}", find.split(' ').next().unwrap());
    let json = ran.json();
    assert!(json["plan"].is_null(), "{ran}");
    assert!(json["diagnostics"].as_array().unwrap().iter().any(|d| d["id"] == id.as_str()), "{ran}");
}

#[track_caller]
fn refused_bytes(name: &str, bytes: &[u8], find: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    refused(&path, find);
}

fn changed(change: impl FnOnce(&mut Parts)) -> Vec<u8> {
    let mut parts = Workbook::good().parts();
    change(&mut parts);
    pack(&parts)
}

/// A compound file with a directory entry of this name.
fn compound(entry: &str) -> Vec<u8> {
    let mut bytes = vec![0u8; 2048];
    bytes[..8].copy_from_slice(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]);
    bytes[24..34].copy_from_slice(&[0x3E, 0, 3, 0, 0xFE, 0xFF, 9, 0, 6, 0]);
    let name: Vec<u8> = entry.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes[1024..1024 + name.len()].copy_from_slice(&name);
    bytes
}

#[test]
fn what_is_not_there_or_empty_is_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    refused(&folder.path().join("missing.xlsx"), "001 error");
    refused_bytes("plan.xlsx", b"", "001 error");
    fs::create_dir(folder.path().join("folder.xlsx")).unwrap();
    assert!(check(&folder.path().join("folder.xlsx"), &CheckOptions::default()).plan.is_none());
}

#[test]
fn what_is_not_a_workbook_is_refused() {
    refused_bytes("plan.xlsx", b"host,ip\nnode-1,10.0.0.1\n", "005 error");
    refused_bytes("plan.xlsx", &[0x89, b'P', b'N', b'G', 0, 1, 2, 3], "005 error");
    refused_bytes("plan.xlsx", &pack(&[("word/document.xml".into(), b"<a/>".to_vec())]), "005 error");
    refused_bytes("plan.xlsx", &compound("EncryptedPackage"), "003 error");
    refused_bytes("plan.xlsx", &compound("Workbook"), "004 error");
}

#[test]
fn another_extension_is_an_error_unless_it_is_a_workbook_after_all() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["plan.csv", "plan.xls", "plan.et", "plan.ods"] {
        let path = folder.path().join(name);
        fs::write(&path, b"host,ip\n").unwrap();
        let checked = check(&path, &CheckOptions::default());
        found(&checked, &["002 error", "..."]).unwrap();
        let path = Workbook::good().write(folder.path(), name);
        found(&check(&path, &CheckOptions::default()), &["002 warning"]).unwrap();
    }
}

#[test]
fn macros_are_announced_and_never_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = Workbook::good().write(folder.path(), "plan.xlsm");
    found(&check(&path, &CheckOptions::default()), &["009 warning"]).unwrap();
    let path = folder.path().join("plan.xlsx");
    fs::write(&path, changed(|parts| parts.push(("xl/vbaProject.bin".into(), b"Sub".to_vec())))).unwrap();
    found(&check(&path, &CheckOptions::default()), &["009 warning"]).unwrap();
}

#[test]
fn an_owner_file_is_not_taken_for_a_workbook() {
    refused_bytes("~$plan.xlsx", &Workbook::good().bytes(), "007 error");
    refused_bytes("~$plan.xlsx", b"\x05admin", "007 error");
}

#[test]
fn a_folder_is_searched_and_more_than_one_plan_is_ambiguous() {
    let folder = tempfile::tempdir().unwrap();
    Workbook::good().write(folder.path(), "甲-SmartX超融合-规划设计表-ELF环境.xlsx");
    Workbook::good().write(folder.path(), "其他.xlsx");
    fs::write(folder.path().join("~$甲-SmartX超融合-规划设计表-ELF环境.xlsx"), b"x").unwrap();
    found(&check(folder.path(), &CheckOptions::default()), &[]).unwrap();
    Workbook::good().write(folder.path(), "乙-SmartX超融合-规划设计表-ELF环境.xlsx");
    let checked = check(folder.path(), &CheckOptions::default());
    found(&checked, &["008 error"]).unwrap();
    let message = &checked.diagnostics[0].message.zh;
    assert!(message.contains("甲-") && message.contains("乙-"), "{message}");
}

#[test]
fn damage_is_found_wherever_it_is() {
    let good = Workbook::good().bytes();
    for length in [10, good.len() / 3, good.len() - 30] {
        refused_bytes("plan.xlsx", &good[..length], "005 error");
    }
    // A flipped bit in the data of the host sheet.
    let mut flipped = good.clone();
    let at = good.windows(SHEET.len()).position(|window| window == SHEET.as_bytes()).unwrap();
    flipped[at + SHEET.len() + 400] ^= 0x10;
    refused_bytes("plan.xlsx", &flipped, "005 error");
    // A CRC that does not fit.
    let mut bad_crc = good.clone();
    let central = good.windows(SHEET.len()).rposition(|window| window == SHEET.as_bytes()).unwrap() - 46;
    for header in [at - 30 + 14, central + 16] {
        bad_crc[header] ^= 0xFF;
    }
    refused_bytes("plan.xlsx", &bad_crc, "005 error");
}

#[test]
fn a_package_without_a_needed_part_is_refused() {
    for part in ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", SHEET, "xl/sharedStrings.xml"] {
        refused_bytes("plan.xlsx", &changed(|parts| parts.retain(|(name, _)| name != part)), "005 error");
    }
}

#[test]
fn malformed_xml_entities_and_path_tricks_are_refused() {
    let doctype = "<!DOCTYPE x [<!ENTITY a \"10.40.8.12\">]><worksheet";
    for bytes in [
        changed(|parts| edit_part(parts, SHEET, |xml| xml.replacen("<worksheet", doctype, 1))),
        changed(|parts| edit_part(parts, SHEET, |xml| xml.replace("</sheetData>", "</sheetDat>"))),
        changed(|parts| edit_part(parts, SHEET, |xml| xml[..xml.len() / 2].to_owned())),
        changed(|parts| edit_part(parts, "xl/workbook.xml", |_| "<workbook".into())),
        changed(|parts| {
            edit_part(parts, "xl/workbook.xml", |xml| xml.replacen("<workbook", "<!DOCTYPE a><workbook", 1))
        }),
        changed(|parts| {
            edit_part(parts, "xl/sharedStrings.xml", |xml| xml.replacen("<sst", "<!DOCTYPE a><sst", 1))
        }),
        changed(|parts| parts.push(("../evil.xml".into(), b"x".to_vec()))),
        changed(|parts| parts.push(("/etc/passwd".into(), b"x".to_vec()))),
        changed(|parts| parts.push(("xl/a/../../../x".into(), b"x".to_vec()))),
    ] {
        refused_bytes("plan.xlsx", &bytes, "005 error");
    }
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    // A part of 80 MiB that packs to 80 kB.
    let filler = |xml: String| xml.replace("</sheetData>", &format!("{}</sheetData>", " ".repeat(80 << 20)));
    refused_bytes("plan.xlsx", &changed(|parts| edit_part(parts, SHEET, filler)), "006 error");
    // The sum of parts nobody reads.
    let many =
        |parts: &mut Parts| parts.extend((0..6).map(|n| (format!("media/{n}.bin"), vec![0; 50 << 20])));
    refused_bytes("plan.xlsx", &changed(many), "006 error");
    let entries = |parts: &mut Parts| parts.extend((0..2100).map(|n| (format!("x/{n}"), Vec::new())));
    refused_bytes("plan.xlsx", &changed(entries), "006 error");
}

#[test]
fn a_million_rows_and_a_cell_at_the_far_corner_are_refused() {
    let rows: String =
        (21..1_000_021).map(|row| format!("<row r=\"{row}\"><c r=\"A{row}\"><v>1</v></c></row>")).collect();
    let add = |xml: String, rows: &str| xml.replace("</sheetData>", &format!("{rows}</sheetData>"));
    refused_bytes("plan.xlsx", &changed(|parts| edit_part(parts, SHEET, |xml| add(xml, &rows))), "006 error");
    let corner = "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>";
    refused_bytes(
        "plan.xlsx",
        &changed(|parts| edit_part(parts, SHEET, |xml| add(xml, corner))),
        "006 error",
    );
    let wide = Workbook::good().edit(&["H!XFD3 = x"]).bytes();
    refused_bytes("plan.xlsx", &wide, "006 error");
}

#[test]
fn sheets_that_are_not_read_may_hold_what_they_like() {
    let folder = tempfile::tempdir().unwrap();
    for form in [Form::X, Form::L] {
        let mut workbook = Workbook::good().form(form);
        let other = workbook.sheet("更新说明");
        other.cells.insert((1_048_576, 16_384), crate::support::workbook::Value::Text("角落".into()));
        found(&check(&workbook.write(folder.path(), "plan.xlsx"), &CheckOptions::default()), &[]).unwrap();
    }
}

#[test]
fn prefixed_elements_and_the_strict_namespace_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let prefixed = changed(|parts| {
        edit_part(parts, SHEET, |xml| {
            let xml =
                xml.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:").replace("<x:?", "<?");
            xml.replace("xmlns=", "xmlns:x=")
        });
    });
    const STRICT: &str = "http://purl.oclc.org/ooxml/spreadsheetml/main";
    const USUAL: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let strict = changed(|parts| {
        for part in ["xl/workbook.xml", "xl/sharedStrings.xml", SHEET] {
            edit_part(parts, part, |xml| xml.replace(USUAL, STRICT));
        }
    });
    for bytes in [prefixed, strict] {
        let path = folder.path().join("plan.xlsx");
        fs::write(&path, bytes).unwrap();
        found(&check(&path, &CheckOptions::default()), &[]).unwrap();
    }
}
