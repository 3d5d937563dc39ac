//! The direction of dependencies: what the table of `ARCHITECTURE.md` does not allow is refused.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{house_rules::sources, support::tool::project};

/// Module → what it may use, read from the table itself, so that the document cannot be wrong.
fn table() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(project("ARCHITECTURE.md")).expect("the architecture is described");
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.matches('|').count() == 4);
    let mut table = BTreeMap::new();
    for row in rows.filter(|row| !row.contains("May use")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let names: Vec<String> = quoted(cells[0]);
        let mut may_use = quoted(cells[2]);
        may_use.extend(cells[2].split(',').map(|name| {
            let name = name.split('(').next().unwrap_or_default();
            name.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
        }));
        for name in names {
            table.insert(name, may_use.clone());
        }
    }
    table
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every `a::b` after `crate::` in the code, braces unfolded.
fn edges(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut found = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let before = code[..start].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            unfold(&code[start + "crate::".len()..], "", &mut found);
        }
    }
    found
}

/// Reads one path tree and returns what follows it.
fn unfold<'a>(text: &'a str, prefix: &str, found: &mut Vec<String>) -> &'a str {
    let mut rest = text.trim_start();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let after = unfold(rest, prefix, found);
            rest = after.trim_start().trim_start_matches(',');
            if after == rest && !rest.starts_with('}') {
                return rest;
            }
        }
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let path = if prefix.is_empty() { rest[..end].to_owned() } else { format!("{prefix}::{}", &rest[..end]) };
    rest = &rest[end..];
    match rest.strip_prefix("::") {
        // Two names are all that the table tells apart.
        Some(deeper) if !prefix.is_empty() => {
            found.push(path);
            unfold(deeper, "ignored::ignored", &mut Vec::new())
        }
        Some(deeper) => unfold(deeper, &path, found),
        None => {
            found.push(path);
            let renamed = rest.trim_start().strip_prefix("as ");
            renamed.map_or(rest, |name| name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'))
        }
    }
}

#[test]
fn a_module_uses_only_what_the_architecture_allows() {
    let table = table();
    let leaves: Vec<&str> = ["text", "messages", "secret", "failure", "units", "digest", "embed"].to_vec();
    assert!(leaves.iter().all(|leaf| table.contains_key(*leaf)) && table.contains_key("cli"), "{table:?}");
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let inner = path.strip_prefix(project("src")).expect("under src");
        let module = module_of(inner);
        if module == "lib" || module == "main" {
            continue;
        }
        let may_use = table.get(&module).unwrap_or_else(|| panic!("{module} is not in ARCHITECTURE.md"));
        let allowed = |edge: &str| {
            let used = edge.split("::").next().unwrap_or_default();
            used == module
                || leaves.contains(&used)
                || may_use.iter().any(|name| name == "everything" || name == used || name == edge)
        };
        let edges = edges(&text).into_iter().filter(|edge| !allowed(edge));
        wrong.extend(edges.map(|edge| format!("{}: crate::{edge}", inner.display())));
    }
    assert_eq!(wrong, [""; 0]);
}

/// `cli/run/mod.rs` → `cli`, `text.rs` → `text`.
fn module_of(path: &Path) -> String {
    let first = path.iter().next().expect("a file").to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn edges_are_found_through_braces_and_inline_paths() {
    let code = "use crate::{failure::{Failure, Kind}, plan::view as v, text};\nlet x = crate::sim::start();";
    assert_eq!(edges(code), ["failure::Failure", "failure::Kind", "plan::view", "text", "sim::start"]);
}
