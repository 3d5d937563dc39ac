//! What a live line says of a run at the moment: both displays of a terminal have it from here.

use std::collections::BTreeSet;

use super::{outline::Outline, progress::Progress, sentences::own};
use crate::{engine::event::Event, text::Text};

/// A run as its events tell it, and the seconds that it has been shown.
#[derive(Clone, Debug, Default)]
pub struct Live {
    pub outline: Outline,
    pub progress: Progress,
    pub seconds: u64,
}

impl Live {
    pub fn learn(&mut self, event: &Event) {
        self.outline.learn(event);
        self.progress.learn(event);
    }

    /// One second has passed.
    pub fn tick(&mut self) {
        self.seconds += 1;
        self.progress.tick();
    }

    /// How long it has been shown.
    pub fn spent(&self) -> Text {
        own(self.seconds, self.progress.simulated)
    }

    /// The stages of the steps that run now (`02 init-cluster, 04 deploy-cloudtower`), and the stage of the step that
    /// has been running longest, for a line that has no room for all. Stages that are open and have no step at work
    /// are not told.
    pub fn stages(&self) -> [String; 2] {
        let running = self.progress.active.keys();
        let all: BTreeSet<String> = running.filter_map(|step| self.outline.number_of(step)).collect();
        let longest = self.progress.longest().and_then(|(step, _)| self.outline.number_of(step));
        [all.into_iter().collect::<Vec<_>>().join(", "), longest.unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::event::{EventKind, Facts, Outcome},
        ui::testing::{at, run_of_two_stages},
    };

    fn started(step: &str) -> Event {
        at(1, EventKind::StepStarted { step: step.into() })
    }

    fn passed(step: &str) -> Event {
        let (step, outcome, facts) = (step.to_owned(), Outcome::Passed, Facts::none());
        at(2, EventKind::StepFinished { step, outcome, facts, elapsed_ms: 0 })
    }

    fn live(events: &[Event]) -> Live {
        let mut live = Live::default();
        live.learn(&run_of_two_stages());
        events.iter().for_each(|event| live.learn(event));
        live
    }

    #[test]
    fn the_stages_are_those_of_the_steps_at_work_and_the_one_of_the_longest_stands_for_all() {
        let (tower, deploy) = ("deploy-cloudtower.upload", "init-cluster.deploy");
        let both = live(&[started(tower), started(deploy)]);
        assert_eq!(both.stages(), ["02 init-cluster, 04 deploy-cloudtower", "04 deploy-cloudtower"]);
        // The stage that was opened last has no step at work any more.
        let one = live(&[started(deploy), started(tower), passed(tower)]);
        assert_eq!(one.stages(), ["02 init-cluster", "02 init-cluster"]);
    }
}
