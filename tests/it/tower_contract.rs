//! What is sent to CloudTower, held against its contract by the test's own means: bodies by the OpenAPI schemas,
//! GraphQL documents by the fields and argument types of the schema text (graphql-operations).

use std::{collections::BTreeMap, fs};

use graphql_parser::{
    query::{self, Definition, OperationDefinition, Selection, SelectionSet},
    schema::{self, Field, Type, TypeDefinition},
};
use serde_json::{Value, json};

use crate::support::{site::undisturbed, tool::project};

/// `templates/graphql/*.graphql`: operation name and text.
fn documents() -> BTreeMap<String, String> {
    let folder = fs::read_dir(project("templates/graphql")).expect("the folder of documents");
    let document = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("a document"))
    };
    folder.map(document).collect()
}

/// The object types of the contract by name, with their fields.
struct Known(BTreeMap<String, Vec<Field<'static, String>>>);

impl Known {
    fn read() -> Self {
        let text = fs::read_to_string(project("templates/contract/cloudtower.graphql")).expect("the schema");
        let schema = schema::parse_schema::<String>(&text).expect("the schema parses").into_static();
        let objects = schema.definitions.into_iter().filter_map(|definition| match definition {
            schema::Definition::TypeDefinition(TypeDefinition::Object(object)) => {
                Some((object.name, object.fields))
            }
            _ => None,
        });
        Self(objects.collect())
    }

    /// Every field of the selection is one of the type, every argument one of the field.
    fn check(&self, kind: &str, selected: &SelectionSet<'_, String>, variables: &BTreeMap<String, String>) {
        let fields = self.0.get(kind).unwrap_or_else(|| panic!("{kind} is no object type of the contract"));
        for selection in &selected.items {
            let Selection::Field(field) = selection else { panic!("fragments are not used") };
            let known = fields.iter().find(|known| known.name == field.name);
            let known = known.unwrap_or_else(|| panic!("{kind} has no field {}", field.name));
            for (name, value) in &field.arguments {
                let argument = known.arguments.iter().find(|known| known.name == *name);
                let argument = argument.unwrap_or_else(|| panic!("{} takes no {name}", field.name));
                if let query::Value::Variable(variable) = value {
                    let (given, wanted) = (&variables[variable], argument.value_type.to_string());
                    assert_eq!(given.trim_end_matches('!'), wanted.trim_end_matches('!'), "${variable}");
                }
            }
            let given: Vec<&String> = field.arguments.iter().map(|(name, _)| name).collect();
            let lacking = known.arguments.iter().find(|known| {
                matches!(known.value_type, Type::NonNullType(_)) && !given.contains(&&known.name)
            });
            assert!(lacking.is_none(), "{} lacks {}", field.name, lacking.expect("one").name);
            if !field.selection_set.items.is_empty() {
                self.check(&named(&known.field_type), &field.selection_set, variables);
            }
        }
    }
}

fn named(kind: &Type<'_, String>) -> String {
    match kind {
        Type::NamedType(name) => name.clone(),
        Type::ListType(inner) | Type::NonNullType(inner) => named(inner),
    }
}

#[test]
fn every_graphql_document_parses_is_called_as_its_file_and_names_only_known_fields() {
    let known = Known::read();
    let documents = documents();
    assert_eq!(documents.len(), 21);
    for (name, text) in documents {
        let document = query::parse_query::<String>(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let [Definition::Operation(operation)] = document.definitions.as_slice() else {
            panic!("{name}: one operation a file");
        };
        let (kind, called, variables, selected) = match operation {
            OperationDefinition::Query(query) => {
                ("Query", &query.name, &query.variable_definitions, &query.selection_set)
            }
            OperationDefinition::Mutation(mutation) => {
                ("Mutation", &mutation.name, &mutation.variable_definitions, &mutation.selection_set)
            }
            other => panic!("{name}: {other}"),
        };
        assert_eq!(called.as_ref(), Some(&name));
        let variables = variables.iter().map(|one| (one.name.clone(), one.var_type.to_string())).collect();
        known.check(kind, selected, &variables);
    }
}

/// The OpenAPI document that travels with the project, else the whole subset where the shared folder is at hand.
fn openapi() -> Value {
    let shared = project("../shared/spec/cloudtower-openapi-subset.json");
    let path = if shared.exists() { shared } else { project("templates/contract/cloudtower.openapi.json") };
    serde_json::from_slice(&fs::read(path).expect("the OpenAPI document")).expect("it is JSON")
}

/// OpenAPI 3.0 in the words of JSON schema: `nullable` is a type, and a body names no field that is not listed.
fn as_json_schema(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut fields: serde_json::Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), as_json_schema(value))).collect();
            let nullable = fields.remove("nullable") == Some(json!(true));
            if nullable && fields.contains_key("type") {
                return json!({"anyOf": [fields, {"type": "null"}]});
            }
            if fields.get("properties").is_some_and(|listed| listed.get("properties").is_none()) {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
            Value::Object(fields)
        }
        Value::Array(items) => items.iter().map(as_json_schema).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_rest_body_of_a_run_is_valid_by_the_openapi_document_and_names_no_other_field() {
    let openapi = openapi();
    let components = as_json_schema(&openapi["components"]);
    let mut checked = BTreeMap::new();
    for request in undisturbed().requests.iter().filter(|request| request.target.starts_with("/v2/api/")) {
        let operation = request.target.trim_start_matches("/v2/api");
        let method = request.method.to_lowercase();
        let described = &openapi["paths"][operation][&method];
        assert!(described.is_object(), "{} {operation} is not in the document", request.method);
        // The simulated site logs a form as its parts, a file among them as how long it is.
        let kinds = ["application~1json", "multipart~1form-data"];
        let mut schemas =
            kinds.iter().filter_map(|kind| described.pointer(&format!("/requestBody/content/{kind}/schema")));
        let Some(schema) = schemas.next() else {
            assert!(request.body.is_null(), "{operation} takes no body: {}", request.body);
            continue;
        };
        let validator = checked.entry(operation.to_owned()).or_insert_with(|| {
            let document = json!({"allOf": [as_json_schema(schema)], "components": components});
            jsonschema::draft7::new(&document).expect("the schema compiles")
        });
        let wrong: Vec<String> =
            validator.iter_errors(&request.body).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{operation}: {wrong:?}\n{:#}", request.body);
    }
    for wanted in
        ["/login", "/connect-cluster", "/create-view", "/create-graph", "/create-brick-topo", "/get-tasks"]
    {
        assert!(checked.contains_key(wanted), "{wanted} was never sent");
    }
}
