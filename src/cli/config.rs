//! `voyager.toml`: defaults, overlaid by the file beside the plan, overlaid by `VOYAGER_*` variables.
//!
//! The defaults are `examples/voyager.toml` itself, so every key that exists has a line and a comment there.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use toml::{Table, Value};

use super::{session::Session, variables};
use crate::{
    clients::{limits::Limits, transfers::Shares, trust::Mode},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        app_settings::{Apps, Backup},
        inspect,
        registry::Choices,
        settings::{CloudTower, Obs, Services, Settings},
    },
    units::parse_duration,
};

/// Everything that can be configured.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub run: RunDefaults,
    pub trust: Trust,
    pub limits: Limits,
    pub fleet: Shares,
    pub stages: Settings,
    pub inspection: inspect::Settings,
    pub cloudtower: CloudTower,
    pub obs: Obs,
    pub backup: Backup,
    pub apps: Apps,
    /// `stage.step` → its limit, in place of the manifest's.
    #[serde(deserialize_with = "durations")]
    pub step_timeout: BTreeMap<String, Duration>,
}

/// What `run` and `diff` take when the option is not given; empty text is none.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunDefaults {
    pub media: PathBuf,
    /// May hold a password: never printed.
    pub proxy: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    pub mode: Mode,
    pub fingerprints: Vec<String>,
}

/// Tables whose keys are the operator's own.
const OPEN_TABLES: &[&str] = &["step_timeout"];

impl Config {
    /// What the services of CloudTower may be told.
    pub fn services(&self) -> Services {
        Services {
            cloudtower: self.cloudtower.clone(),
            obs: self.obs.clone(),
            backup: self.backup.clone(),
            apps: self.apps.clone(),
        }
    }

    /// Reads all layers. `plan` is the workbook or its folder; `--config` names another file.
    ///
    /// # Errors
    /// [`Kind::Usage`]: the file cannot be read, or a key or value is not known; it is named.
    pub fn load(session: &Session, plan: Option<&Path>) -> Result<Self> {
        let mut table = variables::defaults()?;
        if let Some((path, text)) = file(session, plan)? {
            let place = path.display().to_string();
            let mut layer: Table = text.parse().map_err(|error| wrong(&place, &error))?;
            anchor(&mut layer, &path);
            overlay(&mut table, layer, "", &place)?;
        }
        variables::overlay(&mut table, &session.environment)?;
        table.try_into().map_err(|error| wrong("voyager.toml", &error))
    }
}

impl Config {
    /// What of it changes the runbook.
    pub fn choices(&self) -> Choices {
        Choices { limits: self.step_timeout.clone(), inspect_beside: self.inspection.beside_addons }
    }
}

fn file(session: &Session, plan: Option<&Path>) -> Result<Option<(PathBuf, String)>> {
    let beside = plan.map(|plan| {
        let folder = if plan.is_dir() { plan } else { plan.parent().unwrap_or(Path::new("")) };
        folder.join("voyager.toml")
    });
    let Some(path) = session.global.config.clone().or(beside) else { return Ok(None) };
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && session.global.config.is_none() => Ok(None),
        Err(error) => Err(wrong(&path.display().to_string(), &error)),
    }
}

/// Relative paths are relative to the file that names them.
fn anchor(layer: &mut Table, path: &Path) {
    let folder = path.parent().unwrap_or(Path::new(""));
    let anchored = |value: Option<&mut Value>| {
        if let Some(Value::String(file)) = value
            && !file.is_empty()
        {
            *file = folder.join(&*file).display().to_string();
        }
    };
    for (table, key) in [("run", "media"), ("inspection", "download_dir")] {
        anchored(layer.get_mut(table).and_then(|table| table.get_mut(key)));
    }
    let apps = layer.get_mut("apps").and_then(Value::as_table_mut);
    for (_, app) in apps.into_iter().flatten() {
        anchored(app.get_mut("vm_spec_file"));
    }
}

/// Replaces values by those of `layer`. A key that `base` does not have, or of another type, is an error.
fn overlay(base: &mut Table, layer: Table, prefix: &str, place: &str) -> Result<()> {
    for (name, value) in layer {
        let key = format!("{prefix}{name}");
        match (base.get_mut(&name), value) {
            (Some(Value::Table(inner)), Value::Table(layer)) if OPEN_TABLES.contains(&key.as_str()) => {
                inner.extend(layer);
            }
            (Some(Value::Table(inner)), Value::Table(layer)) => {
                overlay(inner, layer, &format!("{key}."), place)?;
            }
            (Some(old), value) if old.same_type(&value) => *old = value,
            (Some(old), value) => {
                let (expected, found) = (old.type_str(), value.type_str());
                let args: [(&str, &dyn crate::text::Say); 3] =
                    [("key", &key), ("expected", &expected), ("found", &found)];
                return Err(variables::refused(place, message("cli.config.type", &args)));
            }
            (None, _) => {
                return Err(variables::refused(place, message("cli.config.unknown", &[("key", &key)])));
            }
        }
    }
    Ok(())
}

fn durations<'de, D: serde::Deserializer<'de>>(input: D) -> Result<BTreeMap<String, Duration>, D::Error> {
    let texts = BTreeMap::<String, String>::deserialize(input)?;
    let parse = |(step, text): (String, String)| match parse_duration(&text).filter(|time| !time.is_zero()) {
        Some(time) => Ok((step, time)),
        None => Err(serde::de::Error::custom(format_args!("{step}: not a duration like 40m: {text:?}"))),
    };
    texts.into_iter().map(parse).collect()
}

fn wrong(place: &str, error: &dyn std::error::Error) -> Box<Failure> {
    Failure::new(Kind::Usage, message("cli.config.doing", &[])).at(place).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Table {
        variables::defaults().expect("the defaults parse")
    }

    fn with_file(text: &str) -> Result<Config> {
        let mut table = defaults();
        overlay(&mut table, text.parse().expect("a table"), "", "voyager.toml")?;
        Ok(table.try_into().expect("overlaid defaults still deserialise"))
    }

    #[test]
    fn the_example_is_a_complete_configuration() {
        let config: Config = defaults().try_into().expect("every key has a live line");
        assert_eq!((config.limits, config.stages), (Limits::default(), Settings::default()));
    }

    #[test]
    fn a_file_overlays_single_keys_and_an_unknown_key_is_named() {
        let config = with_file("[limits]\ncall = \"0m2s\"\n[step_timeout]\n\"a.b\" = \"5m\"").expect("valid");
        assert_eq!(config.limits.call, Duration::from_secs(2));
        assert_eq!(config.limits.connect, Limits::default().connect);
        assert_eq!(config.step_timeout["a.b"], Duration::from_secs(300));

        let failure = with_file("[limits]\ncal = \"1s\"").err().expect("unknown");
        assert_eq!(failure.kind, Kind::Usage);
        assert!(failure.answer.is_some_and(|answer| answer.en.contains("limits.cal")));
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        let failure = with_file("[limits]\ncall = 3").err().expect("a number is no duration");
        assert!(failure.answer.is_some_and(|answer| answer.en.contains("limits.call")));
    }
}
