//! What `voyager.toml` may say of the backup service and of the products of stage 10: tables `[backup]` and `[apps]`.

use std::{net::Ipv4Addr, path::PathBuf};

use serde::{Deserialize, Deserializer, de::Error};

/// Table `[backup]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The name of the service; that of its application follows from it.
    pub service_name: String,
    /// Its address in the storage network; `None`: derived from the planned one (api-applications §3.3).
    #[serde(deserialize_with = "address")]
    pub storage_ip: Option<Ipv4Addr>,
}

/// Table `[apps]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apps {
    pub everoute: App,
    pub file_storage: App,
    pub kubernetes: App,
}

/// One product.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// The name grammar of its package in place of the expected one; empty: that one.
    pub pattern: String,
    /// Its package is sent by the REST interface.
    pub upload: bool,
    /// The operator's own description of its VMs, JSON.
    #[serde(deserialize_with = "path")]
    pub vm_spec_file: Option<PathBuf>,
}

fn address<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Ipv4Addr>, D::Error> {
    let text = String::deserialize(input)?;
    match text.trim() {
        "" => Ok(None),
        text => {
            text.parse().map(Some).map_err(|_| D::Error::custom(format_args!("not an address: {text:?}")))
        }
    }
}

fn path<'de, D: Deserializer<'de>>(input: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(input)?;
    Ok(Some(PathBuf::from(text)).filter(|path| !path.as_os_str().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed;

    #[test]
    fn every_key_is_a_live_line_of_the_example_and_empty_means_none() {
        let example: toml::Table = embed::CONFIG.parse().unwrap();
        let backup = Backup::deserialize(example["backup"].clone()).unwrap();
        assert_eq!((backup.service_name.as_str(), backup.storage_ip), ("bak", None));
        let apps = Apps::deserialize(example["apps"].clone()).unwrap();
        let uploads = [&apps.everoute, &apps.file_storage, &apps.kubernetes].map(|app| app.upload);
        assert_eq!(uploads, [false, true, true], "Everoute's packages have no REST upload");
        assert_eq!(apps.everoute.vm_spec_file, None);
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        let table: toml::Table = "service_name = \"bak\"\nstorage_ip = \"10.0.0\"".parse().unwrap();
        assert!(Backup::deserialize(table).is_err());
    }
}
