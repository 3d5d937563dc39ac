//! Multipart bodies as a strict server reads them: parts in their order, nothing copied.

use axum::http::HeaderMap;

use super::exchange::Call;

const FORM: &str = "multipart/form-data";

/// The longest head of a part that is looked for.
const HEAD: usize = 4 << 10;

/// So near the end of the body the rest after a file begins: what follows it are a few words. Searching all of
/// a chunk for its end would cost more than it shows.
const TAIL: usize = 16 << 10;

/// One part.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a> {
    pub name: String,
    /// Only files have one.
    pub filename: Option<String>,
    pub content_type: Option<String>,
    pub data: &'a [u8],
}

impl Part<'_> {
    /// The words of a part that is no file. Errors: it is one, or no text.
    pub fn text(&self) -> Result<&str, String> {
        if self.filename.is_some() {
            return Err(format!("part {} is sent as a file", self.name));
        }
        str::from_utf8(self.data).map_err(|_| format!("part {} is not text", self.name))
    }

    /// The bytes of a binary part. Errors: it lacks a file name, or has another content type.
    pub fn file(&self) -> Result<&[u8], String> {
        match (&self.filename, self.content_type.as_deref()) {
            (None, _) => Err(format!("part {} has no file name", self.name)),
            (_, Some("application/octet-stream")) => Ok(self.data),
            (_, other) => Err(format!("part {} has the content type {other:?}", self.name)),
        }
    }
}

/// Whether a request says that its body is a form.
pub fn is_form(call: &Call) -> bool {
    call.header("content-type").is_some_and(|kind| kind.starts_with(FORM))
}

/// The parts of a form in the order they were sent. Errors: what is wrong with the frame.
pub fn parts(call: &Call) -> Result<Vec<Part<'_>>, String> {
    let boundary =
        boundary(&call.headers).ok_or("content-type must be multipart/form-data with a boundary")?;
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let mut rest = call
        .body
        .strip_prefix(&delimiter[2..])
        .and_then(|rest| rest.strip_prefix(b"\r\n"))
        .ok_or("the multipart body does not begin with its boundary")?;
    let mut parts = Vec::new();
    loop {
        let head_end = find(&rest[..rest.len().min(HEAD)], b"\r\n\r\n").ok_or("a part without head")?;
        let mut part = head(&rest[..head_end])?;
        let content = &rest[head_end + 4..];
        let from = if part.filename.is_some() { content.len().saturating_sub(TAIL) } else { 0 };
        let end = find(&content[from..], &delimiter).ok_or("the multipart body is not closed")? + from;
        part.data = &content[..end];
        parts.push(part);
        match &content[end + delimiter.len()..] {
            b"--" | b"--\r\n" => return Ok(parts),
            next => rest = next.strip_prefix(b"\r\n").ok_or("a part ends in the middle of a line")?,
        }
    }
}

/// What separates the parts of a form, as its head says.
pub fn boundary(headers: &HeaderMap) -> Option<&str> {
    let rest = headers.get("content-type")?.to_str().ok()?.strip_prefix(FORM)?;
    let boundary = rest.split("boundary=").nth(1)?.split(';').next()?.trim().trim_matches('"');
    (!boundary.is_empty()).then_some(boundary)
}

fn head<'a>(head: &[u8]) -> Result<Part<'a>, String> {
    let head = str::from_utf8(head).map_err(|_| "the head of a part is not text")?;
    let mut part = Part { name: String::new(), filename: None, content_type: None, data: &[] };
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or("a part header without colon")?;
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let mut pieces = value.split(';').map(str::trim);
                if pieces.next() != Some("form-data") {
                    return Err("a part that is not form-data".to_owned());
                }
                for piece in pieces {
                    match piece.split_once('=') {
                        Some(("name", name)) => name.trim_matches('"').clone_into(&mut part.name),
                        Some(("filename", name)) => part.filename = Some(name.trim_matches('"').to_owned()),
                        _ => return Err(format!("content-disposition: {piece}")),
                    }
                }
            }
            "content-type" => part.content_type = Some(value.trim().to_owned()),
            other => return Err(format!("a part with the header {other}")),
        }
    }
    if part.name.is_empty() { Err("a part without name".to_owned()) } else { Ok(part) }
}

fn find(all: &[u8], wanted: &[u8]) -> Option<usize> {
    all.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::exchange::Scheme;

    fn call(body: &str) -> Call {
        let form = "multipart/form-data; boundary=XX";
        Call {
            address: [10, 0, 0, 1].into(),
            scheme: Scheme::Https,
            method: "POST".into(),
            path: "/".into(),
            target: "/".into(),
            query: Vec::new(),
            headers: [("content-type".parse().unwrap(), form.parse().unwrap())].into_iter().collect(),
            body: body.as_bytes().to_vec().into(),
            params: Vec::new(),
            landed: None,
        }
    }

    const FILE: &str = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"blob\"\r\n\
                        Content-Type: application/octet-stream\r\n\r\n";

    #[test]
    fn parts_come_in_their_order_with_a_file_before_or_after_the_words() {
        let name = "--XX\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\na.tar.gz\r\n";
        for body in [format!("{FILE}ab\r\nc\r\n{name}--XX--\r\n"), format!("{name}{FILE}ab\r\nc\r\n--XX--")] {
            let call = call(&body);
            let mut parts = parts(&call).unwrap();
            parts.sort_by(|left, right| left.name.cmp(&right.name));
            assert_eq!(parts[0].file(), Ok(&b"ab\r\nc"[..]));
            assert_eq!(parts[1].text(), Ok("a.tar.gz"));
            assert!(parts[0].text().is_err() && parts[1].file().is_err());
        }
    }

    #[test]
    fn a_frame_that_is_not_whole_is_refused() {
        for body in [
            String::new(),
            format!("{FILE}abc"),
            format!("{FILE}abc\r\n--XX"),
            format!("{FILE}abc\r\n--XX--more"),
            "--XX\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--XX--\r\n".to_owned(),
            "--XX\r\nX-Odd: 1\r\n\r\nabc\r\n--XX--\r\n".to_owned(),
        ] {
            assert!(parts(&call(&body)).is_err(), "{body}");
        }
    }
}
