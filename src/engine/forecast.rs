//! How long the rest of a runbook takes, as a rule and at a slow site, and where a maintenance window would stop it.

use std::time::Duration;

use super::{
    admission::Need,
    critical::starts,
    select::Selection,
    stage::{Runbook, Stage},
    world::World,
};
use crate::{
    failure::Result,
    messages::message,
    text::{Say, Text},
    units,
};

/// The rest of a run, looked at from its beginning.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// As a rule.
    pub usual: Pace,
    /// At a slow site.
    pub slow: Pace,
}

/// One way it may go.
#[derive(Clone, Debug)]
pub struct Pace {
    /// The longest chain of what is left.
    pub length: Duration,
    /// The first step that would not begin any more; `None`: all of it fits, or there is no window.
    pub stop: Option<Stop>,
}

#[derive(Clone, Debug)]
pub struct Stop {
    /// `stage.step`.
    pub step: String,
    pub title: Text,
    /// So long after the beginning.
    pub after: Duration,
}

/// The rest of the selected stages, when the steps that `ended` knows take no time any more and so much of a window is
/// `left`.
///
/// # Errors
/// The selection or the runbook makes no sense.
pub fn forecast<W: World + 'static>(
    stages: &[Stage<W>],
    selection: &Selection,
    ended: impl Fn(&str) -> bool,
    left: Option<Duration>,
) -> Result<Forecast> {
    let book = Runbook::new(stages)?;
    let selected = selection.resolve(stages)?;
    let open: Vec<bool> =
        book.nodes.iter().map(|node| selected[node.stage] && !ended(&node.step.id)).collect();
    Ok(of(&book, &open, left))
}

/// The same for the steps that are still to be done.
pub(super) fn of<W: World + 'static>(
    book: &Runbook<'_, W>,
    open: &[bool],
    left: Option<Duration>,
) -> Forecast {
    let lengths = |length: fn(&super::manifest::StepManifest) -> Duration| -> Vec<Duration> {
        let each = book.nodes.iter().zip(open);
        each.map(|(node, open)| if *open { length(&node.step.manifest) } else { Duration::ZERO }).collect()
    };
    let pace = |lengths: &[Duration]| {
        let starts = starts(&book.before(), lengths);
        let length = starts.iter().zip(lengths).map(|(start, length)| *start + *length).max();
        let stop = left.and_then(|left| {
            let too_late = |at: &usize| {
                let step = book.nodes[*at].step;
                let needs = if step.manifest.divisible { Duration::ZERO } else { book.need(*at, open).slow };
                let held = open[*at] && step.kind.acts() && !step.manifest.local;
                held && (starts[*at] >= left || starts[*at] + needs > left)
            };
            (0..open.len()).filter(too_late).min_by_key(|at| starts[*at])
        });
        let stop = stop.map(|at| Stop {
            step: book.nodes[at].step.id.clone(),
            title: book.nodes[at].step.manifest.title.clone(),
            after: starts[at],
        });
        Pace { length: length.unwrap_or_default(), stop }
    };
    let usual = pace(&lengths(|step| step.expected.unwrap_or_default()));
    Forecast { usual, slow: pace(&lengths(super::manifest::StepManifest::slow)) }
}

impl<W: World + 'static> Runbook<'_, W> {
    /// What a step asks of a window; of what has to follow only what is still to be done counts.
    pub fn need(&self, at: usize, open: &[bool]) -> Need {
        let way = self.to_boundary(at);
        let before = self.before();
        let along = |length: fn(&super::manifest::StepManifest) -> Duration| {
            let counts = |step: &usize| way.contains(step) && (*step == at || open[*step]);
            let lengths: Vec<Duration> = (0..self.nodes.len())
                .map(
                    |step| {
                        if counts(&step) { length(&self.nodes[step].step.manifest) } else { Duration::ZERO }
                    },
                )
                .collect();
            super::critical::critical_path(&before, &lengths).1
        };
        let last = way.last().copied().unwrap_or(at);
        Need {
            expected: along(|step| step.expected.unwrap_or_default()),
            slow: along(super::manifest::StepManifest::slow),
            boundary: self.nodes[last].step.manifest.title.clone(),
        }
    }
}

impl Forecast {
    /// How long it takes.
    pub fn lengths(&self) -> Text {
        let (usual, slow) = (units::duration(self.usual.length), units::duration(self.slow.length));
        message("engine.window.rest", &[("usual", &usual), ("slow", &slow)])
    }

    /// Where a window that ends at `end` would stop it.
    pub fn stops(&self, end: &Text) -> Text {
        let args: [(&str, &dyn Say); 3] =
            [("end", end), ("usual", &self.usual.stops()), ("slow", &self.slow.stops())];
        message("engine.window.stops", &args)
    }
}

impl Pace {
    fn stops(&self) -> Text {
        match &self.stop {
            None => message("engine.window.all", &[]),
            Some(Stop { step, title, after }) => {
                let after = units::duration(*after);
                message("engine.window.before", &[("title", title), ("step", step), ("after", &after)])
            }
        }
    }
}
