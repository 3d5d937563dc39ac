//! Events as sentences: the lines that a terminal scrolls and that a log keeps.

use std::time::Duration;

use super::{
    columns::{pad, width},
    display::Verbosity,
    outline::Outline,
    screen::{Screen, Tint},
    settings,
};
use crate::{
    engine::{
        event::{Difference, Event, EventKind, Level, Outcome, Resumed, RunOutline, Verdict},
        question::Answer,
    },
    failure::Failure,
    messages::message,
    text::Text,
    units,
};

/// Says events in the language of a screen.
pub struct Sentences<'a> {
    pub screen: &'a Screen,
    pub outline: &'a Outline,
    pub verbosity: Verbosity,
}

impl Sentences<'_> {
    /// The lines for one event; none for progress and for what the verbosity leaves out.
    pub fn of(&self, event: &Event) -> Vec<String> {
        let verbose = self.verbosity == Verbosity::Verbose;
        let quiet = self.verbosity == Verbosity::Quiet;
        match &event.kind {
            EventKind::Note { step, level: Level::Warning, text } => {
                vec![self.step_line(&message("ui.line.warning", &[]), Tint::Warn, step, Some(text))]
            }
            EventKind::StepFinished { step, outcome: Outcome::Failed { failure }, .. } => {
                let why = failure.answer.as_ref().or(failure.meaning.as_ref());
                let (word, tint) = failed(failure);
                let mut lines = vec![self.step_line(&word, tint, step, why)];
                lines.extend(self.settings(step));
                lines
            }
            _ if quiet => Vec::new(),
            EventKind::RunStarted(run) => self.run_started(run),
            EventKind::StageStarted { stage } => {
                vec![format!("== {}", self.outline.stage(stage, self.screen.lang))]
            }
            EventKind::StageFinished { stage, complete, elapsed_ms } => {
                let title = self.outline.stage(stage, self.screen.lang);
                let args: &[(&str, &dyn crate::text::Say)] =
                    &[("stage", &title), ("time", &time(*elapsed_ms))];
                let text = if *complete {
                    message("ui.line.stage-complete", args)
                } else {
                    message("ui.line.stage-incomplete", args)
                };
                vec![format!("== {}", self.screen.say(&text))]
            }
            EventKind::StepStarted { step } if verbose => {
                vec![self.step_line(&message("ui.line.begins", &[]), Tint::Dim, step, None)]
            }
            EventKind::Resumed { step, how } => {
                vec![self.step_line(&resumed(*how), Tint::Dim, step, None)]
            }
            EventKind::Probed { step, verdict, differences, reason, .. } => {
                self.probed(step, *verdict, differences, reason.as_ref(), verbose)
            }
            EventKind::Intent { step } if verbose => {
                vec![self.step_line(&message("ui.line.acts", &[]), Tint::Dim, step, None)]
            }
            EventKind::Remembered { step, name, value } if verbose => {
                let learnt = Text::same(format_args!("{name} = {value}"));
                vec![self.step_line(&message("ui.line.learnt", &[]), Tint::Dim, step, Some(&learnt))]
            }
            EventKind::Note { step, level: Level::Info, text } => {
                vec![self.step_line(&message("ui.line.note", &[]), Tint::Dim, step, Some(text))]
            }
            EventKind::Asked { question } => {
                let mark = message("ui.line.asks", &[]);
                let mut lines =
                    vec![self.step_line(&mark, Tint::Warn, &question.step, Some(&question.title))];
                let details = question.details.iter().map(|detail| self.under(self.screen.say(detail)));
                lines.extend(details);
                lines
            }
            EventKind::Answered { step, answer } => {
                vec![self.step_line(
                    &message("ui.line.answered", &[]),
                    Tint::Dim,
                    step,
                    Some(&answered(answer)),
                )]
            }
            EventKind::StepFinished { step, outcome, elapsed_ms, .. } => {
                self.finished(step, outcome, *elapsed_ms, verbose)
            }
            _ => Vec::new(),
        }
    }

    /// The line of a step that goes on for long without anything new.
    pub fn still(&self, step: &str, progress: &str) -> String {
        self.step_line(&message("ui.line.waits", &[]), Tint::Dim, step, Some(&Text::same(progress)))
    }

    fn run_started(&self, run: &RunOutline) -> Vec<String> {
        let args: &[(&str, &dyn crate::text::Say)] = &[("run", &run.run), ("site", &run.site)];
        let head =
            if run.simulated { message("ui.line.rehearsal", args) } else { message("ui.line.run", args) };
        vec![self.screen.say(&head).to_owned()]
    }

    fn probed(
        &self,
        step: &str,
        verdict: Verdict,
        differences: &[Difference],
        reason: Option<&Text>,
        verbose: bool,
    ) -> Vec<String> {
        let telling = matches!(verdict, Verdict::Differs | Verdict::Conflict);
        if !telling && !verbose {
            return Vec::new();
        }
        let tint = if verdict == Verdict::Conflict { Tint::Bad } else { Tint::Dim };
        let mut lines = vec![self.step_line(&self::verdict(verdict), tint, step, reason)];
        let differences = differences.iter().map(difference);
        lines.extend(differences.map(|difference| self.under(self.screen.say(&difference))));
        lines
    }

    fn finished(&self, step: &str, outcome: &Outcome, elapsed_ms: u64, verbose: bool) -> Vec<String> {
        let (word, tint) = self::outcome(outcome);
        let detail = match outcome {
            Outcome::NotRun { .. } if !verbose => return Vec::new(),
            Outcome::Skipped { reason } | Outcome::NotRun { reason } => reason.clone(),
            // A check that took no time needs no time beside it.
            _ if elapsed_ms < 1000 => Text::default(),
            _ => Text::same(time(elapsed_ms)),
        };
        let detail = Some(&detail).filter(|text| !text.zh.is_empty());
        let mut lines = vec![self.step_line(&word, tint, step, detail)];
        lines.extend(self.settings(step));
        lines
    }

    /// What the step read back; in quiet only what is not as planned.
    fn settings(&self, step: &str) -> Vec<String> {
        let quiet = self.verbosity == Verbosity::Quiet;
        let rows = self.outline.settings(step).iter().filter(|row| !quiet || row.verdict.is_wrong());
        let limit = self.screen.width.map(|width| width.saturating_sub(4));
        settings::lines(self.screen, rows, limit).iter().map(|line| format!("    {line}")).collect()
    }

    /// `  changed        Set the VIP (config-cluster.vip): 12s`.
    fn step_line(&self, mark: &Text, tint: Tint, step: &str, detail: Option<&Text>) -> String {
        let lang = self.screen.lang;
        let mark = pad(mark.get(lang), self.mark_width());
        let title = self.outline.title(step, lang);
        let mut words = if title == step { step.to_owned() } else { format!("{title} ({step})") };
        if let Some(detail) = detail {
            // A note about the run as a whole belongs to no step.
            words.push_str(if words.is_empty() { "" } else { ": " });
            words.push_str(detail.get(lang));
        }
        format!("  {}  {words}", self.screen.tint(tint, &mark))
    }

    /// A further line of the step above it.
    fn under(&self, said: &str) -> String {
        format!("  {}  {said}", " ".repeat(self.mark_width()))
    }

    fn mark_width(&self) -> usize {
        // The longest of the marks below in this language, so that step names line up.
        width(self.screen.say(&message("ui.outcome.already-done", &[])))
    }
}

