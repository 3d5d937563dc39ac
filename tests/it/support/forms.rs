//! The forms in which a secret may leak, and a search for them.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A secret in every form, each byte of it a character: so the search of text serves for bytes.
#[derive(Clone, Debug)]
pub struct Needle {
    secret: String,
    forms: Vec<String>,
}

impl Needle {
    pub fn new(secret: &str) -> Self {
        let json =
            |text: &str| serde_json::to_string(text).expect("text is JSON").trim_matches('"').to_owned();
        let url = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let mut forms: Vec<Vec<u8>> = [
            secret.to_owned(),
            json(secret),
            json(&json(secret)),
            url.to_lowercase(),
            json(&url),
            url,
            hex.to_uppercase(),
            hex,
            STANDARD.encode(secret),
            URL_SAFE.encode(secret),
            html.replace('"', "&quot;"),
            html.replace('"', "&#34;"),
            // UTF-16 that was read as text and written as JSON.
            secret.chars().flat_map(|c| [c.to_string(), "\\u0000".to_owned()]).collect::<String>(),
        ]
        .map(String::into_bytes)
        .into();
        // Inside a longer text in base64: what its neighbours do not change.
        for offset in 0..3 {
            let padded = [vec![0; offset], secret.as_bytes().to_vec()].concat();
            let encoded = STANDARD_NO_PAD.encode(&padded);
            let middle = &encoded[(offset * 8).div_ceil(6)..padded.len() * 8 / 6];
            if middle.len() >= 8 {
                forms.push(middle.as_bytes().to_vec());
            }
        }
        forms.push(secret.encode_utf16().flat_map(u16::to_le_bytes).collect());
        forms.push(secret.encode_utf16().flat_map(u16::to_be_bytes).collect());
        // A piece of it tells a good part.
        let characters = secret.chars().count();
        if characters >= 24 {
            forms.push(secret.chars().take(12).collect::<String>().into_bytes());
            forms.push(secret.chars().skip(characters - 12).collect::<String>().into_bytes());
        }
        Self { secret: secret.to_owned(), forms: forms.iter().map(|form| characters_of(form)).collect() }
    }

    /// The form in which `text` (of [`characters_of`]) holds it.
    fn found_in(&self, text: &str) -> Option<&str> {
        self.forms.iter().find(|form| text.contains(form.as_str())).map(String::as_str)
    }
}

/// One character a byte (ISO 8859-1), which keeps every byte apart.
fn characters_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// What of these secrets `content` holds, and in which form.
pub fn leak(needles: &[Needle], content: &[u8]) -> Option<String> {
    let text = characters_of(content);
    needles
        .iter()
        .find_map(|needle| needle.found_in(&text).map(|form| format!("{:?} as {form:?}", needle.secret)))
}

#[test]
fn a_leak_is_found_in_every_form() {
    let needles = [Needle::new("canary-\"&/%Xq1"), Needle::new("0123456789abcdef0123456789abcdef")];
    for told in [
        "x canary-\"&/%Xq1 x".to_owned(),
        "canary-\\\"&/%Xq1".to_owned(),
        "canary%2D%22%26%2F%25Xq1".to_owned(),
        STANDARD.encode("{\"password\":\"canary-\"&/%Xq1\"}"),
        "63616e6172792d22262f25587131".to_owned(),
        "cut: 0123456789abc".to_owned(),
    ] {
        assert!(leak(&needles, told.as_bytes()).is_some(), "{told}");
    }
    let wide: Vec<u8> = "canary-\"&/%Xq1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(leak(&needles, &wide).is_some());
    assert!(leak(&needles, b"nothing of the kind").is_none());
}
