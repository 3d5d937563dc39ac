//! Whether a step may begin to change the site now: its pessimistic length, and that of what has to follow up to the
//! next safe boundary, against what is left of the maintenance window. Where it does not fit, the operator is asked.

use std::{cell::RefCell, convert::Infallible, future::pending, time::Duration};

use super::{
    context::Context,
    event::{EventKind, Level},
    handle::{Handle, millis},
    question::{Answer, Form, Question},
    window::Window,
};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    text::{Say, Text},
    units,
};

/// The date is looked at again after so long, because a laptop may sleep and its clock may be set.
const NAP: Duration = Duration::from_secs(20);
/// So long before the end the operator is asked about what is in hand.
const SHORTLY: Duration = Duration::from_secs(5 * 60);
/// How often it is said that the run waits for the window.
const REMINDER: Duration = Duration::from_secs(30 * 60);
/// What the operator may add; the last choice takes the end away.
const LONGER: [Option<Duration>; 3] =
    [Some(Duration::from_secs(30 * 60)), Some(Duration::from_secs(60 * 60)), None];

/// What a step asks of a maintenance window.
#[derive(Clone, Debug, Default)]
pub struct Need {
    /// From its beginning to the next safe boundary, as a rule.
    pub expected: Duration,
    /// The same at a slow site.
    pub slow: Duration,
    /// The step at whose end that boundary is: its title.
    pub boundary: Text,
}

impl Handle {
    /// Returns when the step may begin to change the site.
    ///
    /// # Errors
    /// `Kind::Window`: what is left of the window is too short, and the operator does not make it longer.
    pub(super) async fn admitted(&self) -> Result<()> {
        let Some(window) = &self.context.window else { return Ok(()) };
        if self.manifest().local || self.fits(window) {
            return Ok(());
        }
        // Others may be asking: one question at a time, and its answer may be ours too.
        let _one = self.context.asking.lock().await;
        while !self.fits(window) {
            if !self.context.extended(window, self.id(), self.figures(window)).await? {
                return Err(self.put_off(window));
            }
        }
        Ok(())
    }

    /// Why a step that destroys something is not begun: another one has failed already, and this night may come to
    /// nothing. One that an earlier run has begun is finished.
    pub(super) fn held_up(&self) -> Option<Box<Failure>> {
        if !self.manifest().destroys || self.begun_before {
            return None;
        }
        let culprit = self.context.culprit.borrow();
        let culprit = culprit.as_ref()?;
        let meaning = message("engine.run.destroys-after-failure", &[("step", &culprit.title)]);
        Some(Failure::new(culprit.kind, self.manifest().title.clone()).at(self.id()).meaning(meaning))
    }

    fn fits(&self, window: &Window) -> bool {
        let now = self.clock().date();
        let needs = if self.manifest().divisible { Duration::ZERO } else { self.need.slow };
        window.opens_in(now).is_none() && !window.is_over(now) && needs <= window.left(now)
    }

    /// What the step needs beside what is left.
    fn figures(&self, window: &Window) -> Vec<Text> {
        let Need { expected, slow, boundary } = &self.need;
        let left = units::duration(window.left(self.clock().date()));
        let (expected, slow) = (units::duration(*expected), units::duration(*slow));
        let args: [(&str, &dyn Say); 5] = [
            ("step", &self.manifest().title),
            ("boundary", boundary),
            ("expected", &expected),
            ("slow", &slow),
            ("left", &left),
        ];
        let no_return = self.manifest().no_return.as_ref();
        let no_return = no_return.map(|why| message("engine.window.no-return", &[("why", why)]));
        std::iter::once(message("engine.window.needs", &args)).chain(no_return).collect()
    }

    fn put_off(&self, window: &Window) -> Box<Failure> {
        let never = !self.manifest().divisible && window.is_too_short_for(self.need.slow);
        let end = window.closes_at();
        let meaning = if window.is_over(self.clock().date()) {
            message("engine.window.over", &[("end", &end)])
        } else {
            let figures = self.figures(window).into_iter();
            let joined = figures.reduce(|all, one| message("engine.window.and", &[("a", &all), ("b", &one)]));
            message("engine.window.too-short", &[("end", &end), ("figures", &joined.unwrap_or_default())])
        };
        Failure::new(Kind::Window, self.manifest().title.clone())
            .at(self.id())
            .meaning(meaning)
            .advise(match never {
                true => message("engine.window.never-fits", &[("need", &units::duration(self.need.slow))]),
                false => message("engine.window.later", &[]),
            })
            .advise(message("engine.window.now", &[]))
    }
}

