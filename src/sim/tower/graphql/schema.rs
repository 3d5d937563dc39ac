//! The schema, read from its definition language.

use std::collections::BTreeMap;

use graphql_parser::{
    query::Type,
    schema::{Definition, Field, InputValue, TypeDefinition, parse_schema},
};

pub type Named = BTreeMap<String, Type<'static, String>>;

#[derive(Debug)]
pub enum Kind {
    Scalar,
    Enum(Vec<String>),
    Object(BTreeMap<String, FieldKind>),
    Input(Named),
}

#[derive(Debug)]
pub struct FieldKind {
    pub arguments: Named,
    pub of: Type<'static, String>,
}

/// All types by name.
#[derive(Debug)]
pub struct Schema(BTreeMap<String, Kind>);

impl Schema {
    /// Errors: the text is not a schema, or names a type that it does not define.
    pub fn read(text: &'static str) -> Result<Self, String> {
        let document = parse_schema::<String>(text).map_err(|error| error.to_string())?;
        let builtin = ["ID", "String", "Int", "Float", "Boolean"];
        let mut kinds: BTreeMap<String, Kind> =
            builtin.map(|name| (name.to_owned(), Kind::Scalar)).into_iter().collect();
        for definition in document.definitions {
            let Definition::TypeDefinition(definition) = definition else { continue };
            let (name, kind) = match definition {
                TypeDefinition::Scalar(scalar) => (scalar.name, Kind::Scalar),
                TypeDefinition::Enum(of) => {
                    (of.name, Kind::Enum(of.values.into_iter().map(|value| value.name).collect()))
                }
                TypeDefinition::Object(of) => {
                    (of.name, Kind::Object(of.fields.into_iter().map(field).collect()))
                }
                TypeDefinition::InputObject(of) => (of.name, Kind::Input(inputs(of.fields))),
                TypeDefinition::Interface(of) => return Err(format!("interface {}", of.name)),
                TypeDefinition::Union(of) => return Err(format!("union {}", of.name)),
            };
            kinds.insert(name, kind);
        }
        let schema = Self(kinds);
        schema.undefined().map_or(Ok(schema), |name| Err(format!("type {name} is not defined")))
    }

    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.0.get(name)
    }

    fn undefined(&self) -> Option<String> {
        let used = self.0.values().flat_map(|kind| -> Vec<&str> {
            match kind {
                Kind::Scalar | Kind::Enum(_) => Vec::new(),
                Kind::Input(fields) => fields.values().map(inner).collect(),
                Kind::Object(fields) => fields
                    .values()
                    .flat_map(|field| field.arguments.values().chain([&field.of]).map(inner))
                    .collect(),
            }
        });
        used.into_iter().find(|name| !self.0.contains_key(*name)).map(str::to_owned)
    }
}

/// The name in a type, without lists and marks.
pub fn inner<'a>(of: &'a Type<'_, String>) -> &'a str {
    match of {
        Type::NamedType(name) => name,
        Type::ListType(of) | Type::NonNullType(of) => inner(of),
    }
}

fn field(field: Field<'static, String>) -> (String, FieldKind) {
    (field.name, FieldKind { arguments: inputs(field.arguments), of: field.field_type })
}

fn inputs(values: Vec<InputValue<'static, String>>) -> Named {
    values.into_iter().map(|value| (value.name, value.value_type)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_schema_is_whole() {
        Schema::read(crate::embed::TOWER_GRAPHQL).unwrap();
        assert!(Schema::read("type Query { a: Missing }").is_err());
    }
}
