//! Which stages a run is about.

use super::{stage::Stage, world::World};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
};

/// As given on the command line; a stage is named by number (`3`, `03`) or id (`config-cluster`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    #[default]
    All,
    Stages(Vec<String>),
    /// From and to, both inclusive, either open.
    Range(Option<String>, Option<String>),
}

impl Selection {
    /// Per stage, in runbook order: whether it is selected.
    pub fn resolve<W: World>(&self, stages: &[Stage<W>]) -> Result<Vec<bool>> {
        let find = |name: &String| position(stages, name);
        match self {
            Selection::All => Ok(vec![true; stages.len()]),
            Selection::Stages(names) => {
                let mut selected = vec![false; stages.len()];
                for name in names {
                    selected[find(name)?] = true;
                }
                Ok(selected)
            }
            Selection::Range(from, to) => {
                let first = from.as_ref().map(find).transpose()?.unwrap_or(0);
                let last = to.as_ref().map(find).transpose()?.unwrap_or(stages.len().saturating_sub(1));
                if first > last {
                    return Err(Failure::new(Kind::Usage, message("engine.select.selecting", &[]))
                        .meaning(message("engine.select.backwards", &[]))
                        .advise(message("engine.select.forward", &[])));
                }
                Ok((0..stages.len()).map(|at| (first..=last).contains(&at)).collect())
            }
        }
    }
}

fn position<W: World>(stages: &[Stage<W>], name: &str) -> Result<usize> {
    let number = name.parse::<u8>().ok();
    let found =
        stages.iter().position(|stage| stage.manifest.id == name || Some(stage.manifest.number) == number);
    found.ok_or_else(|| {
        let known = stages.iter().map(|s| format!("{:02} {}", s.manifest.number, s.manifest.id));
        let known = known.collect::<Vec<_>>().join(", ");
        Failure::new(Kind::Usage, message("engine.select.selecting", &[]))
            .meaning(message("engine.select.unknown", &[("name", &name), ("known", &known)]))
    })
}
