//! The last word on a change: once a maintenance window has ended, no request that changes the site leaves.

use std::fmt::Debug;

use crate::{
    failure::{Failure, Kind},
    messages::message,
    text::Text,
};

/// Asked before every request that changes the site, on any thread.
pub trait Gate: Debug + Send + Sync {
    /// Why it may not leave; `None`: it may.
    fn shut(&self) -> Option<Text>;
}

/// The failure of a request that was held back: nothing was sent.
pub fn held_back(doing: Text, why: Text) -> Box<Failure> {
    Failure::new(Kind::Window, doing)
        .meaning(message("clients.gate.held_back", &[("why", &why)]))
        .advise(message("clients.gate.later", &[]))
}
