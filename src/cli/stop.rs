//! Signals: Ctrl-C, termination, hang-up, each as often as it comes; and an output that nobody reads any more.

use std::{cell::Cell, rc::Rc};

use super::session::Session;
use crate::{
    engine::{
        Cancel, Reason,
        event::{Event, Sink},
    },
    ui::Screen,
};

/// Passes every signal on to the run until the runtime ends. Call on a runtime.
pub fn listen(cancel: &Cancel) {
    platform::listen(cancel);
}

/// Waits for the first signal that asks to stop.
pub async fn requested() {
    let cancel = Cancel::new();
    listen(&cancel);
    cancel.until_requested().await;
}

/// Hears every event after the display: a run whose reader went away is one whose terminal hung up. Nobody sees its
/// questions or its end, so it stops as it does then.
pub fn unread(session: &Session, cancel: &Cancel) -> Rc<dyn Sink> {
    Rc::new(Unread { screen: session.screen.clone(), cancel: cancel.clone(), told: Cell::new(false) })
}

struct Unread {
    screen: Rc<Screen>,
    cancel: Cancel,
    told: Cell<bool>,
}

impl Sink for Unread {
    fn event(&self, _event: &Event) {
        if self.screen.reader_gone() && !self.told.replace(true) && !self.cancel.requested() {
            self.cancel.request(Reason::HungUp);
        }
    }
}

#[cfg(unix)]
mod platform {
    use tokio::signal::unix::{SignalKind, signal};

    use super::{Cancel, Reason};

    pub fn listen(cancel: &Cancel) {
        let signals = [
            (SignalKind::interrupt(), Reason::Interrupted),
            (SignalKind::terminate(), Reason::Terminated),
            (SignalKind::hangup(), Reason::HungUp),
        ];
        for (kind, reason) in signals {
            // Without a handler the signal ends the process at once, which is resumable as well.
            let Ok(mut stream) = signal(kind) else { continue };
            let cancel = cancel.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    cancel.request(reason);
                }
            });
        }
    }
}

#[cfg(not(unix))]
mod platform {
    use super::{Cancel, Reason};

    pub fn listen(cancel: &Cancel) {
        let cancel = cancel.clone();
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                cancel.request(Reason::Interrupted);
            }
        });
    }
}
