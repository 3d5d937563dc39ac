//! The catalogue of operator messages: `templates/messages/*.toml`, one file per module of the code.

use std::{collections::HashMap, sync::OnceLock};

use crate::{
    embed,
    text::{Lang, Say, Text},
};

/// The message `key` (`file.table.name`) with its `{placeholders}` filled from `args`.
///
/// A test holds every key in the code against the catalogue, so a key that is missing at run time is
/// our bug; it is shown as `{key}` rather than hidden.
pub fn message(key: &str, args: &[(&str, &dyn Say)]) -> Text {
    match catalogue().get(key) {
        Some(text) => fill(text, args),
        None => Text::same(format_args!("{{{key}}}")),
    }
}

/// Fills the `{placeholders}` of a two-language pattern.
pub fn fill(pattern: &Text, args: &[(&str, &dyn Say)]) -> Text {
    Text { zh: fill_one(&pattern.zh, args, Lang::Zh), en: fill_one(&pattern.en, args, Lang::En) }
}

/// One pass over the pattern, so that a value which itself holds `{…}` is never expanded again.
fn fill_one(pattern: &str, args: &[(&str, &dyn Say)], lang: Lang) -> String {
    let mut out = String::with_capacity(pattern.len() + 32);
    let mut rest = pattern;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let Some(len) = rest[open..].find('}') else { break };
        let name = &rest[open + 1..open + len];
        match args.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => out.push_str(&value.say(lang)),
            None => out.push_str(&rest[open..=open + len]),
        }
        rest = &rest[open + len + 1..];
    }
    out.push_str(rest);
    out
}

fn catalogue() -> &'static HashMap<String, Text> {
    static CATALOGUE: OnceLock<HashMap<String, Text>> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let mut all = HashMap::new();
        for (file, content) in embed::MESSAGES {
            // The files are compiled in and parsed by a test; a broken one shows as missing keys.
            let table: toml::Table = content.parse().unwrap_or_default();
            collect(file, &table, &mut all);
        }
        all
    })
}

fn collect(prefix: &str, table: &toml::Table, all: &mut HashMap<String, Text>) {
    for (name, value) in table {
        let key = format!("{prefix}.{name}");
        let Some(inner) = value.as_table() else { continue };
        match (inner.get("zh").and_then(|v| v.as_str()), inner.get("en").and_then(|v| v.as_str())) {
            (Some(zh), Some(en)) => {
                all.insert(key, Text::new(zh, en));
            }
            _ => collect(&key, inner, all),
        }
    }
}
