//! How long the rest of a runbook takes, as a rule and at a slow site, and where a maintenance window would stop it.

use std::time::Duration;

use super::{
    admission::Need,
    critical::{critical_path, starts},
    expectation::{Expectation, expectation},
    journal::{Journal, StepRecord},
    select::Selection,
    stage::{Node, Runbook, Stage},
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
    pub usual: Course,
    /// At a slow site.
    pub slow: Course,
}

/// One way it may go.
#[derive(Clone, Debug)]
pub struct Course {
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

/// How long each step takes, per node of the runbook: as a rule, which is what this site has shown before, and at a slow
/// site, which is no less.
pub(super) struct Lengths {
    usual: Vec<Duration>,
    slow: Vec<Duration>,
}

impl Lengths {
    pub fn of<W: World>(book: &Runbook<'_, W>, expected: &[Option<Expectation>]) -> Self {
        let usual: Vec<Duration> =
            expected.iter().map(|known| known.map_or(Duration::ZERO, |known| known.time)).collect();
        let slow = book.nodes.iter().zip(&usual);
        let slow = slow.map(|(node, usual)| node.step.manifest.slow().max(*usual)).collect();
        Self { usual, slow }
    }
}

/// The rest of the selected stages at the site of this journal, when so much of a window is `left`.
///
/// # Errors
/// The selection or the runbook makes no sense.
pub fn forecast<W: World + 'static>(
    stages: &[Stage<W>],
    selection: &Selection,
    journal: &Journal,
    left: Option<Duration>,
) -> Result<Forecast> {
    let book = Runbook::new(stages)?;
    let selected = selection.resolve(stages)?;
    let record = |node: &Node<'_, W>| journal.state().step(&node.step.id);
    let open = |node: &Node<'_, W>| selected[node.stage] && !ended(record(node));
    let open: Vec<bool> = book.nodes.iter().map(open).collect();
    let expected = |node: &Node<'_, W>| expectation(&node.step.manifest, record(node));
    let expected: Vec<_> = book.nodes.iter().map(expected).collect();
    Ok(of(&book, &open, &Lengths::of(&book, &expected), left))
}

/// Whether nothing is left to do of a step, as far as the journal knows.
pub(super) fn ended(record: Option<&StepRecord>) -> bool {
    record.is_some_and(|record| record.finished.is_some() && !record.open_intent)
}

/// The same for the steps that are still to be done.
pub(super) fn of<W: World + 'static>(
    book: &Runbook<'_, W>,
    open: &[bool],
    lengths: &Lengths,
    left: Option<Duration>,
) -> Forecast {
    let course = |all: &[Duration]| {
        let zero = |(length, open): (&Duration, &bool)| if *open { *length } else { Duration::ZERO };
        let all: Vec<Duration> = all.iter().zip(open).map(zero).collect();
        let starts = starts(&book.before(), &all);
        let length = starts.iter().zip(&all).map(|(start, length)| *start + *length).max();
        let stop = left.and_then(|left| {
            let too_late = |at: &usize| {
                let step = book.nodes[*at].step;
                let needs = match step.manifest.divisible {
                    true => Duration::ZERO,
                    false => book.need(*at, open, lengths).slow,
                };
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
        Course { length: length.unwrap_or_default(), stop }
    };
    Forecast { usual: course(&lengths.usual), slow: course(&lengths.slow) }
}

impl<W: World + 'static> Runbook<'_, W> {
    /// What a step asks of a window; of what has to follow only what is still to be done counts.
    pub fn need(&self, at: usize, open: &[bool], lengths: &Lengths) -> Need {
        let way = self.to_boundary(at);
        let before = self.before();
        let along = |all: &[Duration]| {
            let counts = |step: usize| way.contains(&step) && (step == at || open[step]);
            let along =
                |(step, length): (usize, &Duration)| if counts(step) { *length } else { Duration::ZERO };
            critical_path(&before, &all.iter().enumerate().map(along).collect::<Vec<_>>()).1
        };
        let last = way.last().copied().unwrap_or(at);
        Need {
            expected: along(&lengths.usual),
            slow: along(&lengths.slow),
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

impl Course {
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
