//! The last lines of a run: outcome, what changed, where the run folder is, the next command.

use std::{cell::RefCell, path::PathBuf};

use super::{
    columns::{pad, width},
    outline::Outline,
    screen::{Screen, Tint},
    sentences::time,
};
use crate::{
    engine::event::{Event, EventKind, Level, Outcome, Proof, Proofs, RunSummary, Sink},
    failure::{Failure, Kind},
    messages::message,
    text::Text,
};

/// Collects from events what the last lines need.
#[derive(Default)]
pub struct Summary {
    state: RefCell<Collected>,
}

#[derive(Clone, Debug, Default)]
struct Collected {
    outline: Outline,
    changed: Vec<String>,
    /// Steps that the site only answered, now or in an earlier run, and what has read them back.
    sent: Vec<String>,
    proofs: Proofs,
    warnings: Vec<(String, Text)>,
    /// Of every step that failed, in order.
    failures: Vec<Failure>,
    folder: Option<PathBuf>,
    end: Option<RunSummary>,
}

impl Summary {
    /// The lines, once the run has finished. `next` is the literal command to go on with.
    pub fn lines(&self, screen: &Screen, next: &str) -> Vec<String> {
        let state = self.state.borrow();
        let Some(end) = &state.end else { return Vec::new() };
        let mut lines = vec![head(screen, end)];
        let labels = [
            message("ui.summary.changed", &[]),
            message("ui.summary.sent", &[]),
            message("ui.summary.warnings", &[]),
            message("ui.summary.spent", &[]),
            message("ui.summary.folder", &[]),
            message("ui.summary.next", &[]),
        ];
        let label_width = labels.iter().map(|label| width(screen.say(label))).max().unwrap_or(0);
        let [changed, sent, warnings, spent, folder, go_on] =
            labels.each_ref().map(|label| screen.say(label));
        let mut part = |label: &str, value: &str| {
            lines.push(format!("  {}  {value}", pad(label, label_width)));
        };
        let named = |step: &str| match state.outline.title(step, screen.lang) {
            title if title == step => step.to_owned(),
            title => format!("{title} ({step})"),
        };
        for (position, step) in state.changed.iter().enumerate() {
            part(if position == 0 { changed } else { "" }, &named(step));
        }
        for (position, step) in state.sent.iter().enumerate() {
            let said = format!("{}: {}", named(step), screen.say(&proof(state.proofs.of(step))));
            part(if position == 0 { sent } else { "" }, &said);
        }
        for (position, (step, text)) in state.warnings.iter().enumerate() {
            let said = match step.as_str() {
                "" => screen.say(text).to_owned(),
                step => format!("{}: {}", named(step), screen.say(text)),
            };
            part(if position == 0 { warnings } else { "" }, &screen.wrapped(&said, label_width + 4));
        }
        if end.steps_ms > 0 {
            let times: [(&str, &dyn crate::text::Say); 3] = [
                ("makespan", &time(end.elapsed_ms)),
                ("steps", &time(end.steps_ms)),
                ("critical", &time(end.critical_ms)),
            ];
            part(spent, screen.say(&message("ui.summary.times", &times)));
            part("", &screen.wrapped(&end.critical_path.join(" → "), label_width + 4));
        }
        if let Some(path) = &state.folder {
            part(folder, &path.display().to_string());
        }
        part(go_on, next);
        lines
    }

    /// The first of them: how it ended, how long it took, what it came to.
    pub fn head(&self, screen: &Screen) -> Option<String> {
        self.state.borrow().end.as_ref().map(|end| head(screen, end))
    }

    /// Where the run left what it has to say.
    pub fn folder(&self) -> Option<PathBuf> {
        self.state.borrow().folder.clone()
    }

    /// Failures beside the one that the run ended with: steps that do not depend on it went on, and may fail too.
    pub fn other_failures(&self) -> Vec<Failure> {
        let state = self.state.borrow();
        let first = state.end.as_ref().and_then(|end| end.failure.as_deref());
        let same = |other: &Failure, first: &Failure| other.doing == first.doing && other.at == first.at;
        let others = state.failures.iter().filter(|other| first.is_none_or(|first| !same(other, first)));
        others.filter(|other| other.kind.exit_code() < Kind::HungUp.exit_code()).cloned().collect()
    }

    /// How the run ended; `None` while it runs.
    pub fn end(&self) -> Option<RunSummary> {
        self.state.borrow().end.clone()
    }
}

