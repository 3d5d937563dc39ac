//! The contract that requests are held against: OpenAPI schemas and the GraphQL schema (`templates/contract`).

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::graphql::Schema;
use crate::embed;

/// Read when the first request comes: most simulated sites never get as far as CloudTower.
#[derive(Debug, Default)]
pub struct Contract(OnceLock<Result<Parsed, String>>);

#[derive(Debug)]
pub struct Parsed {
    pub graphql: Schema,
    openapi: Value,
    compiled: Mutex<BTreeMap<(String, bool), Validator>>,
}

impl Contract {
    /// Both schemas. Errors: an embedded file is damaged.
    pub fn get(&self) -> Result<&Parsed, String> {
        self.0.get_or_init(Parsed::read).as_ref().map_err(Clone::clone)
    }
}

impl Parsed {
    fn read() -> Result<Self, String> {
        let openapi = serde_json::from_str(embed::TOWER_OPENAPI).map_err(|error| error.to_string())?;
        Ok(Self { graphql: Schema::read(embed::TOWER_GRAPHQL)?, openapi, compiled: Mutex::default() })
    }

    fn body_schema(&self, operation: &str) -> Option<&Value> {
        let path = &self.openapi["paths"][format!("/{operation}")]["post"];
        path.pointer("/requestBody/content/application~1json/schema")
    }

    /// Whether the official document wants an array here.
    pub fn wants_array(&self, operation: &str) -> bool {
        self.body_schema(operation).is_some_and(|schema| self.resolved(schema)["type"] == "array")
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|name| self.openapi.pointer(name.trim_start_matches('#'))) {
            Some(target) => target,
            None => schema,
        }
    }

    /// Checks a body; unknown properties are refused unless `lenient`. Errors: place and reason.
    pub fn check(&self, operation: &str, body: &Value, lenient: bool) -> Result<(), String> {
        let Some(schema) = self.body_schema(operation) else {
            return Err("the contract keeps no body for this operation".to_owned());
        };
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (operation.to_owned(), lenient);
        if !compiled.contains_key(&key) {
            compiled.insert(key.clone(), self.compile(schema, lenient)?);
        }
        let Some(validator) = compiled.get(&key) else { return Ok(()) };
        let first = validator.iter_errors(body).next();
        first.map_or(Ok(()), |error| Err(format!("body{}: {error}", error.instance_path())))
    }

    fn compile(&self, schema: &Value, lenient: bool) -> Result<Validator, String> {
        let mut schemas = Map::new();
        self.collect(schema, &mut schemas);
        let mut root = schema.clone();
        for schema in std::iter::once(&mut root).chain(schemas.values_mut()) {
            to_json_schema(schema, lenient);
        }
        let document = json!({"allOf": [root], "components": {"schemas": schemas}});
        let options = jsonschema::options().with_draft(Draft::Draft7);
        options.build(&document).map_err(|error| error.to_string())
    }

    /// Every schema that this one leads to.
    fn collect(&self, schema: &Value, found: &mut Map<String, Value>) {
        match schema {
            Value::Object(fields) => {
                let name =
                    fields.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
                if let Some(name) = name.filter(|name| !found.contains_key(*name)) {
                    let target = &self.openapi["components"]["schemas"][name];
                    found.insert(name.to_owned(), target.clone());
                    self.collect(target, found);
                }
                fields.values().for_each(|field| self.collect(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, found)),
            _ => {}
        }
    }
}

/// OpenAPI 3.0 writes null and closed objects differently from JSON schema.
fn to_json_schema(schema: &mut Value, lenient: bool) {
    match schema {
        Value::Object(fields) => {
            if fields.remove("nullable") == Some(Value::Bool(true)) {
                if let Some(kind) = fields.get("type").cloned() {
                    fields.insert("type".into(), json!([kind, "null"]));
                }
                if let Some(Value::Array(values)) = fields.get_mut("enum") {
                    values.push(Value::Null);
                    values.dedup();
                }
            }
            if !lenient && fields.get("properties").is_some_and(Value::is_object) && is_object(fields) {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            fields.values_mut().for_each(|field| to_json_schema(field, lenient));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| to_json_schema(item, lenient)),
        _ => {}
    }
}

/// A schema of an object, and not a property that happens to be called `properties`.
fn is_object(fields: &Map<String, Value>) -> bool {
    match fields.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.contains(&json!("object")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_with_an_unknown_missing_or_mistyped_field_is_refused() {
        let contract = Contract::default();
        let contract = contract.get().unwrap();
        let check = |operation: &str, body: Value| contract.check(operation, &body, false);
        assert_eq!(check("create-datacenter", json!([{"organization_id": "o", "name": "n"}])), Ok(()));
        assert!(check("create-datacenter", json!([{"name": "n"}])).is_err());
        assert!(check("create-datacenter", json!([{"organization_id": "o", "name": 7}])).is_err());
        assert!(check("create-datacenter", json!([{"organization_id": "o", "name": "n", "x": 1}])).is_err());
        let lenient = json!([{"organization_id": "o", "name": "n", "x": 1}]);
        assert_eq!(contract.check("create-datacenter", &lenient, true), Ok(()));
        assert_eq!(check("get-clusters", json!({"where": {"name": "a", "ip_in": ["b"]}})), Ok(()));
        assert_eq!(check("get-clusters", json!({"where": null, "first": null, "orderBy": null})), Ok(()));
        assert!(check("get-clusters", json!({"where": {"nme": "a"}})).is_err());
        assert!(check("get-clusters", json!({"where": {"AND": [{"name": 1}]}})).is_err());
        assert_eq!(check("get-hosts", json!({"where": {"cluster": {"id": "c"}}})), Ok(()));
        assert!(check("get-hosts", json!({"orderBy": "by name"})).is_err());
        let rule = json!({"where": {"name": "n"}, "data": {"clusters": {"id": "c"}, "thresholds": [
            {"severity": "NOTICE", "value": 61.5}]}});
        assert!(check("update-customize-alert-rule", rule).is_err());
    }

    #[test]
    fn every_body_of_the_contract_compiles() {
        let contract = Contract::default();
        let contract = contract.get().unwrap();
        for path in contract.openapi["paths"].as_object().unwrap().keys() {
            if let Some(schema) = contract.body_schema(path.trim_start_matches('/')) {
                contract.compile(schema, false).unwrap_or_else(|error| panic!("{path}: {error}"));
            }
        }
    }
}
