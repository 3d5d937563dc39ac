//! The shapes of REST: operations as paths, answers alone or in lists, and the four forms of a refusal
//! (api-cloudtower §§1.4, 1.5).

use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    clients::{
        http::{Answer, Call},
        lenient,
        problem::{Problem, Refused},
    },
    failure::Result,
    secret::Secret,
    text::Text,
};

/// The only code that is documented.
const LOCKED: &str = "ResourceLocked";

/// Stands for a code where a web page came instead of an answer.
const PAGE: &str = "HTML";

/// `tower.get-clusters` → `/v2/api/get-clusters`.
fn path(operation: &str) -> String {
    format!("/v2/api/{}", operation.trim_start_matches("tower."))
}

/// A read; nearly every one is a POST.
pub(super) fn read(operation: &'static str, doing: Text, body: &impl Serialize) -> Call {
    in_english(Call { method: Method::POST, ..Call::read(operation, doing, path(operation)) }).json(body)
}

/// The same without a body.
pub(super) fn read_bare(operation: &'static str, doing: Text, method: Method) -> Call {
    in_english(Call { method, ..Call::read(operation, doing, path(operation)) })
}

/// A write.
pub(super) fn write(operation: &'static str, doing: Text, body: &impl Serialize) -> Call {
    upload(operation, doing).json(body)
}

/// A write whose body is a form, which the caller adds.
pub(super) fn upload(operation: &'static str, doing: Text) -> Call {
    in_english(Call::write(operation, doing, Method::POST, path(operation)))
}

/// Tasks are found by their descriptions, which come in the language that is asked for (api-applications §0).
fn in_english(call: Call) -> Call {
    call.header("content-language", Secret::new("en-US".to_owned()))
}

/// A success that need not say anything: empty, or JSON. A page of a proxy, and what the services beside it or GraphQL
/// call a failure, tell nothing. 304: nothing had to change.
pub(super) fn accepted(answer: &Answer) -> Result<(), Problem> {
    if answer.status == 304 {
        return Ok(());
    }
    if !answer.is_success() {
        return Err(refused(answer).into());
    }
    if answer.body.trim_ascii().is_empty() {
        return Ok(());
    }
    let said: Value = serde_json::from_slice(&answer.body).map_err(|why| Problem::unreadable(answer, why))?;
    match said.get("ec").or(said.get("errors")) {
        Some(_) => Err(Problem::unreadable(answer, "a success with the failure of another service")),
        None => Ok(()),
    }
}

/// What a mutation answers about one object; its `data` is provisional except for the id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    pub id: Option<String>,
    /// `None`: done already.
    pub task_id: Option<String>,
}

#[derive(Deserialize)]
struct WithTask {
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    task_id: Option<String>,
    #[serde(default)]
    data: Value,
}

/// A success with a JSON body.
pub(super) fn body<T: DeserializeOwned>(answer: &Answer) -> Result<T, Problem> {
    if !answer.is_success() {
        return Err(refused(answer).into());
    }
    serde_json::from_slice(&answer.body).map_err(|why| Problem::unreadable(answer, why))
}

/// A list; a single object counts as a list of one, `null` as an empty one.
pub(super) fn list<T: DeserializeOwned>(answer: &Answer) -> Result<Vec<T>, Problem> {
    let items = match body::<Value>(answer)? {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        one => vec![one],
    };
    let read = |item| serde_json::from_value(item).map_err(|why| Problem::unreadable(answer, why));
    items.into_iter().map(read).collect()
}

/// The answer of a mutation, in either form; 304 and an empty body mean that nothing had to change.
pub(super) fn made(answer: &Answer) -> Result<Vec<Made>, Problem> {
    if answer.status == 304 || (answer.is_success() && answer.body.trim_ascii().is_empty()) {
        return Ok(Vec::new());
    }
    let made = |WithTask { task_id, data }: WithTask| {
        let id = data.get("id").and_then(Value::as_str).map(str::to_owned);
        // Every field may be absent, so that any object would do: the envelope of another service, errors.
        if id.is_none() && task_id.is_none() {
            return Err(Problem::unreadable(answer, "neither a task nor an object"));
        }
        Ok(Made { id, task_id })
    };
    list::<WithTask>(answer)?.into_iter().map(made).collect()
}