/// What is known of a step that was only answered.
fn proof(proof: Proof) -> Text {
    match proof {
        Proof::Open => message("ui.summary.open", &[]),
        Proof::Proved => message("ui.summary.proved", &[]),
        Proof::Refuted => message("ui.summary.refuted", &[]),
    }
}

fn head(screen: &Screen, end: &RunSummary) -> String {
    let counts = message(
        "ui.summary.counts",
        &[
            ("changed", &end.changed),
            ("already", &end.already_done),
            ("sent", &end.sent),
            ("skipped", &end.skipped),
            ("warnings", &end.warnings),
        ],
    );
    let elapsed = time(end.elapsed_ms);
    let (text, tint) = if end.exit_code == 0 {
        (message("ui.summary.done", &[("counts", &counts), ("time", &elapsed)]), Tint::Good)
    } else {
        let args: &[(&str, &dyn crate::text::Say)] =
            &[("counts", &counts), ("time", &elapsed), ("code", &end.exit_code)];
        (message("ui.summary.stopped", args), Tint::Bad)
    };
    screen.tint(tint, &screen.wrapped(screen.say(&text), 2))
}

impl Sink for Summary {
    fn event(&self, event: &Event) {
        let mut state = self.state.borrow_mut();
        state.outline.learn(event);
        state.proofs.learn(&event.kind);
        match &event.kind {
            EventKind::RunStarted(run) => state.folder.clone_from(&run.run_folder),
            EventKind::StepFinished { step, outcome: Outcome::Changed, .. } => {
                state.changed.push(step.clone())
            }
            EventKind::StepFinished { outcome: Outcome::Failed { failure }, .. } => {
                state.failures.push((**failure).clone());
            }
            EventKind::StepFinished { step, outcome: Outcome::Sent | Outcome::AlreadySent, .. } => {
                state.sent.push(step.clone());
            }
            EventKind::Note { step, level: Level::Warning, text } => {
                state.warnings.push((step.clone(), text.clone()));
            }
            EventKind::RunFinished(end) => state.end = Some(end.clone()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::event::Facts,
        text::Lang,
        ui::testing::{at, run_started, screen},
    };

    fn ended(exit_code: u8) -> Summary {
        let summary = Summary::default();
        summary.event(&run_started());
        let (step, outcome) = ("init-cluster.deploy".to_owned(), Outcome::Changed);
        summary.event(&at(1, EventKind::StepFinished { step, outcome, facts: Facts::none(), elapsed_ms: 5 }));
        let (step, level) = ("init-cluster.scan".to_owned(), Level::Warning);
        summary.event(&at(1, EventKind::Note { step, level, text: Text::same("a disk is small") }));
        let end = RunSummary {
            exit_code,
            changed: 1,
            already_done: 3,
            sent: 0,
            proved: 0,
            skipped: 2,
            warnings: 1,
            failure: None,
            elapsed_ms: 61_000,
            steps_ms: 90_000,
            critical_ms: 60_000,
            critical_path: vec!["init-cluster.scan".into(), "init-cluster.deploy".into()],
        };
        summary.event(&at(2, EventKind::RunFinished(end)));
        summary
    }

    #[test]
    fn the_last_lines_tell_outcome_changes_warnings_folder_and_the_next_command() {
        let (screen, _) = screen(Lang::En, None);
        assert_eq!(
            ended(0).lines(&screen, "voyager diff --plan p.xlsx").join("\n"),
            "Done in 1m01s: 1 changed, 3 as planned, 0 sent, 2 skipped, 1 warnings\n  \
             changed     Deploy (init-cluster.deploy)\n  \
             warnings    Scan the hosts (init-cluster.scan): a disk is small\n  \
             time        whole run 1m01s; its steps add up to 1m30s, the longest chain of them to 1m00s\n              \
             init-cluster.scan → init-cluster.deploy\n  \
             run folder  artifacts/simulated/s1/runs/r1\n  \
             next        voyager diff --plan p.xlsx"
        );
    }

    #[test]
    fn an_unfinished_run_names_its_exit_code_in_chinese_too() {
        let (screen, _) = screen(Lang::Zh, None);
        let lines = ended(5).lines(&screen, "voyager run --plan p.xlsx");
        assert!(lines[0].starts_with("未完成（退出码 5），用时 1m01s"), "{lines:?}");
        assert_eq!(lines[6], "  下一步    voyager run --plan p.xlsx");
    }
}
