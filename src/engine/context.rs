//! What all steps of a run share: journal, displays, clock, questions. One task drives a run, hence the cells.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{
    cancel::Cancel,
    clock::Clock,
    crash::CrashPlan,
    event::{Event, EventKind, Level, Sink},
    inputs::Inputs,
    journal::{Durability, Journal},
    question::Answerer,
};
use crate::failure::{Failure, Result};

pub(super) struct Context {
    pub clock: Clock,
    pub cancel: Cancel,
    pub journal: RefCell<Journal>,
    pub sinks: Vec<Rc<dyn Sink>>,
    pub answerer: Rc<dyn Answerer>,
    pub crash: CrashPlan,
    pub warnings: Cell<usize>,
    /// A note that could not be recorded; the next act does not start over it.
    pub broken: RefCell<Option<Box<Failure>>>,
}

impl Context {
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
        self.show_event(&event);
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
        self.show_event(&Event { at: self.clock.now(), kind });
    }

    fn show_event(&self, event: &Event) {
        if matches!(event.kind, EventKind::Note { level: Level::Warning, .. }) {
            self.warnings.set(self.warnings.get() + 1);
        }
        for sink in &self.sinks {
            sink.event(event);
        }
    }
}
