//! The clean-up before any check, by class of value (planning-sheet 2.7); pure functions over text.

use unicode_normalization::UnicodeNormalization;

use super::map::Class;

/// Cleans `raw` up as its class wants. Secrets only lose white space at the edges.
pub fn clean(class: Class, raw: &str) -> String {
    match class {
        Class::Ident | Class::Number => ident(raw),
        Class::Address => address(raw),
        Class::Nics => nics(raw),
        Class::Name | Class::Text => name(raw),
        Class::Secret => raw.trim().to_owned(),
    }
}

/// Addresses, enums, versions: compatibility forms folded, invisible characters dropped, spaces collapsed.
pub fn ident(raw: &str) -> String {
    let folded: String = raw.nfkc().collect();
    spaces(&folded)
}

/// Names keep their full-width characters.
pub fn name(raw: &str) -> String {
    spaces(raw)
}

/// As [`ident`], `。` read as a dot, and no space around a separator.
pub fn address(raw: &str) -> String {
    without_space_around(&ident(raw).replace(['。', '｡'], "."), &['.', '/', '-', '~', ':'])
}

/// As [`ident`], and no space around a separator of NIC names.
pub fn nics(raw: &str) -> String {
    without_space_around(&ident(raw), &[',', ';', '/', '\\', '|', '、'])
}

/// The form in which two names are the same name.
pub fn fold(name: &str) -> String {
    ident(name).to_lowercase()
}

/// A label as anchors compare it: NFKC, no white space at all (planning-sheet 2.1).
pub fn label(text: &str) -> String {
    text.nfkc().filter(|c| !c.is_whitespace() && !invisible(*c)).collect()
}

/// Content that says "nothing" (planning-sheet 2.9).
pub fn is_placeholder(text: &str) -> bool {
    const WORDS: [&str; 13] =
        ["N/A", "NA", "-", "--", "---", "—", "——", "/", "无", "暂无", "不涉及", "待定", "TBD"];
    let text = text.trim();
    let run = |of: &[char]| text.chars().count() >= 4 && text.chars().all(|c| of.contains(&c));
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) || run(&['x', 'X']) || run(&['-'])
}

/// `_x000D_` → CR, in shared, inline and formula strings; `_x005F_` protects an underscore.
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(2..6).filter(|_| rest.as_bytes().get(6) == Some(&b'_'));
        let decoded = code
            .filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        match decoded {
            Some(c) => {
                out.push(c);
                rest = &rest[7..];
            }
            None => {
                out.push_str("_x");
                rest = &rest[2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The shortest decimal text of a stored number: `1120.0` → `1120`; `None` when it is no number.
pub fn number(stored: &str) -> Option<String> {
    let value: f64 = stored.trim().parse().ok()?;
    value.is_finite().then(|| value.to_string())
}

fn spaces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !invisible(*c)) {
        if !c.is_whitespace() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Zero-width characters, word joiner, byte order mark, soft hyphen.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}')
}

fn without_space_around(text: &str, separators: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let beside = |c: Option<&char>| c.is_some_and(|c| separators.contains(c));
        if c == ' ' && (beside(out.chars().next_back().as_ref()) || beside(chars.peek())) {
            continue;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_lose_width_invisible_characters_and_stray_space() {
        for (raw, clean) in [
            ("１０．０．２０．１１", "10.0.20.11"),
            (" 10.0.20.11\u{00A0}", "10.0.20.11"),
            ("10.0.20.11\u{200B}", "10.0.20.11"),
            ("a\r\n b", "a b"),
            ("SMTX\u{AD}-01", "SMTX-01"),
        ] {
            assert_eq!(ident(raw), clean, "{raw:?}");
        }
    }

    #[test]
    fn addresses_read_the_chinese_full_stop_and_inner_spaces() {
        assert_eq!(address("10。0。20 . 11"), "10.0.20.11");
        assert_eq!(address("10.0.20.0 / 24"), "10.0.20.0/24");
        assert_eq!(address("10.0.20.1 - 10.0.20.9"), "10.0.20.1-10.0.20.9");
    }

    #[test]
    fn nic_lists_lose_the_space_around_separators_only() {
        assert_eq!(nics("ens224 ， ens192"), "ens224,ens192");
        assert_eq!(nics("ens224 ens192"), "ens224 ens192");
        assert_eq!(nics("ens224 、 ens192"), "ens224、ens192");
    }

    #[test]
    fn names_keep_their_full_width_brackets() {
        assert_eq!(name("（IPMI） "), "（IPMI）");
        assert_eq!(fold("（IPMI）"), fold("(ipmi)"));
    }

    #[test]
    fn placeholders_are_blank_in_any_case() {
        for text in ["N/A", "n/a", "—", "无", "tbd", "XXXX", "xxxxxx", "-----", "不涉及"] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["XXX", "无线", "root", "0", ""] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn escapes_of_the_file_format_are_decoded() {
        assert_eq!(unescape("a_x000D_b"), "a\rb");
        assert_eq!(unescape("_x005F_x000D_"), "_x000D_");
        assert_eq!(unescape("my_xyz_x00_"), "my_xyz_x00_");
        assert_eq!(unescape("_x"), "_x");
    }

    #[test]
    fn numbers_have_their_shortest_text() {
        assert_eq!(number("1120.0").as_deref(), Some("1120"));
        assert_eq!(number("1.12E3").as_deref(), Some("1120"));
        assert_eq!(number("10.02").as_deref(), Some("10.02"));
        assert_eq!(number("nan"), None);
        assert_eq!(number("x"), None);
    }
}
