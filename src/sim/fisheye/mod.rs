//! The cluster API ("fisheye") of the simulated nodes.

use serde::{Deserialize, Serialize};

use super::{clock::Moment, site::State};

/// Everything that the cluster knows.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Cluster {}

impl Cluster {
    pub fn expire_sessions(&mut self) {}
}

impl State {
    /// Lets everything happen that is due by `now`.
    pub fn settle(&mut self, _now: Moment) {}
}
