//! The runbook: every stage in order, its manifest and its steps, and nothing else.

use super::{config_cluster, init_cluster, prepare, world::World};
use crate::{
    embed,
    engine::{Stage, StageManifest, Steps},
    failure::{Failure, Kind, Result},
    messages::message,
};

/// Every stage, ready to run.
///
/// # Errors
/// `Kind::Bug`: a manifest does not parse, or disagrees with the code.
pub fn stages() -> Result<Vec<Stage<World>>> {
    embed::STAGES
        .iter()
        .zip(steps())
        .map(|((name, text), steps)| Stage::new(manifest(name, text)?, steps))
        .collect()
}

fn steps() -> [Steps<World>; 3] {
    [prepare::steps(), init_cluster::steps(), config_cluster::steps()]
}

/// The manifest of one stage; `name` is its file's, for the failure.
pub fn manifest(name: &str, text: &str) -> Result<StageManifest> {
    let doing = || message("stages.registry.reading", &[("file", &name)]);
    toml::from_str(text).map_err(|error| Failure::new(Kind::Bug, doing()).because(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::view;

    #[test]
    fn every_manifest_agrees_with_its_code() {
        let stages = stages().unwrap();
        assert_eq!(stages.len(), embed::STAGES.len());
        for (stage, number) in stages.iter().zip(1..) {
            assert_eq!(stage.manifest.number, number);
        }
    }

    #[test]
    fn every_field_that_a_step_uses_is_a_field_of_the_plan() {
        for (name, text) in embed::STAGES {
            for step in manifest(name, text).unwrap().steps {
                for key in &step.uses {
                    assert!(view::known(key), "{name}: {}: {key}", step.id);
                }
                assert!(!step.title.zh.is_empty() && !step.title.en.is_empty(), "{name}: {}", step.id);
            }
        }
    }
}
