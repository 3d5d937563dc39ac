//! Reading what a site sends a little more freely than it is documented: numbers as strings, `null` for
//! lists and texts (site-behaviour §10, BODY-ODD). Fields we do not know are ignored by serde anyway.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// A text; numbers and booleans are taken as they print, `null` as empty.
pub fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    maybe_text(from).map(Option::unwrap_or_default)
}

/// A text that may be absent; an empty one counts as absent.
pub fn maybe_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(flag) => Ok(Some(flag.to_string())),
        other => Err(D::Error::custom(format!("{other} is no text"))),
    }
}

/// A whole number, or a text that holds one.
pub fn number<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<T, D::Error> {
    maybe_number(from)?.ok_or_else(|| D::Error::custom("a number is missing"))
}

/// A whole number that may be absent.
pub fn maybe_number<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let text = match Value::deserialize(from)? {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text,
        Value::Number(number) => match number.as_f64() {
            // 20.0 is written by some servers for 20.
            Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        other => return Err(D::Error::custom(format!("{other} is no number"))),
    };
    text.trim().parse().map(Some).map_err(|why| D::Error::custom(format!("`{text}` is no number: {why}")))
}

/// A list; `null` is an empty one.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A list of whole numbers.
pub fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u32>, D::Error> {
    #[derive(Deserialize)]
    struct Item(#[serde(deserialize_with = "number")] u32);
    Ok(list::<D, Item>(from)?.into_iter().map(|item| item.0).collect())
}

/// Yes or no; `null` is no.
pub fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match Value::deserialize(from)? {
        Value::Bool(flag) => Ok(flag),
        Value::Null => Ok(false),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") || text.is_empty() => Ok(false),
        Value::Number(number) => Ok(number.as_f64() != Some(0.0)),
        other => Err(D::Error::custom(format!("{other} is neither true nor false"))),
    }
}

/// The list in `data`: `data` itself, `data.<name>`, or the only array inside `data` (api-fisheye §6.6).
pub fn list_in(data: Value, name: &str) -> Result<Vec<Value>, String> {
    match data {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => Ok(items),
        Value::Object(mut fields) => match fields.remove(name) {
            Some(Value::Array(items)) => Ok(items),
            Some(Value::Null) => Ok(Vec::new()),
            _ => {
                let mut arrays = fields.into_iter().filter_map(|(_, value)| match value {
                    Value::Array(items) => Some(items),
                    _ => None,
                });
                match (arrays.next(), arrays.next()) {
                    (Some(items), None) => Ok(items),
                    _ => Err(format!("no list `{name}`")),
                }
            }
        },
        other => Err(format!("{other} is no list")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Odd {
        #[serde(deserialize_with = "number")]
        id: u16,
        #[serde(deserialize_with = "list")]
        items: Vec<String>,
        #[serde(default, deserialize_with = "flag")]
        up: bool,
        #[serde(default, deserialize_with = "text")]
        name: String,
    }

    #[test]
    fn numbers_as_texts_null_lists_and_unknown_fields_are_read() {
        let odd: Odd =
            serde_json::from_value(json!({"id": "20", "items": null, "up": "true", "more": 1})).unwrap();
        assert_eq!(odd, Odd { id: 20, items: vec![], up: true, name: String::new() });
        let odd: Odd =
            serde_json::from_value(json!({"id": 20.0, "items": ["a"], "up": null, "name": 7})).unwrap();
        assert_eq!(odd, Odd { id: 20, items: vec!["a".into()], up: false, name: "7".into() });
    }

    #[test]
    fn a_number_that_is_none_or_out_of_range_is_an_error() {
        for id in [json!("x"), json!(null), json!(70000), json!(1.5), json!([])] {
            assert!(serde_json::from_value::<Odd>(json!({"id": id, "items": []})).is_err(), "{id}");
        }
    }

    #[test]
    fn a_list_is_found_by_name_bare_or_as_the_only_array() {
        for data in [json!([1]), json!({"entities": [1], "x": [2]}), json!({"rows": [1], "total": 1})] {
            assert_eq!(list_in(data, "entities").unwrap(), [json!(1)]);
        }
        assert!(list_in(json!({"a": [], "b": []}), "entities").is_err());
        assert!(list_in(json!(null), "entities").unwrap().is_empty());
    }
}
