//! What the stages may be told in `voyager.toml`, table `[stages]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use super::app_settings::{Apps, Backup};
use crate::{clients::tower::WebAccess, secret::Secret, units::parse_duration};

/// Limits and tolerances of the stages; a key that is left out keeps its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// One attempt to scan a host (api-fisheye §3.1). Real time: it never scales.
    #[serde(deserialize_with = "duration")]
    pub scan: Duration,
    pub scan_attempts: u32,
    /// Hosts scanned, or logged in to, at a time.
    pub parallel_hosts: usize,
    /// Addresses probed at a time.
    pub parallel_probes: usize,
    /// A clock further away than this is worth a warning.
    #[serde(deserialize_with = "duration")]
    pub clock_warning: Duration,
    /// And further than this stops the run: certificates and sessions would not hold.
    #[serde(deserialize_with = "duration")]
    pub clock_limit: Duration,
    /// Hosts are put into their planned racks, which shifts data between them (api-cloudtower §10).
    pub move_nodes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scan: Duration::from_secs(10),
            scan_attempts: 3,
            parallel_hosts: 8,
            parallel_probes: 32,
            clock_warning: Duration::from_secs(30),
            clock_limit: Duration::from_secs(600),
            move_nodes: false,
        }
    }
}

/// Settings of CloudTower and of the services in it: the tables `[cloudtower]`, `[obs]`, `[backup]`
/// and `[apps]`.
#[derive(Clone, Debug)]
pub struct Services {
    pub cloudtower: CloudTower,
    pub obs: Obs,
    pub backup: Backup,
    pub apps: Apps,
}

/// Table `[cloudtower]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudTower {
    /// Sends the malformed cookie beside the real one (api-applications §1).
    pub legacy_path_cookie: bool,
}

/// Table `[obs]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Obs {
    /// The account of the service inside CloudTower that takes packages in; not that of the Observability VM.
    pub operator_user: String,
    #[serde(deserialize_with = "secret")]
    pub operator_password: Secret<String>,
    /// Traffic of the cluster is shown.
    pub traffic_visualization: bool,
}

impl Services {
    /// What the client needs of it.
    pub fn web_access(&self) -> WebAccess {
        WebAccess {
            legacy_path_cookie: self.cloudtower.legacy_path_cookie,
            operator_user: self.obs.operator_user.clone(),
            operator_password: self.obs.operator_password.clone(),
        }
    }
}

fn secret<'de, D: Deserializer<'de>>(input: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(input).map(Secret::new)
}

/// `40m`; never nothing.
pub(super) fn duration<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(input)?;
    parse_duration(&text)
        .filter(|time| !time.is_zero())
        .ok_or_else(|| D::Error::custom(format_args!("not a duration: {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed;

    #[test]
    fn the_example_configuration_states_exactly_the_defaults() {
        let example: toml::Table = embed::CONFIG.parse().unwrap();
        let table = example["stages"].as_table().unwrap();
        assert_eq!(table.len(), 7, "every key is a live line");
        assert_eq!(Settings::deserialize(table.clone()).unwrap(), Settings::default());
    }
}
