//! What all steps of a run share: journal, displays, clock, questions. One task drives a run, hence the cells.

use std::{cell::RefCell, rc::Rc};

use tokio::sync::Mutex;

use super::{
    advice::Advice,
    cancel::Cancel,
    clock::Clock,
    crash::CrashPlan,
    event::{Event, EventKind, Sink},
    inputs::{Inputs, SecretKey},
    journal::{Durability, Journal},
    lock::Lock,
    question::Answerer,
    run::{Options, Setup},
    tally::Tally,
    window::Window,
};
use crate::{
    failure::{Failure, Kind, Result},
    text::Text,
};

/// A step that failed.
pub(super) struct Culprit {
    /// Its place in the runbook.
    pub at: usize,
    pub title: Text,
    pub kind: Kind,
}

pub(super) struct Context {
    pub clock: Clock,
    pub cancel: Cancel,
    pub advice: Advice,
    pub journal: RefCell<Journal>,
    pub answerer: Rc<dyn Answerer>,
    pub crash: CrashPlan,
    /// When changes may be made; `None`: at any time.
    pub window: Option<Window>,
    /// Held while a question stands: one at a time.
    pub asking: Mutex<()>,
    /// The titles of the steps that have begun to change the site and have not ended.
    pub begun: RefCell<Vec<Text>>,
    /// The first step that failed, rather than being stopped.
    pub culprit: RefCell<Option<Culprit>>,
    /// A note that could not be recorded; no further act starts over it.
    pub broken: RefCell<Option<Box<Failure>>>,
    sinks: Vec<Rc<dyn Sink>>,
    tally: Rc<Tally>,
}

impl Context {
    /// Takes a setup apart: what steps share, and what only the runner uses.
    pub fn of(setup: Setup, options: &Options, tally: Rc<Tally>) -> (Rc<Self>, SecretKey, Option<Lock>) {
        let advice = options.advice.clone();
        let context = Self {
            clock: setup.clock,
            cancel: setup.cancel.advising(advice.again.clone()),
            advice,
            journal: RefCell::new(setup.journal),
            answerer: setup.answerer,
            crash: options.crash.clone(),
            window: options.window.clone(),
            asking: Mutex::default(),
            begun: RefCell::default(),
            culprit: RefCell::default(),
            broken: RefCell::new(None),
            sinks: setup.sinks,
            tally,
        };
        (Rc::new(context), setup.key, setup.lock)
    }

    /// Records an event (on disk before this returns, when its kind asks for that), then shows it.
    pub fn record(&self, kind: EventKind) -> Result<()> {
        self.record_with(kind, None, None)
    }

    pub fn record_with(
        &self,
        kind: EventKind,
        inputs: Option<Inputs>,
        durability: Option<Durability>,
    ) -> Result<()> {
        let event = Event { at: self.clock.now(), kind };
        self.journal.borrow_mut().append(&event, inputs, durability)?;
        self.tell(&event);
        Ok(())
    }

    /// Records an event that no caller can act upon; a failure to do so stops the next act.
    pub fn report(&self, kind: EventKind) {
        if let Err(failure) = self.record(kind) {
            self.broken.borrow_mut().get_or_insert(failure);
        }
    }

    /// Shows progress, which is not recorded.
    pub fn show(&self, kind: EventKind) {
        self.tell(&Event { at: self.clock.now(), kind });
    }

    fn tell(&self, event: &Event) {
        self.tally.count(&event.kind);
        for sink in &self.sinks {
            sink.event(event);
        }
    }
}
