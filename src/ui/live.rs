//! What a live line says of a run at the moment: both displays of a terminal have it from here.

use std::collections::BTreeSet;

use super::{outline::Outline, progress::Progress, sentences::own};
use crate::{
    engine::event::Event,
    text::{Lang, Text},
};

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

    /// The stages of the steps that run now (`02 init-cluster, 04 deploy-cloudtower`), and for a line that has no room
    /// for all the stage of the step that has been running longest, and its number alone. Stages that are open and
    /// have no step at work are not told. A run that waits for its window says that instead.
    pub fn stages(&self, lang: Lang) -> [String; 3] {
        if let Some(opening) = &self.progress.opening {
            return [(); 3].map(|()| opening.get(lang).to_owned());
        }
        let running = self.progress.active.keys();
        let all: BTreeSet<String> = running.filter_map(|step| self.outline.number_of(step)).collect();
        let longest = self.progress.longest().and_then(|(step, _)| self.outline.number_of(step));
        let longest = longest.unwrap_or_default();
        let number = longest.split(' ').next().unwrap_or_default().to_owned();
        [all.into_iter().collect::<Vec<_>>().join(", "), longest, number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::event::{EventKind, Facts, Outcome},
        ui::testing::{at, run_of_two_stages, waiting},
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
        assert_eq!(
            both.stages(Lang::En),
            ["02 init-cluster, 04 deploy-cloudtower", "04 deploy-cloudtower", "04"]
        );
        // The stage that was opened last has no step at work any more.
        let one = live(&[started(deploy), started(tower), passed(tower)]);
        assert_eq!(one.stages(Lang::En), ["02 init-cluster", "02 init-cluster", "02"]);
    }

    #[test]
    fn a_run_that_waits_for_its_window_says_until_when_as_long_as_it_does() {
        let opening = |elapsed_ms| {
            let mut wait = waiting("", elapsed_ms);
            if let EventKind::Waiting { reason, .. } = &mut wait {
                *reason = Text::new("等待窗口 23:00 开始", "window opens 23:00");
            }
            at(1, wait)
        };
        let mut live = live(&[opening(0), started("init-cluster.scan")]);
        assert_eq!(live.stages(Lang::Zh)[0], "等待窗口 23:00 开始");
        live.learn(&opening(2_400_000));
        assert_eq!(live.stages(Lang::En)[0], "02 init-cluster");
        assert_eq!(live.progress.active.len(), 1, "it is no step");
    }
}
