//! The selection applied to a value; what a relation shows only in part is looked up by its id.

use serde_json::{Map, Value, json};

use super::{super::tables::Tables, check::Selected};

/// `value` with exactly the selected fields, in the order of the selection.
pub fn project(tables: &Tables, selected: &Selected, value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| project(tables, selected, item)).collect(),
        Value::Object(fields) if !selected.children.is_empty() => {
            let whole = fields.get("id").and_then(Value::as_str).and_then(|id| tables.find(id));
            let mut out = Map::new();
            for child in &selected.children {
                let known = fields.get(&child.name).or_else(|| whole.and_then(|row| row.get(&child.name)));
                let shown = match known {
                    _ if child.name == "__typename" => json!(child.of),
                    Some(value) => project(tables, child, value),
                    None => Value::Null,
                };
                out.insert(child.key.clone(), shown);
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}
