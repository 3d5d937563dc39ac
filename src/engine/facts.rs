//! Facts: values that steps learnt from the site and later steps need. Typed by key, recorded as JSON.

use std::{collections::BTreeMap, marker::PhantomData};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The key of a fact and the type of its value: `const VDS_UUID: Fact<String> = Fact::new("vds_uuid");`
#[derive(Debug)]
pub struct Fact<T> {
    pub name: &'static str,
    kind: PhantomData<fn() -> T>,
}

impl<T> Fact<T> {
    pub const fn new(name: &'static str) -> Self {
        Self { name, kind: PhantomData }
    }
}

/// Facts by name; one namespace per site. Never holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<String, Value>);

impl Facts {
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a fact; a value that JSON cannot hold (a map with odd keys) is a bug and is left out.
    pub fn with<T: Serialize>(mut self, key: &Fact<T>, value: &T) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.insert(key.name.to_owned(), value);
        }
        self
    }

    /// The fact, or `None` when it is not known or has another shape (an older journal).
    pub fn get<T: DeserializeOwned>(&self, key: &Fact<T>) -> Option<T> {
        self.0.get(key.name).and_then(|value| serde_json::from_value(value.clone()).ok())
    }

    /// Sets a fact that is already JSON.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    pub fn extend(&mut self, other: Facts) {
        self.0.extend(other.0);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
