//! The display for everything that is no terminal: one line per event, and a heartbeat while something waits.

use std::{cell::RefCell, rc::Rc};

use super::{
    display::{Display, Verbosity},
    outline::Outline,
    progress::Progress,
    screen::Screen,
    sentences::Sentences,
};
use crate::engine::event::{Event, EventKind, Sink};

/// A step that says nothing for this many seconds gets a line of its own.
const HEARTBEAT: u64 = 30;

pub struct Lines {
    screen: Rc<Screen>,
    verbosity: Verbosity,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    outline: Outline,
    progress: Progress,
}

impl Lines {
    pub fn new(screen: Rc<Screen>, verbosity: Verbosity) -> Self {
        Self { screen, verbosity, state: RefCell::default() }
    }

    fn sentences<'a>(&'a self, outline: &'a Outline) -> Sentences<'a> {
        Sentences { screen: &self.screen, outline, verbosity: self.verbosity }
    }
}

impl Sink for Lines {
    fn event(&self, event: &Event) {
        let mut state = self.state.borrow_mut();
        state.outline.learn(event);
        state.progress.learn(event);
        let lines = self.sentences(&state.outline).of(event);
        lines.iter().for_each(|line| self.screen.line(line));
        if let (false, Some(active)) =
            (lines.is_empty(), step_of(event).and_then(|step| state.progress.active.get_mut(step)))
        {
            active.silent = 0;
        }
    }
}

impl Display for Lines {
    fn say(&self, line: &str) {
        self.screen.line(line);
    }

    fn tick(&self) {
        let mut state = self.state.borrow_mut();
        let State { outline, progress } = &mut *state;
        progress.tick();
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        for (step, active) in progress.active.iter_mut().filter(|(_, active)| active.silent >= HEARTBEAT) {
            active.silent = 0;
            self.screen.line(&self.sentences(outline).still(step, &active.say(self.screen.lang)));
        }
    }
}

