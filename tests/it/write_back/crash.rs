//! A process that is killed while it writes leaves the old workbook or the new one, never a half one.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use super::{HOW, SHEET_H, content, entries};
use crate::support::workbook::{Workbook, cell};
use voyager::plan::{Source, write_back::write};

const TARGET: &str = "VOYAGER_TEST_WORKBOOK";

#[test]
#[ignore = "the process that the next test kills"]
fn writes_until_it_is_killed() {
    let path = env::var(TARGET).expect("started by the next test");
    for n in 0.. {
        writeln!(std::io::stdout(), "write {n}").unwrap();
        std::io::stdout().flush().unwrap();
        let source = Source::read(Path::new(&path)).unwrap();
        write(&source, &[(cell("H!E19"), format!("serial-{n}"))], HOW).unwrap();
    }
}

#[test]
fn a_killed_write_leaves_a_whole_workbook() {
    let folder = tempfile::tempdir().unwrap();
    let path = Workbook::good().write(folder.path(), "plan.xlsx");
    let original = entries(&fs::read(&path).unwrap());
    for writes in 1..12 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "write_back::crash::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(TARGET, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let begun = lines.filter(|line| line.contains("write ")).take(writes).count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(begun, writes, "the child ended early");

        let bytes = fs::read(&path).unwrap();
        let xml = content(&bytes, SHEET_H);
        assert!(xml.ends_with("</worksheet>"));
        assert!(writes < 2 || xml.contains("serial-"), "a finished write is there");
        let others = |all: &[super::Entry]| {
            all.iter().filter(|e| e.name != SHEET_H).map(|e| e.compressed.clone()).collect::<Vec<_>>()
        };
        assert_eq!(others(&entries(&bytes)), others(&original));
    }
}