/// A refusal: `{code?, message, status, path, props?}`, or the HTML page of the proxy in front, or nothing.
pub(super) fn refused(answer: &Answer) -> Refused {
    #[derive(Deserialize)]
    struct ErrorBody {
        #[serde(default, deserialize_with = "lenient::maybe_text")]
        code: Option<String>,
        message: Value,
        #[serde(default)]
        props: Value,
    }
    let mut refused = Refused::raw(answer);
    if let Ok(error) = serde_json::from_slice::<ErrorBody>(&answer.body) {
        refused.code = error.code;
        refused.words = match error.message {
            Value::String(words) => inner_message(&words),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let locked = error.props.get("locked_resources").and_then(Value::as_array);
        for resource in locked.into_iter().flatten() {
            let part = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
            refused.fields.push((part("type"), part("id")));
        }
    } else if refused.words.starts_with('<') {
        refused.code = Some(PAGE.to_owned());
        if let Some(title) = html_title(&refused.words) {
            refused.words = title;
        }
    }
    refused
}

/// What nginx shows while there is no CloudTower behind it (api-cloudtower §1.4, site-behaviour §7.1).
pub(super) fn is_starting(problem: &Problem) -> bool {
    matches!(problem, Problem::Refused(refused) if starts(refused))
}

fn starts(refused: &Refused) -> bool {
    let page = refused.code.as_deref() == Some(PAGE);
    matches!(refused.status, 502..=504) || (page && refused.status == 404)
}

/// Whether it met a lock: it had no effect, and the same will do once the lock is gone.
pub(super) fn is_locked<T>(result: &Result<T, Problem>) -> bool {
    matches!(result, Err(Problem::Refused(refused)) if locks(refused))
}

fn locks(refused: &Refused) -> bool {
    refused.code.as_deref() == Some(LOCKED)
}

/// Whether the site has judged what was sent: neither who sent it, nor the moment at which it came.
pub(super) fn is_verdict(refused: &Refused) -> bool {
    refused.means_absent() && !starts(refused) && !locks(refused)
}

fn html_title(page: &str) -> Option<String> {
    let start = page.find("<title>")? + "<title>".len();
    let end = page[start..].find("</title>")?;
    Some(page[start..start + end].trim().to_owned())
}

/// The cause inside `… message: {json}`: of a cluster job, or of a v2 envelope. The whole stays behind it.
pub(super) fn inner_message(words: &str) -> String {
    let inner = words.split_once("message: ").and_then(|(_, json)| {
        let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
        values.next()?.ok()
    });
    let Some(inner) = inner else { return words.to_owned() };
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let job = &inner["job"];
    let tasks = job["task_list"].as_array().into_iter().flatten();
    let parts = [text(&job["error_code"]), text(&job["error_msg"])].into_iter().flatten();
    let parts: Vec<String> = parts.chain(tasks.filter_map(|task| text(&task["error_msg"]))).collect();
    let envelope = [text(&inner["ec"]), text(&inner["error"]["msg"])].into_iter().flatten();
    let cause = if parts.is_empty() { envelope.collect::<Vec<_>>() } else { parts };
    if cause.is_empty() { words.to_owned() } else { format!("{} ({words})", cause.join(": ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_inside_a_task_s_words_comes_first_and_the_whole_behind_it() {
        let job =
            r#"failed, message: {"job":{"error_code":"NO_SPACE","error_msg":"full","task_list":[]}} end"#;
        assert_eq!(inner_message(job), format!("NO_SPACE: full ({job})"));
        let envelope = r#"x message: {"ec":"REST_FORM_ERROR","error":{"msg":"bad form"}}"#;
        assert_eq!(inner_message(envelope), format!("REST_FORM_ERROR: bad form ({envelope})"));
        for plain in ["just words", "message: {not json", r#"message: {"other":1}"#] {
            assert_eq!(inner_message(plain), plain);
        }
    }
}