fn step_of(event: &Event) -> Option<&str> {
    match &event.kind {
        EventKind::Resumed { step, .. }
        | EventKind::Probed { step, .. }
        | EventKind::Intent { step }
        | EventKind::Remembered { step, .. }
        | EventKind::Note { step, .. } => Some(step),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{
            event::{Difference, Facts, Level, Outcome, Verdict},
            question::{Form, Question},
        },
        failure::{Failure, Kind},
        text::{Lang, Text},
        ui::testing::{at, run_started, screen, waiting},
    };

    fn said(lang: Lang, verbosity: Verbosity, events: &[Event]) -> String {
        let (screen, written) = screen(lang, None);
        let lines = Lines::new(screen, verbosity);
        events.iter().for_each(|event| lines.event(event));
        written.text()
    }

    fn finished(step: &str, outcome: Outcome, elapsed_ms: u64) -> Event {
        at(9, EventKind::StepFinished { step: step.into(), outcome, facts: Facts::none(), elapsed_ms })
    }

    fn deployed() -> Vec<Event> {
        vec![
            run_started(),
            at(1, EventKind::StageStarted { stage: "init-cluster".into() }),
            at(2, EventKind::StepStarted { step: "init-cluster.scan".into() }),
            finished("init-cluster.scan", Outcome::Passed, 20),
            at(3, EventKind::StepStarted { step: "init-cluster.deploy".into() }),
            at(4, waiting("init-cluster.deploy", 1000)),
            finished("init-cluster.deploy", Outcome::Changed, 1_263_000),
            at(
                9,
                EventKind::StageFinished {
                    stage: "init-cluster".into(),
                    complete: true,
                    elapsed_ms: 1_265_000,
                },
            ),
        ]
    }

    #[test]
    fn a_step_that_was_cut_short_by_a_stop_is_called_stopped() {
        for kind in [Kind::Interrupted, Kind::Terminated, Kind::HungUp] {
            let failure = Failure::new(kind, Text::same("deploying")).meaning(Text::same("by Ctrl-C"));
            let event = finished("init-cluster.deploy", Outcome::Failed { failure }, 5);
            let said = |lang, verbosity| said(lang, verbosity, &[run_started(), event.clone()]);
            let told = "  stopped     Deploy (init-cluster.deploy): by Ctrl-C\n";
            assert!(said(Lang::En, Verbosity::Quiet).ends_with(told), "{kind:?}");
            assert!(
                said(Lang::Zh, Verbosity::Normal)
                    .ends_with("  已停止      部署 (init-cluster.deploy): by Ctrl-C\n")
            );
        }
    }

    #[test]
    fn a_run_reads_as_one_line_per_step_in_english() {
        assert_eq!(
            said(Lang::En, Verbosity::Normal, &deployed()),
            "rehearsal r1 · simulated site s1\n\
             == 02 init-cluster  Deploy the cluster\n  \
             passed      Scan the hosts (init-cluster.scan)\n  \
             changed     Deploy (init-cluster.deploy): 21m03s\n\
             == 02 init-cluster  Deploy the cluster: complete, 21m05s\n"
        );
    }

    #[test]
    fn marks_line_up_in_chinese() {
        assert_eq!(
            said(Lang::Zh, Verbosity::Normal, &deployed()),
            "演练 r1 · 模拟现场 s1\n\
             == 02 init-cluster  初始化集群\n  \
             通过        扫描主机 (init-cluster.scan)\n  \
             已更改      部署 (init-cluster.deploy): 21m03s\n\
             == 02 init-cluster  初始化集群：完成，用时 21m05s\n"
        );
    }

    #[test]
    fn differences_name_what_was_found_what_is_planned_and_the_cell() {
        let difference = Difference {
            what: Text::new("网关", "gateway"),
            found: "10.0.0.1".into(),
            planned: "10.0.0.254".into(),
            cell: Some("虚拟网络!I4".into()),
        };
        let probed = EventKind::Probed {
            step: "init-cluster.scan".into(),
            verdict: Verdict::Differs,
            differences: vec![difference],
            reason: None,
            evidence: None,
        };
        let text = said(Lang::En, Verbosity::Normal, &[run_started(), at(1, probed)]);
        assert!(text.contains("gateway: found 10.0.0.1, planned 10.0.0.254 (虚拟网络!I4)"), "{text}");
    }

    #[test]
    fn a_question_is_told_with_all_that_it_is_about_and_a_note_on_the_run_stands_alone() {
        let question = Question {
            step: "init-cluster.deploy".into(),
            title: Text::new("以下磁盘将被清空", "These disks will be erased"),
            details: vec![Text::same("node-01"), Text::same("sdb  SSD  1.9 TB  SN-7")],
            form: Form::Type("Cls01".into()),
            flag: "--yes".into(),
        };
        let note =
            EventKind::Note { step: String::new(), level: Level::Info, text: Text::same("torn line cut") };
        let events = [run_started(), at(1, EventKind::Asked { question }), at(2, note)];
        let text = said(Lang::En, Verbosity::Normal, &events);
        assert!(text.contains("Deploy (init-cluster.deploy): These disks will be erased\n"), "{text}");
        assert!(text.contains("  node-01\n") && text.contains("  sdb  SSD  1.9 TB  SN-7\n"), "{text}");
        assert!(text.ends_with("  torn line cut\n") && !text.contains(": torn"), "{text}");
    }

    #[test]
    fn quiet_keeps_warnings_and_failures_only() {
        let warning = EventKind::Note {
            step: "init-cluster.scan".into(),
            level: Level::Warning,
            text: Text::same("one disk is missing"),
        };
        let failure = Failure::new(Kind::Site, Text::same("x")).answer(Text::same("HTTP 500"));
        let mut events = deployed();
        events.push(at(10, warning));
        events.push(finished("init-cluster.deploy", Outcome::Failed { failure }, 5));
        assert_eq!(
            said(Lang::En, Verbosity::Quiet, &events),
            "  warning     Scan the hosts (init-cluster.scan): one disk is missing\n  \
             failed      Deploy (init-cluster.deploy): HTTP 500\n"
        );
    }

    #[test]
    fn a_silent_step_gets_a_line_every_thirty_seconds_with_reason_time_and_limit() {
        let (screen, written) = screen(Lang::En, None);
        let lines = Lines::new(screen, Verbosity::Normal);
        lines.event(&at(0, EventKind::StepStarted { step: "init-cluster.deploy".into() }));
        lines.event(&at(1, waiting("init-cluster.deploy", 95_000)));
        (0..29).for_each(|_| lines.tick());
        assert_eq!(written.text(), "", "nothing yet");
        (0..31).for_each(|_| lines.tick());
        let line = |time| {
            format!(
                "  waiting     init-cluster.deploy: the deployment is running ({time} of at most 40m00s)\n"
            )
        };
        assert_eq!(written.text(), line("2m05s") + &line("2m35s"));
    }
}
