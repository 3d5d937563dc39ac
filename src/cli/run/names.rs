//! What only the real site can know, shown by name in a dry run: UUIDs, serials, whatever the twin made up.

use std::{
    cell::{Ref, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use crate::{
    engine::event::{Event, EventKind, Facts, Sink},
    plan::{Plan, view},
    ui::outline::Outline,
};

/// Values that steps learnt from the twin, by value.
pub struct Names {
    outline: RefCell<Outline>,
    /// Texts of the plan: these are no secrets of the site, whoever repeats them.
    planned: BTreeSet<String>,
    learnt: RefCell<BTreeMap<String, String>>,
}

/// Shorter words are the contract's (`data`, `cache`), not the site's.
const SHORTEST: usize = 6;

impl Names {
    pub fn of(plan: &Plan) -> Self {
        let mut planned = BTreeSet::new();
        for entry in view::entries(plan) {
            match entry.value {
                view::Value::Text(text) => drop(planned.insert(text)),
                view::Value::List(items) => planned.extend(items),
                _ => {}
            }
        }
        Self { outline: RefCell::default(), planned, learnt: RefCell::default() }
    }

    pub fn outline(&self) -> Ref<'_, Outline> {
        self.outline.borrow()
    }

    fn learn(&self, facts: &Facts) {
        for (name, value) in facts.iter() {
            self.learn_value(name, value);
        }
    }

    fn learn_value(&self, name: &str, value: &Value) {
        match value {
            Value::String(text) if text.len() >= SHORTEST && !self.planned.contains(text) => {
                self.learnt.borrow_mut().entry(text.clone()).or_insert_with(|| name.to_owned());
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn_value(name, item)),
            Value::Object(fields) => {
                fields.iter().for_each(|(field, value)| self.learn_value(&format!("{name}.{field}"), value));
            }
            _ => {}
        }
    }

    /// A path with the identifiers in it named.
    pub fn path(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for (value, name) in
            self.learnt.borrow().iter().filter(|(value, _)| is_identifier(value) || is_ksuid(value))
        {
            path = path.replace(value, &format!("<{name}>"));
        }
        unnamed_uuids(&path)
    }

    /// A body with every learnt value named; what is no JSON is treated as a path.
    pub fn body(&self, body: &str) -> String {
        match serde_json::from_str::<Value>(body) {
            Ok(mut value) => {
                self.name_within(&mut value);
                value.to_string()
            }
            Err(_) => self.path(body),
        }
    }

    fn name_within(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                *text = match self.learnt.borrow().get(text.as_str()) {
                    Some(name) => format!("<{name}>"),
                    None if text.parse::<jiff::Timestamp>().is_ok() => "<time>".to_owned(),
                    None if is_drawn(text) && !self.planned.contains(text.as_str()) => "<id>".to_owned(),
                    None => self.path(text),
                };
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.name_within(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.name_within(field)),
            _ => {}
        }
    }
}

impl Sink for Names {
    fn event(&self, event: &Event) {
        self.outline.borrow_mut().learn(event);
        match &event.kind {
            EventKind::StepFinished { facts, .. } => self.learn(facts),
            EventKind::Remembered { name, value, .. } => self.learn_value(name, value),
            _ => {}
        }
    }
}

/// UUIDs, job and volume ids: long, and without a meaning.
fn is_identifier(text: &str) -> bool {
    text.len() >= 16 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// The form of the ids of Observability and of the inspection centre (api-applications §0).
fn is_ksuid(text: &str) -> bool {
    text.len() == 27
        && text.chars().all(|c| c.is_ascii_alphanumeric())
        && text.contains(|c: char| c.is_ascii_uppercase())
        && text.contains(|c: char| c.is_ascii_lowercase())
}

/// Ids without a meaning, drawn anew by every twin.
fn is_drawn(text: &str) -> bool {
    is_tower_id(text) || is_ksuid(text)
}

/// The form of CloudTower's own ids (site-behaviour §12): `c` and 24 of [a-z0-9].
fn is_tower_id(text: &str) -> bool {
    let drawn = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase();
    text.len() == 25
        && text.starts_with('c')
        && text.chars().all(drawn)
        && text.contains(|c: char| c.is_ascii_digit())
}

/// Names UUIDs that no fact names.
fn unnamed_uuids(text: &str) -> String {
    /// Characters of a UUID with hyphens.
    const LENGTH: usize = 36;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_uuid = rest.get(..LENGTH).is_some_and(|part| uuid::Uuid::try_parse(part).is_ok());
        if is_uuid {
            out.push_str("<uuid>");
            rest = &rest[LENGTH..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names() -> Names {
        let planned = BTreeSet::from(["QS-SZ-SMTX".to_owned()]);
        Names { outline: RefCell::default(), planned, learnt: RefCell::default() }
    }

    #[test]
    fn identifiers_of_the_twin_are_shown_by_name_and_others_as_uuid() {
        let names = names();
        names.learn_value("vds_uuid", &json!("0a1b2c3d-0000-4000-8000-000000000001"));
        let path = "/api/v2/vds/0a1b2c3d-0000-4000-8000-000000000001/x/99999999-0000-4000-8000-000000000002";
        assert_eq!(names.path(path), "/api/v2/vds/<vds_uuid>/x/<uuid>");
    }

    #[test]
    fn an_id_of_cloudtower_that_no_fact_names_is_shown_as_one() {
        let body =
            r#"{"view_id":"cmwwg5mw0psgzazofc67dzlyg","id":"XLjCnKFoJR3WHY5tNjHdwSj0huP","name":"c-17"}"#;
        let named = r#"{"view_id":"<id>","id":"<id>","name":"c-17"}"#;
        assert_eq!(names().body(body), named);
    }

    #[test]
    fn whatever_was_learnt_is_named_in_a_body_and_whatever_was_planned_is_kept() {
        let names = names();
        names.learn_value(
            "hosts",
            &json!([{"serial": "817A4875017A", "cluster": "QS-SZ-SMTX", "role": "data"}]),
        );
        let body =
            r#"{"serial":"817A4875017A","name":"QS-SZ-SMTX","role":"data","at":"2026-11-25T10:58:53Z"}"#;
        let named = r#"{"serial":"<hosts.serial>","name":"QS-SZ-SMTX","role":"data","at":"<time>"}"#;
        assert_eq!(names.body(body), named);
    }
}
