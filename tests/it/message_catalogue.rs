//! Every message exists in both languages with the same placeholders, is used, and is given what it names.

use std::collections::{BTreeMap, BTreeSet};

use voyager::{embed, text::Text};

use crate::{house_rules::sources, support::tool::project};

/// Key → text, straight from the files.
fn catalogue() -> BTreeMap<String, Text> {
    let mut all = BTreeMap::new();
    for (file, content) in embed::MESSAGES {
        let table: toml::Table = content.parse().unwrap_or_else(|error| panic!("{file}.toml: {error}"));
        collect(file, &table, &mut all);
    }
    all
}

fn collect(prefix: &str, table: &toml::Table, all: &mut BTreeMap<String, Text>) {
    for (name, value) in table {
        let key = format!("{prefix}.{name}");
        let inner = value.as_table().unwrap_or_else(|| panic!("{key} is no message and no table"));
        let say = |lang: &str| inner.get(lang).and_then(|text| text.as_str()).map(str::to_owned);
        match (say("zh"), say("en")) {
            (Some(zh), Some(en)) => drop(all.insert(key, Text::new(zh, en))),
            (None, None) => collect(&key, inner, all),
            _ => panic!("{key} has one language only"),
        }
    }
}

fn placeholders(text: &str) -> BTreeSet<String> {
    let parts = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
    parts.map(|(name, _)| name.to_owned()).collect()
}

/// One `message("key", …)` in the code.
struct Use {
    place: String,
    key: String,
    /// The names of the arguments, where they stand in the call itself.
    names: Option<BTreeSet<String>>,
}

fn uses() -> Vec<Use> {
    let mut found = Vec::new();
    for (path, text) in sources("src") {
        let inner = path.strip_prefix(project("src")).expect("under src").display().to_string();
        for (start, _) in text.match_indices("message(") {
            let before = text[..start].chars().next_back().unwrap_or(' ');
            let call = text[start + "message(".len()..].trim_start();
            if before.is_alphanumeric() || before == '_' || inner == "messages.rs" {
                continue;
            }
            let place = format!("{inner}:{}", text[..start].lines().count());
            let Some(rest) = call.strip_prefix('"') else {
                // The help texts of the command line are keys in attributes; one function translates them.
                assert!(
                    inner == "cli/localise.rs" && call.starts_with("key"),
                    "{place}: the key must be literal"
                );
                continue;
            };
            let (key, after) = rest.split_once('"').expect("a closed literal");
            found.push(Use { place, key: key.to_owned(), names: names(after) });
        }
        for attribute in ["help = \"", "about = \""] {
            for (start, _) in text.match_indices(attribute) {
                let key = text[start + attribute.len()..].split('"').next().expect("a closed literal");
                let place = format!("{inner}:{}", text[..start].lines().count());
                found.push(Use { place, key: key.to_owned(), names: Some(BTreeSet::new()) });
            }
        }
    }
    assert!(found.len() > 100, "the scan finds the code's messages");
    found
}

/// The names in `, &[("a", …), ("b", …)])`; `None` when the arguments stand elsewhere.
fn names(after: &str) -> Option<BTreeSet<String>> {
    let list = after.trim_start().strip_prefix(',')?.trim_start().strip_prefix("&[")?;
    let mut names = BTreeSet::new();
    let mut depth = 0;
    let mut chars = list.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ']' if depth == 0 => return Some(names),
            '(' | '[' | '{' => {
                if depth == 0 {
                    // A pair begins with its name; anything else is a variable, whose name is not seen here.
                    let name = list[at + 1..].trim_start().strip_prefix('"')?;
                    names.insert(name.split('"').next()?.to_owned());
                }
                depth += 1;
            }
            ')' | ']' | '}' => depth -= 1,
            '"' => {
                while let Some((_, c)) = chars.next() {
                    match c {
                        '\\' => drop(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            // A bare variable in the list.
            c if depth == 0 && c.is_alphabetic() => return None,
            _ => {}
        }
    }
    None
}

#[test]
fn both_languages_have_the_same_placeholders_and_are_not_empty() {
    let unequal: Vec<String> = catalogue()
        .into_iter()
        .filter(|(_, text)| {
            text.zh.is_empty() || text.en.is_empty() || placeholders(&text.zh) != placeholders(&text.en)
        })
        .map(|(key, _)| key)
        .collect();
    assert_eq!(unequal, [""; 0]);
}

#[test]
fn every_message_in_the_code_exists_and_is_given_what_it_names() {
    let catalogue = catalogue();
    let mut wrong = Vec::new();
    for Use { place, key, names } in uses() {
        match (catalogue.get(&key), names) {
            (None, _) => wrong.push(format!("{place}: {key} does not exist")),
            (Some(text), Some(names)) if placeholders(&text.zh) != names => {
                wrong.push(format!("{place}: {key} names {:?}, given {names:?}", placeholders(&text.zh)));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_message_is_used() {
    let used: BTreeSet<String> = uses().into_iter().map(|known| known.key).collect();
    let unused: Vec<String> = catalogue().into_keys().filter(|key| !used.contains(key)).collect();
    assert!(unused.is_empty(), "{}", unused.join("\n"));
}

#[test]
fn a_module_says_its_own_messages() {
    let foreign: Vec<String> = uses()
        .into_iter()
        .filter(|known| known.key.split('.').next() != known.place.split(['/', '.']).next())
        .map(|known| format!("{}: {}", known.place, known.key))
        .collect();
    assert_eq!(foreign, [""; 0]);
}
