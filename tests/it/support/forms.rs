//! The forms in which a secret may leak, and a search for them.

use aho_corasick::AhoCorasick;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// All secrets in all their forms, looked for at once.
pub struct Search {
    automaton: AhoCorasick,
    /// Secret and form of each pattern.
    patterns: Vec<(String, Vec<u8>)>,
}

impl Search {
    pub fn for_all<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let patterns: Vec<(String, Vec<u8>)> = secrets
            .into_iter()
            .flat_map(|secret| {
                let secret = secret.as_ref().to_owned();
                forms(&secret).into_iter().map(move |form| (secret.clone(), form))
            })
            .collect();
        let automaton = AhoCorasick::new(patterns.iter().map(|(_, form)| form)).expect("so many patterns");
        Self { automaton, patterns }
    }

    /// How many patterns are looked for: each secret in each of its forms.
    pub fn patterns(&self) -> usize {
        self.patterns.len()
    }

    /// What of these secrets `content` holds, and in which form.
    pub fn leak(&self, content: &[u8]) -> Option<String> {
        let found = self.automaton.find(content)?;
        let (secret, form) = &self.patterns[found.pattern().as_usize()];
        Some(format!("{secret:?} as {:?}", String::from_utf8_lossy(form)))
    }
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let json = |text: &str| serde_json::to_string(text).expect("text is JSON").trim_matches('"').to_owned();
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
    forms
}

#[test]
fn a_leak_is_found_in_every_form() {
    let search = Search::for_all(["canary-\"&/%Xq1", "0123456789abcdef0123456789abcdef"]);
    for told in [
        "x canary-\"&/%Xq1 x".to_owned(),
        "canary-\\\"&/%Xq1".to_owned(),
        "canary%2D%22%26%2F%25Xq1".to_owned(),
        STANDARD.encode("{\"password\":\"canary-\"&/%Xq1\"}"),
        "63616e6172792d22262f25587131".to_owned(),
        "cut: 0123456789abc".to_owned(),
    ] {
        assert!(search.leak(told.as_bytes()).is_some(), "{told}");
    }
    let wide: Vec<u8> = "canary-\"&/%Xq1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(search.leak(&wide).is_some());
    assert!(search.leak(b"nothing of the kind").is_none());
}
