//! One HTTP request as received and one answer to be sent.

use std::{io, iter, net::Ipv4Addr, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::landing::Landed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub address: Ipv4Addr,
    pub scheme: Scheme,
    pub method: String,
    pub path: String,
    /// Path and query as sent.
    pub target: String,
    /// Decoded, in order.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    /// Without the bytes that have landed.
    pub body: Bytes,
    /// The file of a form that was put in its place as it came.
    pub landed: Option<Landed>,
    /// Values of the `{…}` segments of the route, filled in by the router.
    pub params: Vec<String>,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The query parameter, which the router has checked to be there exactly once.
    pub fn query(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }
}

/// Splits and decodes a query; `+` is a blank, as forms write it.
pub fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%')
            .then(|| tail.get(..2).and_then(|hex| str::from_utf8(hex).ok()))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub ending: Ending,
}

/// What comes after the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    #[default]
    Whole,
    /// The connection ends, although `content-length` says that more is to come, or without its last chunk.
    BrokenOff,
    /// So many blanks, which JSON does not mind.
    Padded(u64),
    /// A blank at a time, for ever.
    Trickling,
}

impl Answer {
    fn new(status: u16, content_type: Option<&str>, body: Vec<u8>) -> Self {
        let headers = content_type.map(|kind| ("content-type".to_owned(), kind.to_owned()));
        Self { status, headers: headers.into_iter().collect(), body, ending: Ending::Whole }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, Some("application/json; charset=utf-8"), body.to_string().into_bytes())
    }

    pub fn html(status: u16, title: &str) -> Self {
        let page = format!("<html><head><title>{status} {title}</title></head><body>nginx</body></html>");
        Self::new(status, Some("text/html"), page.into_bytes())
    }

    pub fn empty(status: u16) -> Self {
        Self::new(status, None, Vec::new())
    }

    /// The v2 success envelope (api-fisheye §2).
    pub fn eok(data: Value) -> Self {
        Self::json(200, &json!({"ec": "EOK", "error": {}, "data": data}))
    }

    /// The v2 failure envelope.
    pub fn failure(status: u16, ec: &str, msg: &str, detail: &Value) -> Self {
        Self::json(status, &json!({"data": {}, "ec": ec, "error": {"detail": detail, "msg": msg}}))
    }

    pub fn into_response(self) -> Response<Body> {
        let body = match self.ending {
            Ending::Whole => Body::from(self.body),
            Ending::BrokenOff => broken_off(self.body),
            Ending::Padded(blanks) => padded(self.body, blanks),
            Ending::Trickling => trickling(self.body),
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert("server", HeaderValue::from_static("nginx"));
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// A body that ends in an error after its first bytes have been sent.
fn broken_off(bytes: Vec<u8>) -> Body {
    let rest = stream::once(async {
        // The pause makes the server send what it has; without it nothing at all would leave.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    Body::from_stream(stream::iter([Ok(bytes)]).chain(rest))
}

/// Bytes of blanks that are sent at once.
pub const PIECE: u64 = 64 * 1024;

/// Far more than anybody reads, never held in memory at once.
fn padded(bytes: Vec<u8>, blanks: u64) -> Body {
    let piece = Bytes::from_static(&[b' '; PIECE as usize]);
    let rest = (0..blanks.div_ceil(PIECE)).map(move |_| Ok(piece.clone()));
    Body::from_stream(stream::iter(iter::once(Ok::<_, io::Error>(bytes.into())).chain(rest)))
}

/// In real time, as the transport limits that it is held against.
const TRICKLE: Duration = Duration::from_millis(20);

fn trickling(bytes: Vec<u8>) -> Body {
    let rest = stream::repeat(()).then(|()| async {
        tokio::time::sleep(TRICKLE).await;
        Ok(Bytes::from_static(b" "))
    });
    Body::from_stream(stream::iter([Ok::<_, io::Error>(bytes.into())]).chain(rest))
}

/// Why a request had no effect.
#[derive(Clone, Debug)]
pub enum Refused {
    /// A well-formed request for something impossible: `REST_FORM_ERROR` naming the field.
    Form { field: String, reason: String },
    /// A request outside the contract; counted as a breach.
    Shape(String),
    /// Another answer of the site, such as 401.
    With(Answer),
}

impl Refused {
    pub fn form(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Form { field: field.into(), reason: reason.into() }
    }
}

pub type Outcome = Result<Answer, Refused>;
