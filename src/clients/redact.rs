//! Takes secrets out of whatever is about to be written: by field name, and by value in every form.

mod named;

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine, engine::general_purpose};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// A longer body is not read as JSON to be written: the parts of it would take many times its size.
const LONGEST_JSON: usize = 1 << 20;

/// Shorter values are masked by field name only: taking every `1` out of a text would destroy it.
const SHORTEST: usize = 3;

/// Field and header names, in lower case, whose value is a secret whatever it is.
const SECRET_NAMES: &[&str] = &[
    "password",
    "repeat",
    "passwd",
    "token",
    "secret",
    "authorization",
    "x-smartx-token",
    "grpc-metadata-token",
    "cookie",
    "set-cookie",
    // The backup service's access to its cluster, and the environment of application VMs (api-applications §0).
    "kube_config",
    "env",
];

/// Knows the secrets of a run: those of the plan, and every token as it is seen. Cheap to clone.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Needles>>);

#[derive(Default)]
struct Needles {
    known: BTreeSet<String>,
    /// Every form of every known secret, longest first.
    forms: Vec<String>,
}

impl Redactor {
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on `secret` is masked wherever it appears.
    pub fn learn(&self, secret: &str) {
        if secret.chars().count() < SHORTEST || secret.chars().all(|c| c == '*') {
            return;
        }
        let mut needles = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if needles.known.insert(secret.to_owned()) {
            needles.forms.extend(forms(secret));
            needles.forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            needles.forms.dedup();
        }
    }

    /// `text` without any known secret, in any of its forms, and without what its names say is one.
    pub fn text(&self, text: &str) -> String {
        named::mask(&self.known(text))
    }

    /// By value alone.
    fn known(&self, text: &str) -> String {
        let needles = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut out = text.to_owned();
        for form in &needles.forms {
            if out.contains(form.as_str()) {
                out = out.replace(form.as_str(), MASK);
            }
        }
        out
    }

    /// A JSON value with secret fields masked by name, and known secrets by value everywhere.
    pub fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| {
                    let masked =
                        is_secret_name(name) && !(value.is_null() || value.is_boolean() || *value == "");
                    (self.text(name), if masked { MASK.into() } else { self.json(value) })
                })
                .collect(),
            Value::Number(number) => {
                let text = number.to_string();
                let masked = self.text(&text);
                if masked == text { value.clone() } else { Value::String(masked) }
            }
            Value::Bool(_) | Value::Null => value.clone(),
        }
    }

    /// A body as it may be written, no more of it than `longest` bytes: JSON by field and value, anything else by
    /// value and as far as names tell. Of a long body no more is looked at than is needed.
    pub fn body(&self, body: &[u8], longest: usize) -> String {
        let whole = body.len();
        let (text, complete) = if whole <= LONGEST_JSON.max(longest) {
            let parsed = serde_json::from_slice::<Value>(body);
            let lossy = || self.text(&String::from_utf8_lossy(body));
            (parsed.map_or_else(|_| lossy(), |value| self.json(&value).to_string()), true)
        } else {
            (self.beginning(body, longest), false)
        };
        if complete && text.len() <= longest {
            return text;
        }
        let end = (0..=longest.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        format!("{}… ({whole} bytes)", &text[..end])
    }

    /// The start of a body, cut only after its secrets were taken out: a piece of a secret is no longer recognised.
    fn beginning(&self, body: &[u8], longest: usize) -> String {
        let margin = {
            let needles = self.0.read().unwrap_or_else(PoisonError::into_inner);
            needles.forms.first().map_or(0, String::len)
        };
        let start = &body[..body.len().min(longest + margin)];
        let mut text = self.text(&String::from_utf8_lossy(start));
        let end = text.len().saturating_sub(margin);
        let end = (0..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.contains(&name.as_str()) || name.ends_with("_password") || name.ends_with("_token")
}

/// What a browser's encoder leaves alone in a path or query; other encoders leave alone less.
const LOOSE: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'%').add(b'&').add(b'+');
/// RFC 3986's unreserved characters stay.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The forms in which a secret may travel: by itself, in JSON, and in JSON inside JSON.
fn forms(secret: &str) -> Vec<String> {
    let escaped = json_inner(secret);
    let mut forms = vec![json_ascii(secret)];
    for text in [secret, &escaped, &json_inner(&escaped)] {
        forms.push(text.to_owned());
        for set in [LOOSE, STRICT, NON_ALPHANUMERIC] {
            let encoded = utf8_percent_encode(text, set).to_string();
            forms.push(encoded.replace("%20", "+"));
            forms.push(lower_escapes(&encoded));
            forms.push(encoded);
        }
        // As a page shows it, and as a dump does.
        forms.extend(html(text));
        forms.extend(dumped(text));
    }
    forms.sort();
    forms.dedup();
    forms
}

/// In hexadecimal, in UTF-16 and inside base64.
fn dumped(text: &str) -> Vec<String> {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![hex.to_ascii_uppercase(), hex];
    // Two bytes a character, read as one: what is left of UTF-16 in a text.
    if text.is_ascii() {
        forms
            .push(text.chars().flat_map(|c| [c, '\0']).collect::<String>().trim_end_matches('\0').to_owned());
    }
    for offset in 0..3 {
        forms.extend(base64_middle(text.as_bytes(), offset));
    }
    forms
}

/// `secret` as it stands between the quotes of a JSON string.
fn json_inner(secret: &str) -> String {
    let quoted = Value::from(secret).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The same with `\uXXXX` for everything outside ASCII, as some servers write it.
fn json_ascii(secret: &str) -> String {
    let mut out = String::new();
    for c in json_inner(secret).chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// Escaped for HTML, by name and by number.
fn html(secret: &str) -> [String; 2] {
    let escape = |quote: &str, apostrophe: &str| {
        let text = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        text.replace('"', quote).replace('\'', apostrophe)
    };
    [escape("&quot;", "&#39;"), escape("&#34;", "&#x27;")]
}

/// `%2F` → `%2f`.
fn lower_escapes(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut left = 0;
    for c in encoded.chars() {
        if c == '%' {
            left = 3;
        }
        out.push(if left > 0 { c.to_ascii_lowercase() } else { c });
        left = usize::saturating_sub(left, 1);
    }
    out
}

/// The part of the base64 text that depends on the secret alone when `offset` bytes (mod 3) stand before
/// it, as in `user:password`: with an unknown neighbour the first and last digits vary. Both alphabets.
fn base64_middle(secret: &[u8], offset: usize) -> Vec<String> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(secret);
    let encoded = general_purpose::STANDARD_NO_PAD.encode(&padded);
    // Digits that hold bits of what stands before, and of what follows.
    let skip = (offset * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    let mut forms = Vec::new();
    if let Some(middle) = encoded.get(skip..end).filter(|middle| middle.len() >= 5) {
        forms.push(middle.to_owned());
        forms.push(middle.replace('+', "-").replace('/', "_"));
        forms.push(utf8_percent_encode(middle, STRICT).to_string());
    }
    if offset == 0 {
        // Alone it is recognised down to its last digit, however short.
        forms.push(general_purpose::STANDARD.encode(secret));
        forms.push(general_purpose::URL_SAFE.encode(secret));
        forms.push(encoded);
    }
    forms
}

#[cfg(test)]
mod tests;
