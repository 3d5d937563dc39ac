//! Name grammars of packages: a pattern with fields, and what a file name says by it.

use std::cmp::Ordering;

/// What the name of a file says about its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edition {
    /// `4.6.2` as numbers.
    pub version: Vec<u32>,
    pub build: String,
    /// Empty where the grammar has none.
    pub arch: String,
}

impl Edition {
    /// `4.6.2`
    pub fn version_text(&self) -> String {
        self.version.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
    }
}

impl Ord for Edition {
    fn cmp(&self, other: &Self) -> Ordering {
        // Builds are numbers or dates: the longer one is the higher one.
        let build = |edition: &Self| (edition.build.len(), edition.build.clone());
        self.version
            .cmp(&other.version)
            .then_with(|| build(self).cmp(&build(other)))
            .then_with(|| self.arch.cmp(&other.arch))
    }
}

impl PartialOrd for Edition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What `name` says by `pattern`, or `None` when it is the name of something else.
///
/// `{version}` stands for dotted numbers, `{arch}` for letters, digits and `_`, `{build}` for anything; each takes
/// as much of the name as it can.
pub fn read(pattern: &str, name: &str) -> Option<Edition> {
    let Some((literal, rest)) = pattern.split_once('{') else {
        return (pattern == name).then(Edition::default);
    };
    let name = name.strip_prefix(literal)?;
    let (field, rest) = rest.split_once('}')?;
    let ends = name.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
    ends.filter_map(|end| {
        let (value, left) = name.split_at(end);
        let known = value_of(field, value)?;
        let mut edition = read(rest, left)?;
        match known {
            Value::Version(version) => edition.version = version,
            Value::Build => edition.build = value.to_owned(),
            Value::Arch => edition.arch = value.to_owned(),
        }
        Some(edition)
    })
    .next()
}

enum Value {
    Version(Vec<u32>),
    Build,
    Arch,
}

fn value_of(field: &str, value: &str) -> Option<Value> {
    match field {
        "version" => {
            let parts = value.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
            Some(Value::Version(parts))
        }
        "build" => Some(Value::Build),
        // One without a letter is a part of a version.
        "arch"
            if value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && value.contains(|c: char| c.is_ascii_alphabetic()) =>
        {
            Some(Value::Arch)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOWER: &str = "cloudtower-v{version}.{build}.{arch}.iso";

    #[test]
    fn a_name_is_read_field_by_field() {
        let edition = read(TOWER, "cloudtower-v4.6.2.oe2003.x86_64.iso").unwrap();
        assert_eq!(
            (edition.version_text().as_str(), &*edition.build, &*edition.arch),
            ("4.6.2", "oe2003", "x86_64")
        );
        let edition =
            read("SMTX_VMTOOLS-{version}-{build}.iso", "SMTX_VMTOOLS-4.1.0-2601010000.iso").unwrap();
        assert_eq!((edition.version, &*edition.build), (vec![4, 1, 0], "2601010000"));
    }

    #[test]
    fn other_names_say_nothing() {
        for name in [
            "cloudtower-v4.6.2.oe2003.x86_64.iso.part",
            "cloudtower-v4.6.2.oe2003.x86_64 (1).iso",
            "cloudtower-latest.oe2003.x86_64.iso",
            "cloudtower-v4.6.2.iso",
            "cloudtower-v99999999999.oe2003.x86_64.iso",
            "",
        ] {
            assert_eq!(read(TOWER, name), None, "{name}");
        }
    }
}