impl Context {
    /// Asks whether the window is made longer. Unanswered until it ends, or with nobody there: it is not.
    async fn extended(&self, window: &Window, step: &str, details: Vec<Text>) -> Result<bool> {
        if window.declined() || window.is_over(self.clock.date()) {
            return Ok(false);
        }
        let choices = [
            message("engine.window.stop", &[]),
            message("engine.window.half-hour", &[]),
            message("engine.window.hour", &[]),
            message("engine.window.endless", &[]),
        ];
        let question = Question {
            step: step.to_owned(),
            title: message("engine.window.extend", &[("end", &window.closes_at())]),
            details,
            form: Form::Choose(choices.to_vec()),
            flag: "--until".to_owned(),
        };
        self.record(EventKind::Asked { question: question.clone() })?;
        let answer = tokio::select! {
            biased;
            answer = self.answerer.answer(&question) => match answer {
                Err(failure) if failure.kind == Kind::Decision => Answer::No,
                answer => answer?,
            },
            () = self.cancel.until_requested() => return Err(self.cancel.failure(question.title)),
            () = self.over(window) => Answer::No,
        };
        self.record(EventKind::Answered { step: step.to_owned(), answer: answer.clone() })?;
        let longer = match answer {
            Answer::Chosen(choice) => choice.checked_sub(1).and_then(|choice| LONGER.get(choice)),
            Answer::Yes | Answer::No => None,
        };
        match longer {
            Some(by) => {
                window.extend(*by);
                self.tell_of_run(message("engine.window.extended", &[("end", &window.closes_at())]));
            }
            None => window.decline(),
        }
        Ok(longer.is_some())
    }

    /// Resolves once the window has ended.
    async fn over(&self, window: &Window) {
        while !window.is_over(self.clock.date()) {
            self.clock.sleep(window.left(self.clock.date()).min(NAP)).await;
        }
    }

    /// Resolves once changes may be made; says now and then what it waits for.
    pub(super) async fn opening(&self) {
        let Some(window) = &self.window else { return };
        let (mut told, mut whole) = (None::<Duration>, None::<Duration>);
        while let Some(wait) = window.opens_in(self.clock.date()) {
            let now = self.clock.elapsed();
            let whole = *whole.get_or_insert(wait);
            if told.is_none_or(|told| now.saturating_sub(told) >= REMINDER) {
                let args: [(&str, &dyn Say); 2] =
                    [("time", &window.opens_at()), ("wait", &units::duration(wait))];
                self.tell_of_run(message("engine.window.opens", &args));
                self.show_opening(window, whole.saturating_sub(wait), whole);
                told = Some(now);
            }
            self.clock.sleep(wait.min(NAP)).await;
        }
        if let Some(whole) = whole {
            self.show_opening(window, whole, whole);
        }
        self.tell_of_run(message("engine.window.open", &[("end", &window.closes_at())]));
    }

    /// Watches the end of the window as long as the run lasts: asks shortly before it about what is in hand, and says
    /// when it has come.
    pub(super) async fn watch_window(&self) -> Infallible {
        let Some(window) = &self.window else { return pending().await };
        loop {
            let left = window.left(self.clock.date());
            if left.is_zero() {
                break;
            }
            if left <= SHORTLY && !self.begun.borrow().is_empty() && !window.declined() {
                let _one = self.asking.lock().await;
                let all = names(&self.begun);
                let details = vec![message("engine.window.in-hand", &[("steps", &all)])];
                // A stop ends the run anyway.
                if self.extended(window, "", details).await.is_err() {
                    return pending().await;
                }
                continue;
            }
            let wait = if left > SHORTLY { left - SHORTLY } else { left };
            self.clock.sleep(wait.min(NAP)).await;
        }
        let end = window.closes_at();
        let text = if self.begun.borrow().is_empty() {
            message("engine.window.closed", &[("end", &end)])
        } else {
            message("engine.window.closed-on", &[("end", &end), ("steps", &names(&self.begun))])
        };
        self.tell_of_run(text);
        pending().await
    }

    /// For as long as a display has a line to keep it on.
    fn show_opening(&self, window: &Window, elapsed: Duration, whole: Duration) {
        let reason = message("engine.window.awaited", &[("time", &window.opens_at())]);
        let (elapsed_ms, limit_ms) = (millis(elapsed), millis(whole));
        self.show(EventKind::Waiting {
            step: String::new(),
            reason,
            elapsed_ms,
            expected_ms: None,
            limit_ms,
        });
    }

    fn tell_of_run(&self, text: Text) {
        self.report(EventKind::Note { step: String::new(), level: Level::Info, text });
    }
}

/// The titles of the steps in hand.
fn names(begun: &RefCell<Vec<Text>>) -> Text {
    let begun = begun.borrow();
    let all = |zh: bool| begun.iter().map(|text| if zh { &*text.zh } else { &*text.en }).collect::<Vec<_>>();
    Text::new(all(true).join("、"), all(false).join(", "))
}
