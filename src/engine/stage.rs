//! A stage: manifest and code, checked against each other. A runbook: all stages, checked as one graph.

use std::{collections::HashMap, rc::Rc};

use super::{
    manifest::{StageManifest, StepManifest},
    step::{StepKind, Steps},
    world::World,
};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    text::{Say, Text},
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

impl<W: World> Step<W> {
    /// The id of its stage.
    pub fn stage(&self) -> &str {
        self.id.split('.').next().unwrap_or(&self.id)
    }
}

impl<W: World + 'static> Stage<W> {
    /// Joins a manifest with the code that bears it out; ids and order must agree.
    pub fn new(manifest: StageManifest, steps: Steps<W>) -> Result<Self> {
        let words: Vec<&str> = manifest.steps.iter().map(|step| step.id.as_str()).collect();
        let code: Vec<&str> = steps.list.iter().map(|(id, _)| *id).collect();
        if words != code {
            let args: [(&str, &dyn Say); 3] =
                [("stage", &manifest.id), ("words", &words.join(", ")), ("code", &code.join(", "))];
            return Err(bug(message("engine.manifest.disagrees", &args)));
        }
        let join = |((id, kind), words): ((&'static str, StepKind<W>), &StepManifest)| Step {
            id: format!("{}.{id}", manifest.id),
            manifest: Rc::new(words.clone()),
            kind,
        };
        let steps = steps.list.into_iter().zip(&manifest.steps).map(join).collect();
        Ok(Self { manifest, steps })
    }
}

/// All steps of all stages in order, as a graph without cycles.
pub(super) struct Runbook<'a, W: World> {
    pub stages: &'a [Stage<W>],
    pub nodes: Vec<Node<'a, W>>,
    by_id: HashMap<&'a str, usize>,
}

pub(super) struct Node<'a, W: World> {
    pub step: &'a Step<W>,
    /// Index of its stage.
    pub stage: usize,
    /// The steps it comes after, as indices of nodes.
    pub after: Vec<usize>,
    /// The steps that must be over first, well or not.
    pub ends: Vec<usize>,
}

impl<'a, W: World> Runbook<'a, W> {
    /// Refuses doubled ids, references to nothing, and cycles.
    pub fn new(stages: &'a [Stage<W>]) -> Result<Self> {
        let mut by_id = HashMap::new();
        let mut nodes: Vec<Node<'a, W>> = Vec::new();
        for (at, stage) in stages.iter().enumerate() {
            for step in &stage.steps {
                if by_id.insert(step.id.as_str(), nodes.len()).is_some() {
                    return Err(bug(message("engine.manifest.doubled", &[("step", &step.id)])));
                }
                nodes.push(Node { step, stage: at, after: Vec::new(), ends: Vec::new() });
            }
        }
        let of_stage: Vec<usize> = nodes.iter().map(|node| node.stage).collect();
        let whole = |name: &str| {
            let stage = stages.iter().position(|stage| stage.manifest.id == name)?;
            Some((0..of_stage.len()).filter(|at| of_stage[*at] == stage).collect::<Vec<_>>())
        };
        for (at, node) in nodes.iter_mut().enumerate() {
            let manifest = &node.step.manifest;
            let unknown = |name: &String| {
                let args: [(&str, &dyn Say); 2] = [("step", &node.step.id), ("after", name)];
                bug(message("engine.manifest.after-unknown", &args))
            };
            let named = |names: &[String]| -> Result<Vec<usize>> {
                let step = |name: &String| by_id.get(name.as_str()).map(|at| vec![*at]);
                let one = |name: &String| step(name).or_else(|| whole(name)).ok_or_else(|| unknown(name));
                Ok(names.iter().map(one).collect::<Result<Vec<_>>>()?.concat())
            };
            node.ends = named(&manifest.ends)?;
            if let Some(name) = manifest.again_after.iter().find(|name| !by_id.contains_key(name.as_str())) {
                return Err(unknown(name));
            }
            node.after = match &manifest.after {
                None if node.ends.is_empty() => at.checked_sub(1).into_iter().collect(),
                None => Vec::new(),
                Some(names) => named(names)?,
            };
        }
        let book = Self { stages, nodes, by_id };
        match book.cycle() {
            Some(step) => Err(bug(message("engine.manifest.cycle", &[("step", &step)]))),
            None => Ok(book),
        }
    }

    pub fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Per node: what must be over when it starts.
    pub fn before(&self) -> Vec<Vec<usize>> {
        self.nodes.iter().map(|node| [node.after.as_slice(), &node.ends].concat()).collect()
    }

    /// Everything that `from` comes after, directly or not.
    pub fn needs_of(&self, from: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        let mut open: Vec<usize> = from.into_iter().collect();
        while let Some(at) = open.pop() {
            for &before in &self.nodes[at].after {
                if !std::mem::replace(&mut needed[before], true) {
                    open.push(before);
                }
            }
        }
        needed
    }

    /// The ids of all steps that come after `at`, directly or not.
    pub fn dependents_of(&self, at: usize) -> Vec<String> {
        let nodes = self.nodes.iter().enumerate();
        let later = nodes.filter(|(later, _)| self.needs_of([*later])[at]);
        later.map(|(_, node)| node.step.id.clone()).collect()
    }

    /// What has to follow once `at` has begun, itself included, up to its boundary: `at` first, in no other order.
    pub fn to_boundary(&self, at: usize) -> Vec<usize> {
        let boundary = self.nodes[at].step.manifest.boundary.as_ref().and_then(|id| self.find(id));
        let Some(boundary) = boundary.filter(|&boundary| boundary != at) else { return vec![at] };
        let before = self.needs_of([boundary]);
        let between = |&step: &usize| step == boundary || (before[step] && self.needs_of([step])[at]);
        std::iter::once(at).chain((0..self.nodes.len()).filter(between)).collect()
    }

    /// A step that can never start.
    fn cycle(&self) -> Option<String> {
        let before = self.before();
        let mut ended = vec![false; self.nodes.len()];
        loop {
            let ready = |at: &usize| !ended[*at] && before[*at].iter().all(|&before| ended[before]);
            match (0..self.nodes.len()).find(ready) {
                Some(at) => ended[at] = true,
                None => break,
            }
        }
        ended.iter().position(|ended| !ended).map(|at| self.nodes[at].step.id.clone())
    }
}

/// The agreement of a whole runbook: ids, references, no cycles, and `uses` keys that `known` knows.
pub fn check_runbook<W: World>(stages: &[Stage<W>], known: impl Fn(&str) -> bool) -> Result<()> {
    let book = Runbook::new(stages)?;
    for (at, node) in book.nodes.iter().enumerate() {
        let manifest = &node.step.manifest;
        let used = |field: &String| manifest.uses.contains(field);
        let mut wrong = manifest.uses.iter().filter(|field| !known(field));
        if let Some(field) = wrong.next().or_else(|| manifest.stays.iter().find(|field| !used(field))) {
            let args: [(&str, &dyn Say); 2] = [("step", &node.step.id), ("field", field)];
            return Err(bug(message("engine.manifest.field-unknown", &args)));
        }
        if let Some(boundary) = &manifest.boundary {
            let follows = book.find(boundary).is_some_and(|last| book.needs_of([last])[at]);
            if !follows {
                let args: [(&str, &dyn Say); 2] = [("step", &node.step.id), ("boundary", boundary)];
                return Err(bug(message("engine.manifest.boundary-unknown", &args)));
            }
        }
    }
    Ok(())
}

fn bug(meaning: Text) -> Box<Failure> {
    Failure::new(Kind::Bug, message("engine.manifest.checking", &[])).meaning(meaning)
}
