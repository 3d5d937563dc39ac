//! The kept cut of the OpenAPI document against the whole one, where that is at hand; and answers against it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use jsonschema::Validator;

use super::*;
use crate::support::tool::project;

/// The whole document; it is no part of the project, so it may be absent.
fn whole() -> Option<&'static Value> {
    static WHOLE: OnceLock<Option<Value>> = OnceLock::new();
    let read = || {
        let text = fs::read_to_string(project("../shared/spec/cloudtower-openapi-subset.json")).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    };
    WHOLE.get_or_init(read).as_ref()
}

fn kept() -> Value {
    let path = project("templates/contract/cloudtower.openapi.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn references(schema: &Value, all: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            let target = fields.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            if let Some(name) = target.filter(|name| found.insert((*name).to_owned())) {
                references(&all["components"]["schemas"][name], all, found);
            }
            fields.values().for_each(|field| references(field, all, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, all, found)),
        _ => {}
    }
}

/// To keep one more operation: copy its `requestBody` into `paths`, run this test, and copy the schemas that
/// it names.
#[test]
fn the_kept_schemas_are_those_of_the_official_document_and_no_more() {
    let Some(whole) = whole() else { return };
    let kept = kept();
    let mut needed = BTreeSet::new();
    for (path, methods) in kept["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let official = &whole["paths"][path][method];
            assert!(official.is_object(), "{method} {path} is not in the official document");
            for part in ["requestBody", "security"] {
                let official =
                    official.get(part).filter(|official| part != "security" || **official == json!([]));
                assert_eq!(operation.get(part), official, "{part} of {path}");
            }
            references(operation, whole, &mut needed);
        }
    }
    let schemas = kept["components"]["schemas"].as_object().unwrap();
    let there: BTreeSet<String> = schemas.keys().cloned().collect();
    assert_eq!(there, needed, "the schemas that the kept operations need");
    for (name, schema) in schemas {
        assert_eq!(schema, &whole["components"]["schemas"][name], "{name}");
    }
}

/// Whether an answer is what the official document promises; the simulator could go wrong where nobody looks.
pub fn check_answer(url: &str, answer: &Value) {
    let Some((_, operation)) = url.split_once("/v2/api/") else { return };
    let Some(validator) = validator(operation, answer.is_object()) else { return };
    let wrong: Vec<String> = validator
        .iter_errors(answer)
        .map(|error| format!("{operation}{}: {error}", error.instance_path()))
        .take(5)
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The checker of an operation's answers, made once for all tests; compiling costs more than asking.
fn validator(operation: &str, single: bool) -> Option<Arc<Validator>> {
    static MADE: Mutex<BTreeMap<(String, bool), Arc<Validator>>> = Mutex::new(BTreeMap::new());
    let whole = whole()?;
    let path = &whole["paths"][format!("/{operation}")]["post"];
    let schema = path.pointer("/responses/200/content/application~1json/schema")?;
    // A single object is answered with a single object; the document knows arrays only.
    let single = single && schema["type"] == "array";
    let make = || {
        let mut needed = BTreeSet::new();
        references(schema, whole, &mut needed);
        let schemas = needed.into_iter().map(|name| {
            let schema = whole["components"]["schemas"][&name].clone();
            (name, schema)
        });
        let schemas: serde_json::Map<String, Value> = schemas.collect();
        let root = if single { &schema["items"] } else { schema };
        let mut document = json!({"allOf": [root], "components": {"schemas": schemas}});
        nullable(&mut document);
        Arc::new(jsonschema::options().build(&document).unwrap())
    };
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    Some(made.entry((operation.to_owned(), single)).or_insert_with(make).clone())
}

fn nullable(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.remove("nullable") == Some(json!(true)) {
                if let Some(kind) = fields.get("type").cloned() {
                    fields.insert("type".into(), json!([kind, "null"]));
                }
                if let Some(Value::Array(values)) = fields.get_mut("enum")
                    && !values.contains(&Value::Null)
                {
                    values.push(Value::Null);
                }
            }
            fields.values_mut().for_each(nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(nullable),
        _ => {}
    }
}
