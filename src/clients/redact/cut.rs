//! Secret fields of a text that is JSON only in parts: a body that was cut, or stands inside something else.

use super::{MASK, is_secret_name};

/// `text` with the value of every field of a secret name masked. A value that is no text, and one that is not closed,
/// takes all that follows with it: where it ends cannot be told.
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let (before, quoted) = rest.split_at(start);
        out.push_str(before);
        let Some((name, after)) = quoted_text(quoted) else {
            out.push_str(quoted);
            return out;
        };
        out.push_str(name);
        rest = after;
        if !is_secret_name(name.trim_matches('"')) {
            continue;
        }
        let Some(value) = after.trim_start().strip_prefix(':').map(str::trim_start) else { continue };
        let harmless = ["null", "true", "false", "\"\""].iter().any(|word| value.starts_with(word));
        if harmless || value.is_empty() {
            continue;
        }
        out.push(':');
        out.push('"');
        out.push_str(MASK);
        out.push('"');
        match quoted_text(value) {
            Some((_, after)) => rest = after,
            None => return out,
        }
    }
    out.push_str(rest);
    out
}

/// The text in quotation marks that begins here, with its marks, and what follows; none when it is not closed.
fn quoted_text(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, letter) in inner.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(text.split_at(at + 2)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_field_is_masked_wherever_the_text_was_cut() {
        let whole = r#"[{"id":"s","kube_config":"SE\"CRET","env":[{"name":"A","value":"SECRET"}],"x":1}]"#;
        for end in 0..=whole.len() {
            let shown = masked(&whole[..end]);
            assert!(!shown.contains("SE\\") && !shown.contains("SECRET"), "{end}: {shown}");
        }
        assert_eq!(masked(whole), r#"[{"id":"s","kube_config":"***","env":"***""#);
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        for text in [
            "",
            "<html class=\"a\">\"token\" is missing</html>",
            r#"{"password": null, "token": "", "encrypted": true, "name": "a"#,
            "\"open",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
