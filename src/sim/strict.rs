//! Strict reading of request bodies: every field known, none missing, every type right (site-behaviour §8).

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    exchange::{Call, Refused},
    multipart,
};

/// The JSON body as `T`. A field that `T` would not write itself is unknown, unless `lenient`.
pub fn body<T: DeserializeOwned + Serialize>(call: &Call, lenient: bool) -> Result<T, Refused> {
    let shape = |error: serde_json::Error| Refused::Shape(format!("body: {error}"));
    let body: T = serde_json::from_slice(&call.body).map_err(shape)?;
    if !lenient {
        let sent: Value = serde_json::from_slice(&call.body).map_err(shape)?;
        let understood = serde_json::to_value(&body).map_err(shape)?;
        if let Some(path) = unknown(&sent, &understood, "") {
            return Err(Refused::Shape(format!("body: unknown field {path}")));
        }
    }
    Ok(body)
}

fn unknown(sent: &Value, understood: &Value, path: &str) -> Option<String> {
    match (sent, understood) {
        (Value::Object(sent), Value::Object(understood)) => sent.iter().find_map(|(key, value)| {
            let path = format!("{path}.{key}");
            match understood.get(key) {
                Some(known) => unknown(value, known, &path),
                None => Some(path),
            }
        }),
        (Value::Array(sent), Value::Array(understood)) => {
            sent.iter().zip(understood).enumerate().find_map(|(index, (sent, understood))| {
                unknown(sent, understood, &format!("{path}[{index}]"))
            })
        }
        _ => None,
    }
}

/// The bytes of the single part `file` of a multipart body (api-fisheye §6.9); none where they have landed already. A
/// second part would count as data and so fail the length check of the chunk; searching 8 MiB for it would cost more than it shows.
pub fn file_part(call: &Call) -> Result<&[u8], Refused> {
    let boundary = multipart::boundary(&call.headers)
        .ok_or_else(|| shape("content-type must be multipart/form-data with a boundary"))?;
    let rest = call
        .body
        .strip_prefix(format!("--{boundary}\r\n").as_bytes())
        .ok_or_else(|| shape("multipart body does not begin with its boundary"))?;
    let end =
        rest.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(|| shape("part without head"))?;
    let head = str::from_utf8(&rest[..end]).map_err(|_| shape("part head is not text"))?;
    let close = format!("\r\n--{boundary}--");
    let data = &rest[end + 4..];
    let data = data.strip_suffix(b"\r\n").unwrap_or(data);
    let data = data.strip_suffix(close.as_bytes()).ok_or_else(|| shape("multipart body is not closed"))?;
    check_head(head)?;
    Ok(data)
}

fn check_head(head: &str) -> Result<(), Refused> {
    let mut named = false;
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or_else(|| shape("part header without colon"))?;
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let mut pieces = value.split(';').map(str::trim);
                let form = pieces.next() == Some("form-data");
                named = form && pieces.any(|piece| piece == "name=\"file\"");
            }
            "content-type" if value.trim() != "application/octet-stream" => {
                return Err(shape("part is not application/octet-stream"));
            }
            _ => {}
        }
    }
    if named { Ok(()) } else { Err(shape("the part must be named file")) }
}

fn shape(what: &str) -> Refused {
    Refused::Shape(what.to_owned())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::sim::exchange::Scheme;

    #[derive(Debug, Deserialize, Serialize)]
    struct Vlan {
        name: String,
        vlan_id: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }

    fn call(content_type: &str, body: &[u8]) -> Call {
        Call {
            address: [10, 0, 0, 1].into(),
            scheme: Scheme::Https,
            method: "POST".into(),
            path: "/".into(),
            target: "/".into(),
            query: Vec::new(),
            headers: [("content-type".parse().unwrap(), content_type.parse().unwrap())].into_iter().collect(),
            body: body.to_vec().into(),
            params: Vec::new(),
            landed: None,
        }
    }

    #[test]
    fn unknown_missing_and_mistyped_fields_are_refused() {
        let read = |text: &str, lenient| body::<Vlan>(&call("application/json", text.as_bytes()), lenient);
        assert!(read(r#"{"name":"a","vlan_id":7}"#, false).is_ok());
        for wrong in [
            r#"{"name":"a"}"#,
            r#"{"name":"a","vlan_id":"7"}"#,
            r#"{"name":"a","vlan_id":7.0}"#,
            r#"{"name":"a","name":"a","vlan_id":7}"#,
            r#"{"name":"a","vlan_id":7,"note":null}"#,
        ] {
            assert!(matches!(read(wrong, false), Err(Refused::Shape(_))), "{wrong}");
        }
        let more = r#"{"name":"a","vlan_id":7,"color":1}"#;
        assert!(read(more, false).is_err());
        assert!(read(more, true).is_ok());
    }

    #[test]
    fn a_chunk_is_exactly_one_part_named_file() {
        let form = "multipart/form-data; boundary=XX";
        let part = |name: &str, tail: &str| {
            format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nab\r\nc{tail}")
                .into_bytes()
        };
        assert_eq!(file_part(&call(form, &part("file", "\r\n--XX--\r\n"))).unwrap(), b"ab\r\nc");
        assert!(file_part(&call(form, &part("image", "\r\n--XX--\r\n"))).is_err());
        assert!(file_part(&call(form, &part("file", ""))).is_err());
        assert!(file_part(&call("application/json", &part("file", "\r\n--XX--\r\n"))).is_err());
    }
}
