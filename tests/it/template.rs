//! The blank workbook: same cells, labels, lists and merges as the real one, open where a person fills in.

use std::{collections::BTreeSet, fs, io::Cursor, io::Read};

use voyager::plan::{cell::parse_a1, template::write_template};
use zip::ZipArchive;

/// Part, merges (planning-sheet 1.5), open ranges (1.4) and lists (1.6) of a sheet.
type SheetFacts = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const SHEETS: [SheetFacts; 4] = [
    ("xl/worksheets/sheet1.xml", "B11:F14 C15:F15 C16:F16 C17:F17", "C15:F17 B19:F22", &[]),
    (
        "xl/worksheets/sheet2.xml",
        "B1:N1 B3:B18 C4:C5 C8:C18 E8:E18 J4:J5 K4:K5 L4:L5 M4:M5 J8:J18 K8:K18 L8:L18 M8:M18 N8:N18 B23:N27",
        "B3 D8:D18 F3:F18 H3:I18 G8:G18 J4:K18 L3:N18",
        &[
            ("K3", "专用,共享"),
            ("M3:M4", "光口,电口"),
            ("M6:M8", "光口,电口"),
            ("K4", "balance-tcp,balance-slb,active-backup"),
            ("K6:K8", "balance-tcp,balance-slb,active-backup"),
            ("N3:N8", "Access,Trunk"),
            ("L3", "100M,1G"),
            ("L4:L8", "1G,10G,25G,40G,56G,100G"),
        ],
    ),
    (
        "xl/worksheets/sheet3.xml",
        "B1:O1 Q2:R2 C3:C18 E19:G19 J19:K19 Q19:R19 Q20:R20 B20:M20 B21:B22 B23:L27 B29:O34",
        "D3:D18 F3:G18 H3:H18 E3:E18 I3:I19 N3:N18 M3:M19 K3:K18 O19 Q19:Q20 P3:Q18 E19 C19",
        &[
            ("O19", "None,RDMA,Boost,RDMA+Boost"),
            ("Q19", "混闪-分层,全闪-不分层"),
            ("Q20:R20", "三网融合,存储独立,三网独立"),
        ],
    ),
    (
        "xl/worksheets/sheet4.xml",
        "B1:N1 B6:B11 M6:M11 N3:N19 B18:B19 C18:C19 D18:D19 B20:L20 F21:N21 F22:N24 F25:N25 F26:N26",
        "E3:E19 G3:G19 I3:I19 K3:K19 M3:M19 E22:E24 E25:E26",
        &[],
    ),
];

fn part(package: &[u8], name: &str) -> String {
    let mut text = String::new();
    ZipArchive::new(Cursor::new(package)).unwrap().by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// The values of `name="…"` in the text, in order.
fn attributes<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    text.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

fn blank() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blank.xlsx");
    write_template(&path).unwrap();
    fs::read(path).unwrap()
}

#[test]
fn merges_and_lists_are_those_of_the_real_workbook() {
    let package = blank();
    for (name, merges, _, lists) in SHEETS {
        let xml = part(&package, name);
        let found: BTreeSet<_> =
            xml.split("<mergeCell ").skip(1).filter_map(|cell| cell.split('"').nth(1)).collect();
        assert_eq!(found, merges.split(' ').collect(), "{name}");
        let mut found = Vec::new();
        for rule in xml.split("<dataValidation ").skip(1) {
            let range = rule.split("sqref=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            let list = rule.split("<formula1>").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
            assert!(rule.starts_with("type=\"list\"") && rule.contains("请从列表中选择"), "{rule}");
            // The style `stop` is the one that is not written.
            assert!(rule.contains("showErrorMessage=\"1\"") && !rule.contains("errorStyle"), "{rule}");
            found.push((range, list.trim_matches('"').replace("&quot;", "")));
        }
        found.sort();
        let mut expected: Vec<_> = lists.iter().map(|(range, list)| (*range, (*list).to_owned())).collect();
        expected.sort();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn sheets_are_protected_and_open_exactly_where_a_person_fills_in() {
    let package = blank();
    let styles = part(&package, "xl/styles.xml");
    let formats = styles.split("<cellXfs").nth(1).and_then(|rest| rest.split("</cellXfs>").next()).unwrap();
    let unlocked: Vec<bool> = formats.split("<xf ").skip(1).map(|xf| xf.contains("locked=\"0\"")).collect();
    for (name, _, open, _) in SHEETS {
        let xml = part(&package, name);
        assert!(xml.contains("<sheetProtection sheet=\"1\""), "{name}");
        assert!(!xml.contains("password=") && !xml.contains("hashValue="), "{name} needs no password");
        let areas: Vec<_> = open
            .split(' ')
            .map(|range| {
                let (first, last) = range.split_once(':').unwrap_or((range, range));
                (parse_a1(first).unwrap(), parse_a1(last).unwrap())
            })
            .collect();
        let mut count = 0;
        for cell in xml.split("<c ").skip(1) {
            let cell = format!(" {}", cell.split('>').next().unwrap());
            let a1 = attributes(&cell, "r")[0];
            let (row, column) = parse_a1(a1).unwrap();
            let style: usize = attributes(&cell, "s").first().map_or(0, |s| s.parse().unwrap());
            if inside_a_merge(&xml, a1) {
                continue; // takes the format of the first cell
            }
            let within = |((top, left), (bottom, right)): &((u32, u32), (u32, u32))| {
                (*top..=*bottom).contains(&row) && (*left..=*right).contains(&column)
            };
            assert_eq!(unlocked[style], areas.iter().any(within), "{name} {a1}");
            count += usize::from(unlocked[style]);
        }
        assert!(count > 10, "{name}");
    }
}

/// Whether the cell lies in a merge without being its first cell.
fn inside_a_merge(xml: &str, a1: &str) -> bool {
    let (row, column) = parse_a1(a1).unwrap();
    xml.split("<mergeCell ref=\"").skip(1).filter_map(|rest| rest.split('"').next()).any(|range| {
        let (first, last) = range.split_once(':').unwrap();
        let ((top, left), (bottom, right)) = (parse_a1(first).unwrap(), parse_a1(last).unwrap());
        (top..=bottom).contains(&row) && (left..=right).contains(&column) && first != a1
    })
}

#[test]
fn formulas_carry_their_results_and_every_run_gives_the_same_bytes() {
    let package = blank();
    assert_eq!(package, blank());
    let mut formulas = 0;
    for (name, ..) in SHEETS {
        for cell in part(&package, name).split("<f>").skip(1) {
            formulas += 1;
            let kept = cell.split("</f>").nth(1).unwrap();
            assert!(kept.starts_with("<v>") && !kept.starts_with("<v>0</v>"), "{name} {cell}");
        }
    }
    assert_eq!(formulas, 3 + 2 + 16, "titles, cluster name, rack ends");
}

#[test]
fn the_examples_in_the_repository_are_what_the_generator_writes_now() {
    // The layout of the examples is the layout of the template: same parts, same fixed labels.
    for example in ["examples/plan.xlsx", "examples/plan-storage-separate.xlsx"] {
        let filled = fs::read(crate::support::tool::project(example)).unwrap();
        for (name, ..) in SHEETS {
            let lists = |package: &[u8]| {
                let xml = part(package, name);
                let from = xml.find("</sheetData>").unwrap();
                xml[from..].to_owned()
            };
            assert_eq!(
                lists(&filled),
                lists(&blank()),
                "{example} {name}: run `cargo run --example plans` again"
            );
        }
    }
}
