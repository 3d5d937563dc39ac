//! `where`, `orderBy` and paging on rows (api-cloudtower §1.5).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::tables::Tables;

/// The endings of filter fields; a longer one is tried before the one that it ends in.
const ENDINGS: [&str; 16] = [
    "_not_starts_with",
    "_not_ends_with",
    "_not_contains",
    "_not_in",
    "_starts_with",
    "_ends_with",
    "_contains",
    "_every",
    "_some",
    "_none",
    "_not",
    "_gte",
    "_lte",
    "_gt",
    "_lt",
    "_in",
];

/// Whether a row passes a filter. `shape_known` says that a schema has checked the names at this level.
///
/// Errors: a field that the row does not have, below what the schema checks.
pub fn matches(tables: &Tables, row: &Value, filter: &Value, shape_known: bool) -> Result<bool, String> {
    let Some(filter) = filter.as_object() else { return Ok(true) };
    for (key, wanted) in filter {
        if !one(tables, row, key, wanted, shape_known)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn one(tables: &Tables, row: &Value, key: &str, wanted: &Value, known: bool) -> Result<bool, String> {
    let each = |filters: &Value| -> Result<Vec<bool>, String> {
        let filters = filters.as_array().map(Vec::as_slice).unwrap_or_default();
        filters.iter().map(|filter| matches(tables, row, filter, known)).collect()
    };
    match key {
        "AND" => return Ok(each(wanted)?.into_iter().all(|passed| passed)),
        "OR" => return each(wanted).map(|passed| passed.is_empty() || passed.contains(&true)),
        "NOT" => return Ok(!each(wanted)?.contains(&true)),
        _ => {}
    }
    let (field, ending) = match row.get(key) {
        Some(_) => (key, ""),
        None => split(key),
    };
    let Some(value) = row.get(field) else {
        // A documented field that this row does not carry is null there.
        return if known {
            test(&Value::Null, ending, wanted)
        } else {
            Err(format!("unknown filter field {key}"))
        };
    };
    match (ending, wanted) {
        ("_some" | "_every" | "_none", wanted) => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let passed: Result<Vec<bool>, _> =
                items.iter().map(|item| matches(tables, whole(tables, item), wanted, false)).collect();
            let passed = passed?;
            Ok(match ending {
                "_some" => passed.contains(&true),
                "_every" => !passed.contains(&false),
                _ => !passed.contains(&true),
            })
        }
        ("", Value::Object(_)) if value.is_null() => Ok(false),
        ("", Value::Object(_)) => matches(tables, whole(tables, value), wanted, false),
        _ => test(value, ending, wanted),
    }
}

/// A relation shows a few fields of its row; the filter may ask for all of them.
fn whole<'a>(tables: &'a Tables, value: &'a Value) -> &'a Value {
    value["id"].as_str().and_then(|id| tables.find(id)).unwrap_or(value)
}

fn split(key: &str) -> (&str, &str) {
    let found = ENDINGS.iter().find_map(|ending| key.strip_suffix(ending).map(|field| (field, *ending)));
    found.unwrap_or((key, ""))
}

fn test(value: &Value, ending: &str, wanted: &Value) -> Result<bool, String> {
    let text = |test: fn(&str, &str) -> bool| match (value.as_str(), wanted.as_str()) {
        (Some(value), Some(wanted)) => test(value, wanted),
        _ => false,
    };
    let among = || wanted.as_array().is_some_and(|all| all.iter().any(|one| same(value, one)));
    let order = compare(value, wanted);
    Ok(match ending {
        "" => same(value, wanted),
        "_not" => !same(value, wanted),
        "_in" => among(),
        "_not_in" => !among(),
        "_contains" => text(|value, part| value.contains(part)),
        "_not_contains" => !text(|value, part| value.contains(part)),
        "_starts_with" => text(|value, part| value.starts_with(part)),
        "_not_starts_with" => !text(|value, part| value.starts_with(part)),
        "_ends_with" => text(|value, part| value.ends_with(part)),
        "_not_ends_with" => !text(|value, part| value.ends_with(part)),
        "_gt" => order.is_gt(),
        "_gte" => order.is_ge(),
        "_lt" => order.is_lt(),
        "_lte" => order.is_le(),
        // `_some` and its kin on a field that this row does not carry: no related row passes.
        "_some" => false,
        "_every" | "_none" => true,
        other => return Err(format!("unknown filter ending {other}")),
    })
}

fn same(value: &Value, wanted: &Value) -> bool {
    compare(value, wanted).is_eq() && value.is_null() == wanted.is_null()
}

fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            let (left, right) = (left.as_f64().unwrap_or(0.0), right.as_f64().unwrap_or(0.0));
            left.total_cmp(&right)
        }
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (left, right) => left.to_string().cmp(&right.to_string()),
    }
}

