//! The envelope of v2 answers, and v3 answers that have none (api-fisheye §2).

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    clients::{
        http::Answer,
        problem::{Problem, Refused},
    },
    failure::Result,
};

#[derive(Deserialize)]
struct Envelope {
    ec: String,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    data: Value,
}

/// The `data` of a v2 answer: success needs a 2xx status *and* `EOK` *and* an empty `error`.
pub(super) fn v2<T: DeserializeOwned>(answer: &Answer) -> Result<T, Problem> {
    let data = data(answer)?;
    serde_json::from_value(data).map_err(|why| Problem::unreadable(answer, why))
}

/// The same where an empty body or no `data` says as much as an empty one.
pub(super) fn v2_or_default<T: DeserializeOwned + Default>(answer: &Answer) -> Result<T, Problem> {
    if answer.is_success() && answer.body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    match data(answer)? {
        Value::Null => Ok(T::default()),
        data => serde_json::from_value(data).map_err(|why| Problem::unreadable(answer, why)),
    }
}

/// The `data` of a v2 answer as it is.
pub(super) fn data(answer: &Answer) -> Result<Value, Problem> {
    let envelope = serde_json::from_slice::<Envelope>(&answer.body);
    match envelope {
        Ok(envelope) if answer.is_success() && envelope.ec == "EOK" && is_empty(&envelope.error) => {
            Ok(envelope.data)
        }
        Ok(envelope) => Err(refused(answer, envelope).into()),
        Err(why) if answer.is_success() => Err(Problem::unreadable(answer, why)),
        Err(_) => Err(Refused::raw(answer).into()),
    }
}

/// A bare v3 answer. The shape of its failures is unknown: the raw body is shown.
pub(super) fn v3<T: DeserializeOwned>(answer: &Answer) -> Result<T, Problem> {
    if !answer.is_success() {
        // Some of them carry the v2 envelope; its words are better than raw JSON.
        return Err(match serde_json::from_slice::<Envelope>(&answer.body) {
            Ok(envelope) => refused(answer, envelope).into(),
            Err(_) => Refused::raw(answer).into(),
        });
    }
    // The services behind one address have one proxy: a failure of another is no success of this one.
    if let Ok(envelope) = serde_json::from_slice::<Envelope>(&answer.body)
        && envelope.ec != "EOK"
    {
        return Err(refused(answer, envelope).into());
    }
    serde_json::from_slice(&answer.body).map_err(|why| Problem::unreadable(answer, why))
}

fn is_empty(error: &Value) -> bool {
    match error {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn refused(answer: &Answer, envelope: Envelope) -> Refused {
    let mut refused = Refused { words: String::new(), code: Some(envelope.ec), ..Refused::raw(answer) };
    match envelope.error {
        Value::Object(mut error) => {
            refused.words = plain(error.get("msg").unwrap_or(&Value::Null));
            match error.remove("detail") {
                Some(Value::Object(fields)) => {
                    refused.fields =
                        fields.into_iter().map(|(name, reasons)| (name, plain(&reasons))).collect();
                }
                Some(detail) => {
                    let detail = plain(&detail);
                    if !detail.is_empty() && detail != refused.words {
                        refused.words = format!("{} {detail}", refused.words).trim().to_owned();
                    }
                }
                None => {}
            }
        }
        other => refused.words = plain(&other),
    }
    refused
}

/// A reason as text: reasons come alone or in lists.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::clients::dial::Endpoint;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            from: Endpoint::new(Ipv4Addr::LOCALHOST, 80),
            status,
            body: body.as_bytes().to_vec().into(),
            date: None,
            retry_after: None,
            location: None,
            cookies: Vec::new(),
            request_id: None,
        }
    }

    fn refusal(status: u16, body: &str) -> Refused {
        match data(&answer(status, body)) {
            Err(Problem::Refused(refused)) => *refused,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn success_is_2xx_and_eok_and_an_empty_error() {
        for error in ["{}", "null"] {
            let body = format!(r#"{{"ec":"EOK","error":{error},"data":{{"a":1}}}}"#);
            assert_eq!(data(&answer(200, &body)).unwrap(), serde_json::json!({"a": 1}));
        }
        assert!(data(&answer(200, r#"{"ec":"EOK","data":{}}"#)).is_ok());
        assert!(data(&answer(500, r#"{"ec":"EOK","error":{},"data":{}}"#)).is_err());
        assert!(data(&answer(200, r#"{"ec":"EOK","error":{"msg":"x"},"data":{}}"#)).is_err());
        assert!(data(&answer(200, r#"{"ec":"REST_UNKNOWN_ERROR","error":{},"data":{}}"#)).is_err());
    }

    #[test]
    fn a_refusal_keeps_code_words_and_fields_even_with_status_200() {
        let body = r#"{"data":{},"ec":"REST_FORM_ERROR","error":{"detail":{"bond_mode":["not a choice"]},"msg":"bad form"}}"#;
        let refused = refusal(200, body);
        assert_eq!(refused.code.as_deref(), Some("REST_FORM_ERROR"));
        assert_eq!(refused.words, "bad form");
        assert!(refused.names("bond_mode"));
        assert_eq!(refused.fields[0].1, "not a choice");
    }

    #[test]
    fn a_detail_that_is_text_or_empty_is_no_field() {
        assert_eq!(refusal(500, r#"{"ec":"X","error":{"msg":"m","detail":""}}"#).words, "m");
        assert_eq!(refusal(500, r#"{"ec":"X","error":{"msg":"m","detail":"d"}}"#).words, "m d");
    }

    #[test]
    fn html_with_an_error_status_is_shown_as_it_is_and_with_200_is_no_answer() {
        assert_eq!(refusal(502, "<html>bad gateway</html>").words, "<html>bad gateway</html>");
        assert!(matches!(data(&answer(200, "<html/>")), Err(Problem::Lost { .. })));
        assert!(matches!(data(&answer(200, r#"{"ec":"EOK","da"#)), Err(Problem::Lost { .. })));
    }
}
