//! What a display knows of the run: titles by id, learnt from its first event, and the settings that a step read back.

use std::collections::BTreeMap;

use crate::{
    engine::event::{Event, EventKind, RunOutline, Setting},
    text::{Lang, Text},
};

#[derive(Clone, Debug, Default)]
pub struct Outline {
    stages: BTreeMap<String, (u8, Text)>,
    steps: BTreeMap<String, Text>,
    /// The stage of each step.
    parents: BTreeMap<String, String>,
    /// Steps of the selected stages.
    pub selected: usize,
    /// By the step that read them back.
    settings: BTreeMap<String, Vec<Setting>>,
}

impl Outline {
    pub fn learn(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted(run) => *self = Self::of(run),
            EventKind::StepStarted { step } => drop(self.settings.remove(step)),
            EventKind::Setting { step, setting } => {
                self.settings.entry(step.clone()).or_default().push(setting.as_ref().clone());
            }
            _ => {}
        }
    }

    fn of(run: &RunOutline) -> Self {
        let mut outline = Self::default();
        for stage in &run.stages {
            outline.stages.insert(stage.id.clone(), (stage.number, stage.title.clone()));
            outline.steps.extend(stage.steps.iter().map(|step| (step.id.clone(), step.title.clone())));
            outline.parents.extend(stage.steps.iter().map(|step| (step.id.clone(), stage.id.clone())));
            outline.selected += if stage.selected { stage.steps.len() } else { 0 };
        }
        outline
    }

    /// What a step has read back so far.
    pub fn settings(&self, step: &str) -> &[Setting] {
        self.settings.get(step).map_or(&[], Vec::as_slice)
    }

    /// `02 init-cluster  Deploy the cluster`.
    pub fn stage(&self, id: &str, lang: Lang) -> String {
        match self.stages.get(id) {
            Some((number, title)) => format!("{number:02} {id}  {}", title.get(lang)),
            None => id.to_owned(),
        }
    }

    /// `02 init-cluster`.
    pub fn number(&self, id: &str) -> String {
        self.stages.get(id).map_or_else(|| id.to_owned(), |(number, _)| format!("{number:02} {id}"))
    }

    /// The stage of a step as `number` tells it; none of a step that the run did not announce.
    pub fn number_of(&self, step: &str) -> Option<String> {
        self.parents.get(step).map(|stage| self.number(stage))
    }

    /// The title of a step; its id when the run did not announce it.
    pub fn title<'a>(&'a self, step: &'a str, lang: Lang) -> &'a str {
        self.steps.get(step).map_or(step, |title| title.get(lang))
    }
}
