//! The runbook: every stage in order, its manifest and its steps, and nothing else.

use std::{collections::BTreeMap, time::Duration};

use super::{
    attach_cluster, config_cloudtower, config_cluster, deploy_backup, deploy_cloudtower,
    deploy_observability, deploy_packages, handover, init_cluster, inspect, prepare, verify, world::World,
};
use crate::{
    embed,
    engine::{Stage, StageManifest, Steps},
    failure::{Failure, Kind, Result},
    messages::message,
};

/// What the inspection waits for unless it is to run beside them.
const ADD_ONS: [&str; 3] = ["deploy-observability", "deploy-backup", "deploy-packages"];

/// What the operator may change about the runbook.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Time limits in place of those of the steps they name (`stage.step`).
    pub limits: BTreeMap<String, Duration>,
    /// The inspection does not wait for the add-ons.
    pub inspect_beside: bool,
}

/// Every stage, ready to run.
///
/// # Errors
/// `Kind::Bug`: a manifest does not parse, or disagrees with the code. `Kind::Usage`: a limit names no step.
pub fn stages(choices: &Choices) -> Result<Vec<Stage<World>>> {
    let mut manifests = manifests()?;
    for (id, limit) in &choices.limits {
        let step = manifests.iter_mut().find_map(|stage| {
            let step = id.strip_prefix(&stage.id)?.strip_prefix('.')?;
            stage.steps.iter_mut().find(|known| known.id == step)
        });
        let unknown = || Failure::new(Kind::Usage, message("stages.registry.limits", &[])).at(id);
        step.ok_or_else(unknown)?.timeout = *limit;
    }
    if choices.inspect_beside {
        let mut every = manifests.iter_mut().flat_map(|stage| {
            let id = stage.id.clone();
            stage.steps.iter_mut().map(move |step| (format!("{id}.{}", step.id), step))
        });
        if let Some((_, step)) = every.find(|(id, _)| id == inspect::JOB) {
            step.ends.retain(|name| !ADD_ONS.contains(&name.as_str()));
        }
    }
    manifests.into_iter().zip(steps()).map(|(manifest, steps)| Stage::new(manifest, steps)).collect()
}

/// The words and numbers of every stage.
pub fn manifests() -> Result<Vec<StageManifest>> {
    embed::STAGES.iter().map(|(name, text)| manifest(name, text)).collect()
}

fn steps() -> [Steps<World>; 12] {
    [
        prepare::steps(),
        init_cluster::steps(),
        config_cluster::steps(),
        deploy_cloudtower::steps(),
        attach_cluster::steps(),
        config_cloudtower::steps(),
        verify::steps(),
        deploy_observability::steps(),
        deploy_backup::steps(),
        deploy_packages::steps(),
        inspect::steps(),
        handover::steps(),
    ]
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
        let stages = stages(&Choices::default()).unwrap();
        assert_eq!(stages.len(), embed::STAGES.len());
        assert!(stages.is_sorted_by(|one, next| one.manifest.number < next.manifest.number));
    }

    #[test]
    fn a_limit_of_the_operator_replaces_that_of_the_step_and_an_unknown_step_is_refused() {
        let limit = Duration::from_secs(7);
        let choices =
            |step: &str| Choices { limits: BTreeMap::from([(step.to_owned(), limit)]), ..Choices::default() };
        let stages = stages(&choices("prepare.plan")).unwrap();
        assert_eq!(stages[0].manifest.steps[0].timeout, limit);
        let refused = super::stages(&choices("prepare.plam")).err().unwrap();
        assert_eq!(refused.kind, Kind::Usage);
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
