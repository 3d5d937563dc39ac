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
    let file = key.split('.').next().unwrap_or_default();
    match catalogue(file).and_then(|messages| messages.get(key)) {
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

/// The messages of one file: a start that says three words does not read them all.
fn catalogue(file: &str) -> Option<&'static HashMap<String, Text>> {
    static CATALOGUES: [OnceLock<HashMap<String, Text>>; embed::MESSAGES.len()] =
        [const { OnceLock::new() }; embed::MESSAGES.len()];
    let at = embed::MESSAGES.iter().position(|(known, _)| *known == file)?;
    let (catalogue, (_, content)) = (CATALOGUES.get(at)?, embed::MESSAGES.get(at)?);
    Some(catalogue.get_or_init(|| {
        let mut all = HashMap::new();
        // The files are compiled in and parsed by a test; a broken one shows as missing keys.
        let table: toml::Table = content.parse().unwrap_or_default();
        collect(file, &table, &mut all);
        all
    }))
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
