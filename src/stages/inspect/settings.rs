//! What `voyager.toml` says about inspections, table `[inspection]`.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::stages::settings::duration;

/// A key that is left out keeps its default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `false`: the cluster is not inspected.
    pub enabled: bool,
    /// Of the inspection component; the one captured installation had this one (api-inspection §1).
    pub version: String,
    /// Of the document in the report.
    pub format: String,
    /// Months that the report's graphs span.
    pub graph_duration_months: u32,
    /// How long an inspection takes where the site does not tell that it has ended (§3.2).
    #[serde(deserialize_with = "duration")]
    pub blind_wait: Duration,
    /// Where reports are kept; empty: in the folder of the run.
    pub download_dir: PathBuf,
    /// The inspection does not wait for the add-ons.
    pub beside_addons: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            version: "1.1.1-rc.11".to_owned(),
            format: "word".to_owned(),
            graph_duration_months: 6,
            blind_wait: Duration::from_secs(360),
            download_dir: PathBuf::new(),
            beside_addons: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed;

    #[test]
    fn the_example_configuration_states_exactly_the_defaults() {
        let example: toml::Table = embed::CONFIG.parse().unwrap();
        let table = example["inspection"].as_table().unwrap();
        assert_eq!(table.len(), 7, "every key is a live line");
        assert_eq!(Settings::deserialize(table.clone()).unwrap(), Settings::default());
    }
}
