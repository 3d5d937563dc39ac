//! Transport limits: how long one exchange may take. They never scale with a rehearsal's speed.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::units;

/// The table `[limits]` of `voyager.toml`; a key that is left out keeps its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Until TCP, proxy and TLS handshakes are done.
    #[serde(deserialize_with = "duration")]
    pub connect: Duration,
    /// From the request until the status line of the answer. A host scan may take 10 s (site-behaviour §2).
    #[serde(deserialize_with = "duration")]
    pub first_byte: Duration,
    /// A whole call, answer body included. The deploy request may take 30 s (site-behaviour §2).
    #[serde(deserialize_with = "duration")]
    pub call: Duration,
    /// After how long a port that does not answer at all counts as silent.
    #[serde(deserialize_with = "duration")]
    pub silent_probe: Duration,
    /// One chunk of an upload, 120 s or more (api-fisheye §1).
    #[serde(deserialize_with = "duration")]
    pub chunk: Duration,
    /// The last chunk of a package, which CloudTower takes in before it answers (api-applications §3.2).
    #[serde(deserialize_with = "duration")]
    pub last_chunk: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            call: Duration::from_secs(60),
            silent_probe: Duration::from_secs(3),
            chunk: Duration::from_secs(180),
            last_chunk: Duration::from_secs(600),
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    units::parse_duration(&text)
        .filter(|limit| !limit.is_zero())
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a duration like 10s or 1m30s")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed;

    #[test]
    fn the_example_configuration_states_exactly_the_defaults() {
        let example: toml::Table = embed::CONFIG.parse().unwrap();
        let limits = example["limits"].as_table().unwrap();
        assert_eq!(limits.len(), 6, "every key is a live line");
        assert_eq!(Limits::deserialize(limits.clone()).unwrap(), Limits::default());
    }

    #[test]
    fn a_limit_of_zero_is_refused() {
        let table: toml::Table = "call = \"0s\"".parse().unwrap();
        assert!(Limits::deserialize(table).is_err());
    }
}
