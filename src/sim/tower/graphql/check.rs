//! A document checked against the schema: operation, variables, fields, arguments.

use graphql_parser::query::{
    Definition, Document, Field, OperationDefinition, Selection, SelectionSet, VariableDefinition,
    parse_query,
};
use serde_json::{Map, Value};

use super::{
    Body,
    schema::{FieldKind, Kind, Schema, inner},
    values::{self, Variables},
};

/// A request that holds against the schema.
#[derive(Debug)]
pub struct Asked {
    pub roots: Vec<Selected>,
}

/// One selected field.
#[derive(Debug)]
pub struct Selected {
    /// The name in the answer: the alias, where there is one.
    pub key: String,
    pub name: String,
    /// The object type of its value; a scalar's name for leaves.
    pub of: String,
    pub arguments: Map<String, Value>,
    pub children: Vec<Selected>,
}

/// Checks a request. Errors: what is wrong, and where.
pub fn check(schema: &Schema, body: &Body) -> Result<Asked, String> {
    let document = parse_query::<String>(&body.query).map_err(|error| error.to_string())?;
    let operation = Operation::of(&document)?;
    if operation.name != Some(&body.operation_name) {
        return Err(format!("operationName {:?} is not the document's operation", body.operation_name));
    }
    let mut variables = declare(schema, operation.variables, &body.variables)?;
    let roots = select(schema, operation.root, operation.selection, &mut variables, "")?;
    if let Some(unused) = variables.types.keys().find(|name| !variables.used.contains(*name)) {
        return Err(format!("variable ${unused} is never used"));
    }
    Ok(Asked { roots })
}

struct Operation<'d, 'a> {
    name: Option<&'d String>,
    root: &'static str,
    variables: &'d [VariableDefinition<'a, String>],
    selection: &'d SelectionSet<'a, String>,
}

impl<'d, 'a> Operation<'d, 'a> {
    fn of(document: &'d Document<'a, String>) -> Result<Self, String> {
        let [Definition::Operation(operation)] = document.definitions.as_slice() else {
            return Err("a document holds exactly one operation here".to_owned());
        };
        let (name, root, variables, directives, selection) = match operation {
            OperationDefinition::Query(query) => {
                (&query.name, "Query", &query.variable_definitions, &query.directives, &query.selection_set)
            }
            OperationDefinition::Mutation(of) => {
                (&of.name, "Mutation", &of.variable_definitions, &of.directives, &of.selection_set)
            }
            _ => return Err("an operation is a named query or mutation here".to_owned()),
        };
        if !directives.is_empty() {
            return Err("no directive is known".to_owned());
        }
        Ok(Self { name: name.as_ref(), root, variables, selection })
    }
}

fn declare<'a>(
    schema: &Schema,
    definitions: &[VariableDefinition<'a, String>],
    sent: &Map<String, Value>,
) -> Result<Variables<'a>, String> {
    let mut variables = Variables::default();
    for definition in definitions {
        let (name, of) = (&definition.name, &definition.var_type);
        if matches!(schema.kind(inner(of)), None | Some(Kind::Object(_))) {
            return Err(format!("variable ${name}: {of} is not an input type"));
        }
        let default = match &definition.default_value {
            Some(value) => values::literal(schema, of, value, name, &mut Variables::default())?,
            None => None,
        };
        let path = format!("${name}");
        let value = match sent.get(name) {
            Some(value) => Some(values::json_value(schema, of, value, &path)?),
            None if default.is_none() && matches!(of, graphql_parser::query::Type::NonNullType(_)) => {
                return Err(format!("{path} of type {of} was not given"));
            }
            None => default,
        };
        variables.types.insert(name.clone(), of.clone());
        variables.values.extend(value.map(|value| (name.clone(), value)));
    }
    match sent.keys().find(|name| !variables.types.contains_key(*name)) {
        Some(unknown) => Err(format!("variable ${unknown} is not declared")),
        None => Ok(variables),
    }
}

fn select(
    schema: &Schema,
    of: &str,
    selection: &SelectionSet<'_, String>,
    variables: &mut Variables<'_>,
    path: &str,
) -> Result<Vec<Selected>, String> {
    let Some(Kind::Object(fields)) = schema.kind(of) else { return Err(format!("{of} has no fields")) };
    let mut selected: Vec<Selected> = Vec::new();
    for item in &selection.items {
        let Selection::Field(field) = item else {
            return Err(format!("{path}: fragments are not understood here"));
        };
        let path = format!("{path}.{}", field.name);
        if !field.directives.is_empty() {
            return Err(format!("{path}: no directive is known"));
        }
        let one = if field.name == "__typename" {
            leaf(field, of)
        } else {
            let kind = fields.get(&field.name);
            let kind = kind.ok_or_else(|| format!("cannot query field {:?} on type {of:?}", field.name))?;
            one(schema, field, kind, variables, &path)?
        };
        if selected.iter().any(|other| other.key == one.key) {
            return Err(format!("{path} is selected twice"));
        }
        selected.push(one);
    }
    Ok(selected)
}

