//! The rules of the house that a machine can hold: small files with a purpose, and no quiet exceptions.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::tool::project;

/// Every Rust file under `folder`, with its text.
pub fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(&project(folder), &mut found);
    assert!(!found.is_empty(), "{folder} holds no source");
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.clone(), fs::read_to_string(&path).expect("source is text")));
        }
    }
}

fn offenders(found: &[(PathBuf, String)], wrong: impl Fn(&Path, &str) -> bool) -> Vec<String> {
    let wrong = found.iter().filter(|(path, text)| wrong(path, text));
    wrong.map(|(path, text)| format!("{} ({} lines)", path.display(), text.lines().count())).collect()
}

#[test]
fn no_file_is_longer_than_450_lines() {
    for folder in ["src", "tests"] {
        assert_eq!(offenders(&sources(folder), |_, text| text.lines().count() > 450), [""; 0], "{folder}");
    }
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    // A file of unit tests beside the file it tests is named after its purpose.
    let is_tests =
        |path: &Path| path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
    for folder in ["src", "tests"] {
        let headless = |path: &Path, text: &str| !is_tests(path) && !text.starts_with("//! ");
        assert_eq!(offenders(&sources(folder), headless), [""; 0], "{folder}");
    }
}

#[test]
fn no_file_is_a_drawer_for_what_nobody_placed() {
    let drawers = ["utils", "util", "helpers", "helper", "common", "misc"];
    let is_drawer = |path: &Path, _: &str| {
        path.iter().any(|part| drawers.contains(&part.to_string_lossy().trim_end_matches(".rs")))
    };
    let found: Vec<(PathBuf, String)> = sources("src")
        .into_iter()
        .map(|(path, text)| (path.strip_prefix(project("")).map(Path::to_owned).unwrap_or(path), text))
        .collect();
    assert_eq!(offenders(&found, is_drawer), [""; 0]);
}

#[test]
fn every_allowed_lint_says_why() {
    let unexplained = |_: &Path, text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        lines.iter().enumerate().any(|(index, line)| {
            let attribute =
                line.trim_start().starts_with("#[allow(") || line.trim_start().starts_with("#![allow(");
            let above = index.checked_sub(1).map_or("", |above| lines[above].trim_start());
            attribute && !line.contains("reason") && !line.contains("//") && !above.starts_with("//")
        })
    };
    assert_eq!(offenders(&sources("src"), unexplained), [""; 0]);
}

#[test]
fn only_the_command_line_reads_the_environment() {
    let reads = |path: &Path, text: &str| {
        let within_cli = path.components().any(|part| part.as_os_str() == "cli");
        // Unit tests are compiled out of the binary.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let calls = ["env::var", "env::vars", "env::args", "env::current_dir", "env::home_dir"];
        !within_cli && calls.iter().any(|call| code.contains(call))
    };
    assert_eq!(offenders(&sources("src"), reads), [""; 0]);
}

#[test]
fn only_displays_and_the_command_line_print() {
    let prints = |path: &Path, text: &str| {
        let allowed = path.components().any(|part| part.as_os_str() == "cli" || part.as_os_str() == "ui");
        let allowed = allowed || path.ends_with("tests.rs");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let calls = ["println!", "print!(", "io::stdout", "io::stderr"];
        !allowed && calls.iter().any(|call| code.contains(call))
    };
    assert_eq!(offenders(&sources("src"), prints), [""; 0]);
}
