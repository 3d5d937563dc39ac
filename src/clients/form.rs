//! Multipart bodies: parts in the order in which they travel, because some servers read them in that order.

use std::time::Duration;

use reqwest::{header, multipart};
use serde_json::{Map, Value};

use super::{content::Content, limits::Limits};

/// A multipart body; cheap to send again.
#[derive(Clone, Debug, Default)]
pub struct Form {
    parts: Vec<(&'static str, Part)>,
    last: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    File { name: &'static str, content: Content },
}

impl Form {
    pub fn new() -> Self {
        Self::default()
    }

    /// A plain field.
    pub fn text(mut self, name: &'static str, value: impl ToString) -> Self {
        self.parts.push((name, Part::Text(value.to_string())));
        self
    }

    /// Content as `application/octet-stream` under a file name.
    pub fn file(mut self, name: &'static str, file_name: &'static str, content: impl Into<Content>) -> Self {
        self.parts.push((name, Part::File { name: file_name, content: content.into() }));
        self
    }

    /// The last chunk of a file: its answer may come late, because the server takes the whole in.
    pub fn last(self, last: bool) -> Self {
        Self { last, ..self }
    }

    pub(super) fn limit(&self, limits: &Limits) -> Duration {
        if self.last { limits.last_chunk } else { limits.chunk }
    }

    /// What the transcript keeps of it: texts as they are, JSON in them as JSON, and of files how long they were.
    pub(super) fn described(&self) -> String {
        let length = |content: &Content| format!("chunk of {} bytes", content.length());
        if let [(_, Part::File { content, .. })] = self.parts.as_slice() {
            return length(content);
        }
        let shown = |part: &Part| match part {
            Part::Text(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
            Part::File { content, .. } => Value::from(length(content)),
        };
        let parts: Map<String, Value> =
            self.parts.iter().map(|(name, part)| ((*name).to_owned(), shown(part))).collect();
        Value::Object(parts).to_string()
    }

    /// A body of `reqwest` cannot be cloned, so it is built anew for each sending; bytes are shared, files read again.
    pub(super) fn build(&self) -> multipart::Form {
        let built = multipart::Form::new();
        self.parts.iter().fold(built, |form, (name, part)| match part {
            Part::Text(text) => form.text(*name, text.clone()),
            Part::File { name: file_name, content } => {
                let octets = header::HeaderValue::from_static("application/octet-stream");
                let part = multipart::Part::stream_with_length(content.body(), content.length())
                    .file_name(*file_name)
                    .headers(header::HeaderMap::from_iter([(header::CONTENT_TYPE, octets)]));
                form.part(*name, part)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_transcript_shows_texts_and_the_length_of_files_and_no_byte_of_them() {
        let form = Form::new().text("operations", r#"{"a":1}"#).text("id", "x").file(
            "1",
            "blob",
            Bytes::from_static(b"secret"),
        );
        let shown: Value = serde_json::from_str(&form.described()).unwrap();
        assert_eq!(shown, json!({"operations": {"a": 1}, "id": "x", "1": "chunk of 6 bytes"}));
    }

    #[test]
    fn the_last_chunk_has_a_limit_of_its_own() {
        let limits = Limits::default();
        assert_eq!(Form::new().limit(&limits), limits.chunk);
        assert_eq!(Form::new().last(true).limit(&limits), limits.last_chunk);
    }
}
