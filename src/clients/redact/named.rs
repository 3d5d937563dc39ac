//! Secrets by their names in text that is no JSON: the start of a body that was cut, a query, a cookie, a page.

use super::{MASK, is_secret_name};

/// Masks `"token": "…"` in JSON that ends too early or that stands inside other text (quotes escaped any number of
/// times), and `token=…`. A value without its end is masked to the end of the text. `name: words` in a sentence is
/// left alone: that is how a site says what it dislikes about a field.
pub(super) fn mask(text: &str) -> String {
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(['=', ':']) {
        let separator = at + found;
        at = separator + 1;
        if let Some((start, end)) = value(text, separator) {
            out.push_str(&text[kept..start]);
            out.push_str(MASK);
            (kept, at) = (end, end);
        }
    }
    if kept == 0 {
        return text.to_owned();
    }
    out.push_str(&text[kept..]);
    out
}

/// From where to where the secret stands whose name ends before the separator.
fn value(text: &str, separator: usize) -> Option<(usize, usize)> {
    let (before, after) = (&text[..separator], &text[separator + 1..]);
    let quoted_name = before.trim_end();
    let bare = quoted_name.trim_end_matches(['"', '\\']);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let name = &bare[bare.trim_end_matches(is_name).len()..];
    if !is_secret_name(name) {
        return None;
    }
    if text.as_bytes()[separator] == b'=' {
        let end = after.find(|c: char| c.is_whitespace() || "&;,\"'<".contains(c)).unwrap_or(after.len());
        return shown(separator + 1, &after[..end]);
    }
    // Only what JSON has: a quoted name, and a quoted or bracketed value.
    if bare.len() == quoted_name.len() {
        return None;
    }
    let inner = after.trim_start();
    let start = separator + 1 + (after.len() - inner.len());
    let quote = &inner[..inner.len() - inner.trim_start_matches('\\').len()];
    let opened = &inner[quote.len()..];
    match opened.chars().next()? {
        '"' => {
            let from = start + quote.len() + 1;
            let rest = &opened[1..];
            shown(from, &rest[..end_of_string(rest, quote.len())])
        }
        '{' | '[' => shown(start, &inner[..end_of_brackets(inner)]),
        '0'..='9' | '-' => {
            let end = inner.find(|c: char| ",}] \n".contains(c)).unwrap_or(inner.len());
            shown(start, &inner[..end])
        }
        _ => None,
    }
}

fn shown(start: usize, value: &str) -> Option<(usize, usize)> {
    (!value.is_empty() && value != MASK).then_some((start, start + value.len()))
}

/// Where a string ends whose quotes have so many backslashes: at the first quote with no more of them, without its
/// backslashes.
fn end_of_string(text: &str, escapes: usize) -> usize {
    let mut slashes = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\\' => slashes += 1,
            b'"' if slashes <= escapes => return at - slashes,
            _ => slashes = 0,
        }
    }
    text.len()
}

/// Past the bracket that closes the first one; brackets inside strings may end it late, never too early by more than
/// their number.
fn end_of_brackets(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_was_cut_or_stands_in_other_text_is_masked_by_name() {
        for (text, masked) in [
            (r#"{"token":"abc","user":"root"#, r#"{"token":"***","user":"root"#),
            (r#"{"user":"root","token": "ab"#, r#"{"user":"root","token": "***"#),
            (r#"{"password":"a\"b","c":1"#, r#"{"password":"***","c":1"#),
            (r#"<p>{"token":"abc"}</p>"#, r#"<p>{"token":"***"}</p>"#),
            (r#""{\"token\":\"abc\",\"b\":1}""#, r#""{\"token\":\"***\",\"b\":1}""#),
            (r#"{"kube_config":{"a":[1]},"b":2"#, r#"{"kube_config":***,"b":2"#),
            (r#"{"root_password":123456,"b"#, r#"{"root_password":***,"b"#),
            ("Cookie: connect.sid=1; token=abc; x=y", "Cookie: connect.sid=1; token=***; x=y"),
            ("/login?token=abc&x=1", "/login?token=***&x=1"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn a_secret_field_is_masked_wherever_the_text_was_cut() {
        let whole = r#"[{"id":"s","kube_config":"SE\"CRET","env":[{"name":"A","value":"SECRET"}],"x":1}]"#;
        for end in 0..=whole.len() {
            let shown = mask(&whole[..end]);
            assert!(!shown.contains("SE\\") && !shown.contains("SECR"), "{end}: {shown}");
        }
    }

    #[test]
    fn words_about_a_field_stay() {
        for text in [
            "password: at least 8 characters",
            r#"{"username":"root","encrypted":false}"#,
            r#"{"password":null,"token":true}"#,
            "密码=不对：token",
            "a == b: c",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
