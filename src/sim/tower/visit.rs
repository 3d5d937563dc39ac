//! One request being judged, and what every operation needs of it.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    super::{clock::Moment, durations, exchange::Call, hold::Course, site::State},
    denied::{Denied, Outcome},
    tables::{Table, Tables},
};

pub struct Visit<'a> {
    pub state: &'a mut State,
    pub now: Moment,
    pub call: &'a Call,
    pub course: &'a Course,
    /// Checked against the contract.
    pub body: Value,
    /// Seconds of site time from the effect until the answer leaves.
    pub lasts: f64,
}

impl Visit<'_> {
    /// The body as the operation reads it; the contract has been checked, so only odd numbers fail.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Denied> {
        read(&self.body)
    }

    /// When the answer leaves.
    pub fn answered_at(&self) -> Moment {
        self.now.plus(durations::seconds(self.lasts))
    }

    pub fn tables(&self) -> Tables {
        self.state.tables(self.now)
    }

    /// Acts on each item of a creating call: an array is answered with an array, a single object with one
    /// (site-behaviour §7.2). An item that is refused stops those after it.
    pub fn each<T: DeserializeOwned>(&mut self, mut act: impl FnMut(&mut Self, T) -> Outcome) -> Outcome {
        match self.body.clone() {
            Value::Array(items) if items.is_empty() => Err(Denied::bad("an empty list creates nothing")),
            Value::Array(items) => items.iter().map(|item| act(self, read(item)?)).collect(),
            one => act(self, read(&one)?),
        }
    }

    /// The ids of the rows that a `where` of a write selects. Errors: none at all.
    pub fn selected(&self, table: Table, filter: &Value) -> Result<Vec<String>, Denied> {
        let tables = self.tables();
        let mut ids = Vec::new();
        for row in tables.rows(table) {
            if super::filter::matches(&tables, row, filter, true).map_err(Denied::Shape)? {
                ids.extend(row["id"].as_str().map(str::to_owned));
            }
        }
        if ids.is_empty() { Err(Denied::missing("nothing matches where")) } else { Ok(ids) }
    }

    /// A row of one list as it is now. Errors: no such row.
    pub fn row(&self, table: Table, id: &str) -> Result<Value, Denied> {
        let row = self.state.rows(table, self.now).into_iter().find(|row| row["id"] == id);
        row.ok_or_else(|| Denied::missing(format!("there is no {table:?} with the id {id}")))
    }

    /// The same, refused while something else is changing it.
    pub fn free_row(&self, table: Table, id: &str) -> Result<Value, Denied> {
        let row = self.row(table, id)?;
        match self.state.async_status(self.now, id) {
            Value::Null => Ok(row),
            _ => Err(Denied::locked(id, &format!("{table:?}"))),
        }
    }
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, Denied> {
    serde_json::from_value(body.clone()).map_err(|error| Denied::Shape(format!("body: {error}")))
}

/// `{task_id, data}` (api-cloudtower §1.5).
pub fn with_task(task_id: Option<&str>, data: &Value) -> Value {
    json!({"task_id": task_id, "data": data})
}

/// The few fields that a relation shows.
pub fn nested(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name})
}

/// The same for whole rows, with one field `more` where a row has it.
pub fn nested_rows(rows: Vec<Value>, more: &str) -> Vec<Value> {
    let fields = ["id", "name", more];
    let part = |row: Value| -> Map<String, Value> {
        fields.iter().filter_map(|name| Some(((*name).to_owned(), row.get(name)?.clone()))).collect()
    };
    rows.into_iter().map(|row| Value::Object(part(row))).collect()
}
