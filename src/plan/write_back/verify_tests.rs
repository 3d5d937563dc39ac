//! The second look at a written file: whatever went wrong on the way to the disk, the original stays (PLAN-604).

use super::*;

const ORIGINAL: &[u8] = include_bytes!("../../../examples/plan.xlsx");
const SERIAL: &str = "0f2f6f1e-6a3b-4f6e-9d2e-2f8f4c1d7a55";

/// The example with the cluster serial in place, what was expected of it, and its sheets.
fn written(change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Result<(), Reason> {
    let package = Archive::parse(ORIGINAL).unwrap();
    let mut sheet = Sheet::open(&package, ORIGINAL, "主机规划").unwrap();
    sheet.set(&CellRef::new("主机规划", 19, 5), SERIAL).unwrap();
    let bytes = package.replace(&[(&sheet.part, sheet.xml.clone().into_bytes())]).unwrap();
    verify(&package, &change(bytes), &[sheet])
}

/// The written package with the content of one part changed.
fn with_part(bytes: &[u8], part: &str, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let package = Archive::parse(bytes).unwrap();
    let text = String::from_utf8(package.read(package.find(part).unwrap()).unwrap()).unwrap();
    package.replace(&[(part, change(text).into_bytes())]).unwrap()
}

#[test]
fn a_file_as_intended_passes() {
    assert_eq!(written(|bytes| bytes), Ok(()));
}

#[test]
fn anything_else_is_noticed() {
    const SHEET: &str = "xl/worksheets/sheet3.xml";
    let not_written = written(|_| ORIGINAL.to_vec());
    let truncated = written(|bytes| bytes[..bytes.len() / 2].to_vec());
    let flipped = written(|mut bytes| {
        let at = bytes.windows(SHEET.len()).position(|window| window == SHEET.as_bytes()).unwrap();
        bytes[at + 200] ^= 1;
        bytes
    });
    let other_cell =
        written(|bytes| with_part(&bytes, SHEET, |xml| xml.replacen("<v>10</v>", "<v>12</v>", 1)));
    let other_formula = written(|bytes| with_part(&bytes, SHEET, |xml| xml.replacen("Q3+1", "Q3+2", 1)));
    let other_part = written(|bytes| with_part(&bytes, "xl/styles.xml", |xml| xml + " "));
    for (name, result) in [
        ("nothing written", not_written),
        ("truncated", truncated),
        ("flipped bit", flipped),
        ("another cell", other_cell),
        ("a formula", other_formula),
        ("another part", other_part),
    ] {
        let Err(reason @ Reason::NotAsIntended { .. }) = result else { panic!("{name}: {result:?}") };
        let problem = WriteBackProblem { path: "plan.xlsx".into(), values: Vec::new(), reason };
        assert_eq!(problem.diagnostic().id, "PLAN-604");
    }
}
