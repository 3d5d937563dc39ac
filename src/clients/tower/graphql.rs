//! GraphQL: documents from `templates/graphql/`, and answers whose status says nothing (graphql-operations §1).

use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::rest;
use crate::{
    clients::{
        form::Form,
        http::{Answer, Call},
        problem::{Problem, Refused},
        upload::Chunk,
    },
    embed,
    failure::Result,
    text::Text,
};

/// A query; `operation` is `tower.<operation name>`.
pub(super) fn query(operation: &'static str, doing: Text, variables: &impl Serialize) -> Call {
    with_document(Call::read(operation, doing, "/api"), variables)
}

/// A mutation.
pub(super) fn mutation(operation: &'static str, doing: Text, variables: &impl Serialize) -> Call {
    with_document(Call::write(operation, doing, Method::POST, "/api"), variables)
}

/// A query without one field (on a line of its own in the document), for releases whose schema does not know it.
pub(super) fn query_without(
    field: &str,
    operation: &'static str,
    doing: Text,
    variables: &impl Serialize,
) -> Call {
    let name = name(operation);
    let lines = document(name).lines().filter(|line| line.trim() != field);
    let query = lines.collect::<Vec<_>>().join("\n");
    with_text(Call::read(operation, doing, "/api"), name, &query, variables)
}

/// A mutation with other arguments than its document has: `from` becomes `to` in its text.
pub(super) fn mutation_with(
    (from, to): (&str, &str),
    operation: &'static str,
    doing: Text,
    variables: &impl Serialize,
) -> Call {
    let name = name(operation);
    let query = document(name).replace(from, to);
    with_text(Call::write(operation, doing, Method::POST, "/api"), name, &query, variables)
}

/// `tower.login` → `login`
fn name(operation: &'static str) -> &'static str {
    operation.trim_start_matches("tower.")
}

/// A mutation with a file in it, by the multipart convention: the parts `operations`, `map` and `1`, in this order.
/// `place` is where the file belongs, `variables.data.file`; there the variables hold `null`.
pub(super) fn with_file(
    operation: &'static str,
    doing: Text,
    variables: &impl Serialize,
    place: &str,
    file_name: &'static str,
    chunk: Chunk,
) -> Call {
    let name = name(operation);
    let form = Form::new()
        .text("operations", json!(Body { operation: name, variables, query: document(name) }))
        .text("map", json!({"1": [place]}))
        .file("1", file_name, chunk.bytes)
        .last(chunk.last);
    Call::write(operation, doing, Method::POST, "/api").form(form)
}

fn with_document(call: Call, variables: &impl Serialize) -> Call {
    let name = name(call.operation);
    with_text(call, name, document(name), variables)
}

#[derive(Serialize)]
struct Body<'a, V> {
    #[serde(rename = "operationName")]
    operation: &'a str,
    variables: &'a V,
    query: &'a str,
}

fn with_text(call: Call, operation: &str, query: &str, variables: &impl Serialize) -> Call {
    Call { method: Method::POST, ..call }.json(&Body { operation, variables, query })
}

/// A name without a document would be refused by every site; a test holds the two together.
fn document(operation: &str) -> &'static str {
    embed::GRAPHQL.iter().find(|(name, _)| *name == operation).map_or("", |(_, text)| text)
}

/// `data.<root>`: success needs a 2xx status *and* no errors *and* that field.
pub(super) fn root<T: DeserializeOwned>(answer: &Answer, root: &str) -> Result<T, Problem> {
    let mut data = data(answer)?;
    let value = data.get_mut(root).map(Value::take).unwrap_or_default();
    if value.is_null() {
        return Err(Problem::unreadable(answer, format_args!("no `data.{root}`")));
    }
    serde_json::from_value(value).map_err(|why| Problem::unreadable(answer, why))
}

/// The whole `data` of an answer.
pub(super) fn data(answer: &Answer) -> Result<Value, Problem> {
    #[derive(Deserialize)]
    struct Reply {
        #[serde(default)]
        data: Value,
        #[serde(default)]
        errors: Option<Vec<Value>>,
    }
    match serde_json::from_slice::<Reply>(&answer.body) {
        Ok(Reply { errors: Some(errors), .. }) if !errors.is_empty() => Err(refused(answer, &errors).into()),
        Ok(reply) if answer.is_success() => Ok(reply.data),
        Err(why) if answer.is_success() => Err(Problem::unreadable(answer, why)),
        _ => Err(rest::refused(answer).into()),
    }
}

/// Every message of the answer. Status 200 with errors about the session counts as 401: the shape of a refused
/// token is not documented (graphql-operations §1).
fn refused(answer: &Answer, errors: &[Value]) -> Refused {
    let words = |error: &Value| match error.get("message").and_then(Value::as_str) {
        Some(message) => rest::inner_message(message),
        None => error.to_string(),
    };
    let words = errors.iter().map(words).collect::<Vec<_>>().join("; ");
    let lower = words.to_lowercase();
    let about_session =
        ["unauth", "not login", "token", "permission"].iter().any(|word| lower.contains(word));
    let status = if about_session { 401 } else { answer.status };
    Refused { status, words, ..Refused::raw(answer) }
}

/// Whether it is refused because it is there already; texts seen by the peer (graphql-operations §§2.1, 2.2).
pub(super) fn exists_already(problem: &Problem) -> bool {
    let Problem::Refused(refused) = problem else { return false };
    let words = refused.words.to_lowercase();
    ["already exists", "useralreadyexists", "duplicate"].iter().any(|known| words.contains(known))
}