fn leaf(field: &Field<'_, String>, of: &str) -> Selected {
    Selected {
        key: field.alias.clone().unwrap_or_else(|| field.name.clone()),
        name: field.name.clone(),
        of: of.to_owned(),
        arguments: Map::new(),
        children: Vec::new(),
    }
}

fn one(
    schema: &Schema,
    field: &Field<'_, String>,
    kind: &FieldKind,
    variables: &mut Variables<'_>,
    path: &str,
) -> Result<Selected, String> {
    let mut selected = leaf(field, inner(&kind.of));
    for (name, value) in &field.arguments {
        let of = kind.arguments.get(name).ok_or_else(|| format!("{path} has no argument {name:?}"))?;
        let value = values::literal(schema, of, value, &format!("{path}({name})"), variables)?;
        selected.arguments.extend(value.map(|value| (name.clone(), value)));
    }
    for (name, of) in &kind.arguments {
        if matches!(of, graphql_parser::query::Type::NonNullType(_)) && !selected.arguments.contains_key(name)
        {
            return Err(format!("{path}: argument {name} of type {of} is missing"));
        }
    }
    let is_object = matches!(schema.kind(&selected.of), Some(Kind::Object(_)));
    if is_object == field.selection_set.items.is_empty() {
        return Err(format!(
            "{path} of type {} {}",
            selected.of,
            if is_object { "needs a selection" } else { "has no fields" }
        ));
    }
    if is_object {
        selected.children = select(schema, &selected.of, &field.selection_set, variables, path)?;
    }
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(name: &str, query: &str, variables: Value) -> Result<Asked, String> {
        let schema = Schema::read(crate::embed::TOWER_GRAPHQL).unwrap();
        let variables = variables.as_object().unwrap().clone();
        check(&schema, &Body { operation_name: name.into(), variables, query: query.into() })
    }

    #[test]
    fn a_documented_query_passes_with_its_variables() {
        let query = "query a($where: GlobalAlertRuleWhereInput, $first: Int) { \
                     all: globalAlertRules(where: $where, first: $first, orderBy: id_ASC) { __typename id \
                     alert_rules { cluster { id } thresholds { value severity } } } \
                     globalAlertRulesConnection(where: $where) { aggregate { count } } }";
        let filter = json!({"where": {"AND": [{"name_not_starts_with": "elf_"}]}, "first": 50});
        let asked = ask("a", query, filter).unwrap();
        assert_eq!((asked.roots[0].key.as_str(), asked.roots[0].name.as_str()), ("all", "globalAlertRules"));
        assert_eq!(asked.roots[0].arguments["first"], 50);
    }

    #[test]
    fn what_the_schema_does_not_know_is_refused() {
        let org = "mutation o($data: OrganizationCreateInput!) { createOrganization(data: $data) { id } }";
        assert!(ask("o", org, json!({"data": {"name": "a"}})).is_ok());
        for (name, query, variables) in [
            ("other", org, json!({"data": {"name": "a"}})),
            ("o", org, json!({})),
            ("o", org, json!({"data": {"name": 7}})),
            ("o", org, json!({"data": {"name": "a", "more": 1}})),
            ("o", org, json!({"data": {"name": "a"}, "extra": 1})),
            ("q", "query q { userCreated { created since } }", json!({})),
            ("q", "query q { userCreated }", json!({})),
            ("q", "query q { userCreated { created { at } } }", json!({})),
            ("q", "query q { organizations(last: 1) { id } }", json!({})),
            ("q", "query q { organizations(first: \"1\") { id } }", json!({})),
            ("q", "query q($n: String) { organizations(first: $n) { id } }", json!({})),
            ("q", "query q($n: Int) { organizations { id } }", json!({})),
            ("q", "query q { organizations { id } ", json!({})),
            ("m", "mutation m { createUser(data: {name: \"root\", source: \"LOCAL\"}) { id } }", json!({})),
        ] {
            assert!(ask(name, query, variables).is_err(), "{query}");
        }
    }
}
