//! What is sent: a request of an API, and where it may go.

use std::net::IpAddr;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;

use super::{dial::Endpoint, form::Form, wire::Class};
use crate::{secret::Secret, text::Text};

/// Where a request goes: planned address, port and scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub scheme: Scheme,
    pub endpoint: Endpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Target {
    pub fn http(address: impl Into<IpAddr>) -> Self {
        Self { scheme: Scheme::Http, endpoint: Endpoint::new(address, 80) }
    }

    pub fn https(address: impl Into<IpAddr>) -> Self {
        Self { scheme: Scheme::Https, endpoint: Endpoint::new(address, 443) }
    }
}

/// One request of an API, ready to be sent to any of its addresses, any number of times.
#[derive(Clone, Debug)]
pub struct Call {
    /// `fisheye.deploy`: as the transcript names it, and a simulated site in its faults.
    pub operation: &'static str,
    /// What is being done, for a failure.
    pub doing: Text,
    pub method: Method,
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    /// Headers beside the token, secret or not; the transcript keeps none.
    pub headers: Vec<(&'static str, Secret<String>)>,
    pub payload: Payload,
    pub class: Class,
    /// Whether it changes the site.
    pub changes: bool,
    /// `false` for a poll: the poller is the one who repeats.
    pub retried: bool,
}

impl Call {
    /// A read that is repeated freely.
    pub fn read(operation: &'static str, doing: Text, path: impl Into<String>) -> Self {
        Self {
            operation,
            doing,
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            payload: Payload::Empty,
            class: Class::Read,
            changes: false,
            retried: true,
        }
    }

    /// A write that is sent once; the caller looks at the site when the answer was lost.
    pub fn write(operation: &'static str, doing: Text, method: Method, path: impl Into<String>) -> Self {
        Self { method, class: Class::Probed, changes: true, ..Self::read(operation, doing, path) }
    }

    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub fn header(mut self, name: &'static str, value: Secret<String>) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A JSON body. Our own request types always serialise; one that does not is sent as `null` and
    /// refused by the site.
    pub fn json(mut self, body: &impl serde::Serialize) -> Self {
        self.payload = Payload::Json(serde_json::to_vec(body).unwrap_or_else(|_| b"null".to_vec()).into());
        self
    }

    /// A multipart body.
    pub fn form(mut self, form: Form) -> Self {
        self.payload = Payload::Form(form);
        self
    }

    pub fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    /// Changes nothing worth counting (a login).
    pub fn harmless(self) -> Self {
        Self { changes: false, ..self }
    }

    pub fn polled(self) -> Self {
        Self { retried: false, ..self }
    }

    /// Path and query as they travel.
    pub(super) fn path_and_query(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let mut url = String::from(&self.path);
        for (at, (name, value)) in self.query.iter().enumerate() {
            let value = utf8_percent_encode(value, QUERY);
            url.push_str(&format!("{}{name}={value}", if at == 0 { '?' } else { '&' }));
        }
        url
    }
}

/// RFC 3986's unreserved characters stay as they are.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The body of a request; cheap to send again.
#[derive(Clone, Debug)]
pub enum Payload {
    Empty,
    Json(Bytes),
    Form(Form),
}
