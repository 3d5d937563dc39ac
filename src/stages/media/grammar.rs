//! Name grammars of packages: a pattern with fields, and what a file name says by it.

use std::cmp::Ordering;

/// What the name of a file says about its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edition {
    /// `4.6.2` as numbers.
    pub version: Vec<u32>,
    /// `20250901`; `None` where the name leaves it out.
    pub date: Option<u32>,
    /// Empty where the name leaves it out.
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
        // Builds are numbers or dates: the longer one is the higher one, and none at all the lowest.
        let build = |edition: &Self| {
            let build = edition.build.trim_start_matches('0');
            (!edition.build.is_empty(), build.len(), build.to_owned())
        };
        self.version
            .cmp(&other.version)
            .then_with(|| self.date.cmp(&other.date))
            .then_with(|| build(self).cmp(&build(other)))
            .then_with(|| self.arch.cmp(&other.arch))
    }
}

impl PartialOrd for Edition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What `name` says by `pattern`, or `None` when it is the name of something else. Upper and lower case are one.
///
/// `{version}` stands for dotted numbers, `{arch}` for letters, digits and `_`, `{date}` for eight digits, `{number}`
/// for a build that is a number and `{build}` for any other; each takes as much of the name as it can. What stands in
/// `[…]` may be left out, and may itself hold such a part.
pub fn read(pattern: &str, name: &str) -> Option<Edition> {
    let Some(at) = pattern.find(['{', '[']) else {
        return pattern.eq_ignore_ascii_case(name).then(Edition::default);
    };
    let (literal, special) = pattern.split_at(at);
    let name = without_prefix(name, literal)?;
    if let Some(optional) = special.strip_prefix('[') {
        let end = closing(optional)?;
        let (inner, rest) = (&optional[..end], &optional[end + 1..]);
        return read(&format!("{inner}{rest}"), name).or_else(|| read(rest, name));
    }
    let (field, rest) = special[1..].split_once('}')?;
    let ends = name.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
    ends.filter_map(|end| {
        let (value, left) = name.split_at(end);
        let known = value_of(field, value)?;
        let mut edition = read(rest, left)?;
        match known {
            Value::Version(version) => edition.version = version,
            Value::Date(date) => edition.date = Some(date),
            Value::Build => edition.build = value.to_owned(),
            Value::Arch => edition.arch = value.to_owned(),
        }
        Some(edition)
    })
    .next()
}

fn without_prefix<'n>(name: &'n str, literal: &str) -> Option<&'n str> {
    let (head, rest) = name.split_at_checked(literal.len())?;
    head.eq_ignore_ascii_case(literal).then_some(rest)
}

/// Where the bracket that is open at the start of `inside` closes.
fn closing(inside: &str) -> Option<usize> {
    let mut open = 1;
    inside.char_indices().find_map(|(at, c)| {
        match c {
            '[' => open += 1,
            ']' => open -= 1,
            _ => {}
        }
        (open == 0).then_some(at)
    })
}

enum Value {
    Version(Vec<u32>),
    Date(u32),
    Build,
    Arch,
}

fn value_of(field: &str, value: &str) -> Option<Value> {
    let is_number = || value.chars().all(|c| c.is_ascii_digit());
    match field {
        "version" => {
            let parts = value.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
            Some(Value::Version(parts))
        }
        "date" if value.len() == 8 && is_number() => value.parse().ok().map(Value::Date),
        "number" if is_number() => Some(Value::Build),
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

    const SUITE: &str = "Suite-{arch}-v{version}[-release.{date}[-{number}]].tar.gz";

    #[test]
    fn parts_that_may_be_left_out_are_read_where_they_are() {
        for (name, date, build) in [
            ("Suite-X86_64-v1.4.2-release.20250901-77.tar.gz", Some(20_250_901), "77"),
            ("Suite-X86_64-v1.4.2-release.20250901.tar.gz", Some(20_250_901), ""),
            ("suite-x86_64-V1.4.2.TAR.GZ", None, ""),
        ] {
            let edition = read(SUITE, name).unwrap();
            assert_eq!(
                (edition.version, edition.date, &*edition.build),
                (vec![1, 4, 2], date, build),
                "{name}"
            );
            assert!(edition.arch.eq_ignore_ascii_case("x86_64"));
        }
        for name in [
            "Suite-X86_64-v1.4.2-release.2025091-77.tar.gz",
            "Suite-X86_64-v1.4.2-release.20250901-77 (1).tar.gz",
            "Suite-X86_64-v1.4.2-77.tar.gz",
            "Suite-v1.4.2.tar.gz",
            "Süite-X86_64-v1.4.2.tar.gz",
        ] {
            assert_eq!(read(SUITE, name), None, "{name}");
        }
    }

    #[test]
    fn editions_are_compared_by_number_and_what_is_left_out_ranks_below() {
        let ascending = [
            "Suite-X86_64-v1.4.2.tar.gz",
            "Suite-X86_64-v1.4.2-release.20241231.tar.gz",
            "Suite-X86_64-v1.4.2-release.20250901.tar.gz",
            "Suite-X86_64-v1.4.2-release.20250901-9.tar.gz",
            "Suite-X86_64-v1.4.2-release.20250901-010.tar.gz",
            "Suite-X86_64-v1.10.0.tar.gz",
        ];
        let editions = ascending.map(|name| read(SUITE, name).unwrap());
        assert!(editions.is_sorted() && editions.windows(2).all(|two| two[0] < two[1]), "{editions:?}");
    }

    #[test]
    fn a_pattern_that_is_not_closed_matches_nothing() {
        for pattern in ["a[b", "a{version", "a[b[c]"] {
            assert_eq!(read(pattern, "ab"), None, "{pattern}");
        }
    }
}
