//! A stage: manifest and code, checked against each other. A runbook: all stages, checked as one graph.

use std::rc::Rc;

use super::{
    manifest::{StageManifest, StepManifest},
    step::{StepKind, Steps},
    world::World,
};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
};

/// One stage of the runbook, ready to run.
pub struct Stage<W: World> {
    pub manifest: StageManifest,
    pub(super) steps: Vec<Step<W>>,
}

pub(super) struct Step<W: World> {
    /// `stage.step`.
    pub id: String,
    pub manifest: Rc<StepManifest>,
    pub kind: StepKind<W>,
}

impl<W: World + 'static> Stage<W> {
    /// Joins a manifest with the code that bears it out; ids and order must agree.
    pub fn new(manifest: StageManifest, steps: Steps<W>) -> Result<Self> {
        let words: Vec<&str> = manifest.steps.iter().map(|step| step.id.as_str()).collect();
        let code: Vec<&str> = steps.list.iter().map(|(id, _)| *id).collect();
        if words != code {
            let args: [(&str, &dyn crate::text::Say); 3] =
                [("stage", &manifest.id), ("words", &words.join(", ")), ("code", &code.join(", "))];
            return Err(bug(message("engine.manifest.disagrees", &args)));
        }
        let steps = steps
            .list
            .into_iter()
            .zip(&manifest.steps)
            .map(|((id, kind), words)| Step {
                id: format!("{}.{id}", manifest.id),
                manifest: Rc::new(words.clone()),
                kind,
            })
            .collect();
        Ok(Self { manifest, steps })
    }
}

pub(super) fn bug(meaning: crate::text::Text) -> Box<Failure> {
    Failure::new(Kind::Bug, message("engine.manifest.checking", &[])).meaning(meaning)
}
