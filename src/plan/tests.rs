//! Code and data held together: rule book, cell map, and the ids that the sources name.

use std::collections::BTreeSet;

use super::{map, rule, view};

/// Every source file of the product that may report a rule.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &std::path::Path, all: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, all);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("plan/tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                // Unit tests quote ids too; they prove nothing about use.
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
                all.push((path.display().to_string(), code));
            }
        }
    }
    let mut all = Vec::new();
    walk(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut all);
    all
}

/// String literals `"PLAN-nnn"` and `"PLAN-nnn.case"`.
fn literals() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, code) in sources() {
        for part in code.split('"').filter(|part| part.starts_with("PLAN-")) {
            if part.len() >= 8 && part[5..8].bytes().all(|b| b.is_ascii_digit()) && !part.contains(' ') {
                found.insert(part.to_owned());
            }
        }
    }
    found
}

/// The ids of planning-sheet §8 and §9.
fn specified() -> BTreeSet<String> {
    let ranges = [
        1..=13,
        20..=25,
        30..=34,
        101..=113,
        201..=204,
        206..=225,
        301..=307,
        401..=404,
        411..=416,
        421..=423,
        431..=433,
        501..=503,
        601..=605,
        701..=708,
    ];
    ranges.into_iter().flatten().map(|id| format!("PLAN-{id:03}")).collect()
}

#[test]
fn the_rule_book_holds_exactly_the_specified_rules() {
    // `book` hides a parse error; this does not.
    let parsed = toml::from_str::<std::collections::HashMap<String, rule::Rule>>(crate::embed::RULES);
    if let Err(error) = parsed {
        panic!("{error}");
    }
    let known: BTreeSet<String> = rule::book().keys().cloned().collect();
    assert_eq!(known, specified());
}

#[test]
fn every_rule_is_reported_somewhere_and_every_reported_one_is_known() {
    let used = literals();
    for id in &used {
        let (rule, case) = id.split_once('.').unwrap_or((id, ""));
        let known = rule::book().get(rule).unwrap_or_else(|| panic!("{id} is in no rule book"));
        assert!(case.is_empty() || known.cases.contains_key(case), "{id} has no words");
    }
    for (id, rule) in rule::book() {
        assert!(used.iter().any(|used| used.starts_with(id)), "{id} is never reported");
        for case in rule.cases.keys() {
            assert!(used.contains(&format!("{id}.{case}")), "{id}.{case} is never reported");
        }
    }
}

#[test]
fn both_languages_of_a_rule_have_the_same_placeholders() {
    let names = |text: &str| -> BTreeSet<String> {
        text.split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name.to_owned())
            .collect()
    };
    for (id, rule) in rule::book() {
        let helps = rule.cases.values().filter_map(|case| case.help.as_ref());
        let texts =
            [&rule.message, &rule.help].into_iter().chain(rule.cases.values().map(|case| &case.message));
        for text in texts.chain(helps) {
            assert!(!text.zh.is_empty() && !text.en.is_empty(), "{id}");
            let (zh, en) = (names(&text.zh), names(&text.en));
            // What the sentence is about may be named by the field's title in one language and by itself in the other.
            let known = ["field", "cell"].map(str::to_owned);
            let differ: Vec<_> = zh.symmetric_difference(&en).filter(|name| !known.contains(name)).collect();
            assert!(differ.is_empty(), "{id}: {differ:?}");
        }
    }
}

#[test]
fn a_whole_group_of_keys_is_known_and_a_misspelt_one_is_not() {
    for key in [
        "cluster.vip",
        "hosts[].mgmt_ip",
        "hosts[2].mgmt_ip",
        "hosts",
        "networks.business",
        "dns.servers",
        "vds.mgmt",
    ] {
        assert!(view::known(key), "{key}");
    }
    for key in ["cluster.vi", "host", "networks.busines", ""] {
        assert!(!view::known(key), "{key}");
    }
}

#[test]
fn every_default_is_a_value_that_its_cell_could_hold() {
    for (key, field) in &map::map().fields {
        assert!(!(field.required && field.default.is_some()), "{key} is required and defaulted");
    }
}