/// The rows that a list body asks for. `unordered` gives a row its place when no order is asked.
///
/// Errors: as [`matches`]; a field to order by that no row has; cursors, which nothing here hands out.
pub fn list<K: Ord>(
    tables: &Tables,
    rows: &[Value],
    body: &Map<String, Value>,
    unordered: impl Fn(&Value) -> K,
) -> Result<Vec<Value>, String> {
    let none = Value::Null;
    let asked = |name: &str| body.get(name).unwrap_or(&none);
    if let Some(cursor) = ["after", "before"].into_iter().find(|name| !asked(name).is_null()) {
        return Err(format!("{cursor}: no cursor was ever given out"));
    }
    let mut found: Vec<&Value> = Vec::new();
    for row in rows {
        if matches(tables, row, asked("where"), true)? {
            found.push(row);
        }
    }
    match asked("orderBy").as_str().and_then(|text| text.rsplit_once('_')) {
        None => found.sort_by_cached_key(|row| unordered(row)),
        Some((field, direction)) => {
            if !rows.is_empty() && rows.iter().all(|row| row.get(field).is_none()) {
                return Err(format!("orderBy: no row has {field}"));
            }
            found.sort_by(|left, right| compare(&left[field], &right[field]));
            if direction == "DESC" {
                found.reverse();
            }
        }
    }
    let count = |name: &str| asked(name).as_u64().and_then(|count| usize::try_from(count).ok());
    let skipped = found.into_iter().skip(count("skip").unwrap_or(0));
    let mut page: Vec<Value> = skipped.take(count("first").unwrap_or(usize::MAX)).cloned().collect();
    if let Some(last) = count("last") {
        page.drain(..page.len().saturating_sub(last));
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(body: Value) -> Result<Vec<String>, String> {
        let rows = [
            json!({"id": "1", "name": "alpha", "n": 3, "cluster": {"id": "c"}, "tags": [{"id": "t1"}]}),
            json!({"id": "2", "name": "beta", "n": 2, "cluster": {"id": "d"}, "tags": []}),
            json!({"id": "3", "name": "gamma", "n": 1, "cluster": null, "tags": []}),
        ];
        let body = body.as_object().unwrap();
        let found = list(&Tables::default(), &rows, body, |row| row["id"].to_string())?;
        Ok(found.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn filters_follow_the_grammar_of_the_contract() {
        for (filter, expected) in [
            (json!({}), &["alpha", "beta", "gamma"][..]),
            (json!({"name": "beta"}), &["beta"]),
            (json!({"name_not_in": ["beta", "gamma"]}), &["alpha"]),
            (json!({"name_not_starts_with": "a", "n_gte": 2}), &["beta"]),
            (json!({"cluster": {"id": "c"}}), &["alpha"]),
            (json!({"OR": [{"name": "alpha"}, {"name_contains": "amm"}]}), &["alpha", "gamma"]),
            (json!({"NOT": [{"name": "alpha"}], "AND": [{"n_lt": 2}]}), &["gamma"]),
            (json!({"tags_some": {"id": "t1"}}), &["alpha"]),
            (json!({"tags_none": {}}), &["beta", "gamma"]),
            (json!({"owner": null}), &["alpha", "beta", "gamma"]),
        ] {
            assert_eq!(names(json!({"where": filter})).unwrap(), expected, "{filter}");
        }
        assert!(names(json!({"where": {"cluster": {"idd": "c"}}})).is_err());
    }

    #[test]
    fn lists_are_ordered_and_paged() {
        assert_eq!(names(json!({"orderBy": "n_ASC"})).unwrap(), ["gamma", "beta", "alpha"]);
        assert_eq!(names(json!({"orderBy": "name_DESC", "first": 1})).unwrap(), ["gamma"]);
        assert_eq!(names(json!({"skip": 1, "first": 1})).unwrap(), ["beta"]);
        assert!(names(json!({"orderBy": "nothing_ASC"})).is_err());
        assert!(names(json!({"after": "x"})).is_err());
    }
}