/// The word for an outcome, and a tint that only repeats it.
pub fn outcome(outcome: &Outcome) -> (Text, Tint) {
    match outcome {
        Outcome::Passed => (message("ui.outcome.passed", &[]), Tint::Good),
        Outcome::AlreadyDone => (message("ui.outcome.already-done", &[]), Tint::Good),
        Outcome::Changed => (message("ui.outcome.changed", &[]), Tint::Good),
        Outcome::Sent => (message("ui.outcome.sent", &[]), Tint::Good),
        Outcome::AlreadySent => (message("ui.outcome.already-sent", &[]), Tint::Good),
        Outcome::Ready => (message("ui.outcome.ready", &[]), Tint::Good),
        Outcome::Skipped { .. } => (message("ui.outcome.skipped", &[]), Tint::Dim),
        Outcome::Settled { done: true } => (message("ui.outcome.settled-done", &[]), Tint::Warn),
        Outcome::Settled { done: false } => (message("ui.outcome.settled-absent", &[]), Tint::Warn),
        Outcome::Failed { failure } => failed(failure),
        Outcome::NotRun { .. } => (message("ui.outcome.not-run", &[]), Tint::Dim),
    }
}

/// A step that was cut short because the run is being stopped has not failed.
fn failed(failure: &Failure) -> (Text, Tint) {
    match failure.kind.is_stop() {
        true => (message("ui.outcome.stopped", &[]), Tint::Warn),
        false => (message("ui.outcome.failed", &[]), Tint::Bad),
    }
}

/// The word for what a probe saw.
pub fn verdict(verdict: Verdict) -> Text {
    match verdict {
        Verdict::Done => message("ui.verdict.done", &[]),
        Verdict::Absent => message("ui.verdict.absent", &[]),
        Verdict::Differs => message("ui.verdict.differs", &[]),
        Verdict::Conflict => message("ui.verdict.conflict", &[]),
        Verdict::Unknown => message("ui.verdict.unknown", &[]),
        Verdict::Unproved => message("ui.verdict.unproved", &[]),
        Verdict::NotNeeded => message("ui.verdict.not-needed", &[]),
    }
}

/// `VIP: 10.0.0.1 → 10.0.0.2 (主机规划!I19)`.
pub fn difference(difference: &Difference) -> Text {
    let Difference { what, found, planned, cell } = difference;
    match cell {
        Some(cell) => message(
            "ui.line.difference",
            &[("what", what), ("found", found), ("planned", planned), ("cell", cell)],
        ),
        None => {
            message("ui.line.difference-no-cell", &[("what", what), ("found", found), ("planned", planned)])
        }
    }
}

fn resumed(how: Resumed) -> Text {
    match how {
        Resumed::Kept => message("ui.resumed.kept", &[]),
        Resumed::Redone => message("ui.resumed.redone", &[]),
        Resumed::Continued => message("ui.resumed.continued", &[]),
    }
}

fn answered(answer: &Answer) -> Text {
    match answer {
        Answer::Yes => message("ui.answer.yes", &[]),
        Answer::No => message("ui.answer.no", &[]),
        Answer::Chosen(index) => message("ui.answer.chosen", &[("number", &(index + 1))]),
    }
}

/// Seconds of our own. A rehearsal's site has a faster clock, and the times of its waits are told by that: beside
/// them ours are marked.
pub fn own(seconds: u64, simulated: bool) -> Text {
    let time = time(seconds * 1000);
    if simulated { message("ui.progress.own", &[("time", &time)]) } else { Text::same(time) }
}

/// Milliseconds for people.
pub fn time(ms: u64) -> String {
    units::duration(Duration::from_millis(ms))
}
