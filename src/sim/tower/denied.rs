//! Refusals of the REST side, in the shapes of api-cloudtower §1.4.

use serde_json::{Value, json};

use super::super::exchange::{Answer, Call};

/// Why a request had no effect.
#[derive(Debug)]
pub enum Denied {
    /// Outside the contract; counted as a breach.
    Shape(String),
    /// Well formed, but impossible.
    Error {
        status: u16,
        code: Option<&'static str>,
        message: String,
        props: Value,
    },
    With(Answer),
}

pub type Outcome = Result<Value, Denied>;

impl Denied {
    pub fn bad(message: impl Into<String>) -> Self {
        Self::Error { status: 400, code: None, message: message.into(), props: Value::Null }
    }

    pub fn missing(message: impl Into<String>) -> Self {
        Self::Error { status: 404, code: None, message: message.into(), props: Value::Null }
    }

    /// The resource is being changed by something else (LOCKED).
    pub fn locked(id: &str, kind: &str) -> Self {
        Self::Error {
            status: 400,
            code: Some("ResourceLocked"),
            message: "the resource is locked".to_owned(),
            props: json!({"locked_resources": [{"id": id, "type": kind}]}),
        }
    }
}

/// The documented body of an error; optional fields only where they say something.
pub fn error_body(call: &Call, status: u16, code: Option<&str>, message: &str, props: &Value) -> Answer {
    let mut body = json!({"message": message, "status": status, "path": call.path});
    if let Some(code) = code {
        body["code"] = json!(code);
    }
    if !props.is_null() {
        body["props"] = props.clone();
    }
    Answer::json(status, &body)
}
