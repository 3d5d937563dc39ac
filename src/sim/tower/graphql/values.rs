//! Values of arguments: JSON of variables and literals of documents, each held against its type.

use std::collections::{BTreeMap, BTreeSet};

use graphql_parser::query::{Type, Value as Literal};
use serde_json::{Map, Value, json};

use super::schema::{Kind, Schema};

/// The variables of one request.
#[derive(Debug, Default)]
pub struct Variables<'a> {
    pub types: BTreeMap<String, Type<'a, String>>,
    /// Coerced; a variable that was not sent is absent.
    pub values: Map<String, Value>,
    pub used: BTreeSet<String>,
}

/// A JSON value as its type has it. Errors: place and reason.
pub fn json_value(
    schema: &Schema,
    of: &Type<'_, String>,
    value: &Value,
    path: &str,
) -> Result<Value, String> {
    match of {
        Type::NonNullType(of) if value.is_null() => Err(format!("{path}: {of} must not be null")),
        Type::NonNullType(of) => json_value(schema, of, value, path),
        _ if value.is_null() => Ok(Value::Null),
        Type::ListType(of) => match value {
            Value::Array(items) => items.iter().map(|item| json_value(schema, of, item, path)).collect(),
            // A single value stands for a list of one (GraphQL specification, input coercion).
            one => Ok(json!([json_value(schema, of, one, path)?])),
        },
        Type::NamedType(name) => match (schema.kind(name), value) {
            (Some(Kind::Input(_)), Value::Object(fields)) => {
                input(schema, name, path, fields, |of, field, path| {
                    json_value(schema, of, field, path).map(Some)
                })
            }
            (Some(Kind::Enum(values)), Value::String(text)) if values.contains(text) => Ok(value.clone()),
            (Some(Kind::Scalar), value) => scalar(name, value, path),
            _ => Err(format!("{path}: {value} is not a {name}")),
        },
    }
}

/// A literal of the document; variables inside it must have a type that fits.
pub fn literal(
    schema: &Schema,
    of: &Type<'_, String>,
    value: &Literal<'_, String>,
    path: &str,
    variables: &mut Variables<'_>,
) -> Result<Option<Value>, String> {
    if let Literal::Variable(name) = value {
        let Some(declared) = variables.types.get(name) else {
            return Err(format!("variable ${name} is not declared"));
        };
        if !fits(declared, of) {
            return Err(format!("variable ${name} of type {declared} does not fit {path} of type {of}"));
        }
        variables.used.insert(name.clone());
        return Ok(variables.values.get(name).cloned());
    }
    match (of, value) {
        (Type::NonNullType(of), Literal::Null) => Err(format!("{path}: {of} must not be null")),
        (Type::NonNullType(of), value) => literal(schema, of, value, path, variables),
        (_, Literal::Null) => Ok(Some(Value::Null)),
        (Type::ListType(of), Literal::List(items)) => {
            let items: Result<Vec<_>, _> =
                items.iter().map(|item| literal(schema, of, item, path, variables)).collect();
            Ok(Some(items?.into_iter().flatten().collect()))
        }
        (Type::ListType(of), one) => Ok(literal(schema, of, one, path, variables)?.map(|one| json!([one]))),
        (Type::NamedType(name), value) => match (schema.kind(name), value) {
            (Some(Kind::Input(_)), Literal::Object(fields)) => {
                input(schema, name, path, fields, |of, field, path| {
                    literal(schema, of, field, path, variables)
                })
                .map(Some)
            }
            // An enum is a bare word in a document (graphql-operations §6).
            (Some(Kind::Enum(values)), Literal::Enum(word)) if values.contains(word) => Ok(Some(json!(word))),
            (Some(Kind::Scalar), value) => {
                let plain = plain(value).ok_or_else(|| format!("{path}: not a {name}"))?;
                scalar(name, &plain, path).map(Some)
            }
            _ => Err(format!("{path}: {value} is not a {name}")),
        },
    }
}

/// The fields of an input object: none unknown, none missing.
fn input<'v, V: 'v>(
    schema: &Schema,
    name: &str,
    path: &str,
    fields: impl IntoIterator<Item = (&'v String, &'v V)>,
    mut read: impl FnMut(&Type<'static, String>, &'v V, &str) -> Result<Option<Value>, String>,
) -> Result<Value, String> {
    let Some(Kind::Input(known)) = schema.kind(name) else { return Err(format!("{path}: no input {name}")) };
    let mut out = Map::new();
    for (field, value) in fields {
        let path = format!("{path}.{field}");
        let of = known.get(field).ok_or_else(|| format!("{path} is not defined by type {name}"))?;
        if let Some(value) = read(of, value, &path)? {
            out.insert(field.clone(), value);
        }
    }
    let missing = known
        .iter()
        .find(|(field, of)| matches!(of, Type::NonNullType(_)) && !out.contains_key(field.as_str()));
    missing.map_or(Ok(Value::Object(out)), |(field, _)| Err(format!("{path}.{field} is missing")))
}

fn scalar(name: &str, value: &Value, path: &str) -> Result<Value, String> {
    let right = match name {
        "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "Float" => value.is_number(),
        "BigInt" => value.is_u64(),
        "JSON" => true,
        "Boolean" => value.is_boolean(),
        "DateTime" => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        _ => value.is_string(),
    };
    if right { Ok(value.clone()) } else { Err(format!("{path}: {value} is not a {name}")) }
}

fn plain(literal: &Literal<'_, String>) -> Option<Value> {
    Some(match literal {
        Literal::Int(number) => json!(number.as_i64()),
        Literal::Float(number) => json!(number),
        Literal::String(text) => json!(text),
        Literal::Boolean(value) => json!(value),
        _ => return None,
    })
}

/// Whether a variable of one type may stand where another is asked (GraphQL specification §5.8.5).
fn fits(given: &Type<'_, String>, asked: &Type<'_, String>) -> bool {
    match (given, asked) {
        (Type::NonNullType(given), Type::NonNullType(asked)) => fits(given, asked),
        (_, Type::NonNullType(_)) => false,
        (Type::NonNullType(given), asked) => fits(given, asked),
        (Type::ListType(given), Type::ListType(asked)) => fits(given, asked),
        (Type::NamedType(given), Type::NamedType(asked)) => given == asked,
        _ => false,
    }
}
