//! What the engine asks of the world its steps live in.

use super::setting::Evidence;
use crate::secret::Secret;

/// The world of the steps. Probes see `Read`, a type without mutating methods; acts see the whole.
pub trait World {
    type Read;

    fn read(&self) -> &Self::Read;

    /// The plan field that a manifest's `uses` names, for change detection and for showing cells.
    /// `None`: no such field (a start-up check refuses manifests that name one).
    fn field(&self, key: &str) -> Option<FieldValue>;

    /// The last exchange in which the step `stage.step` read from the site since this was asked before.
    fn evidence(&self, _step: &str) -> Option<Evidence> {
        None
    }

    /// What was read and shared before may be stale now: called after every act, and before a look is repeated.
    fn forget_reads(&self) {}
}

/// The value of a plan field in canonical text form, with the cells it was read from.
#[derive(Clone, Debug)]
pub struct FieldValue {
    pub content: Content,
    /// `主机规划!I5`, in reading order.
    pub cells: Vec<String>,
}

#[derive(Clone, Debug)]
pub enum Content {
    Plain(String),
    /// Recorded only as a MAC under the site's own key, never as a digest.
    Secret(Secret<String>),
}
