//! Requests being held, and what every service does around an effect: faults before and after it.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{
    durations,
    fault::{self, Action, Asked, HoldPoint},
    site::Site,
};

/// A request that waits for `POST /release`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held {
    pub id: u64,
    pub operation: String,
    pub address: Ipv4Addr,
    pub point: HoldPoint,
}

/// How a held request goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    Continue,
    /// Reset: before the effect it never happens, after it only the answer is lost.
    Drop,
}

/// All requests being held.
#[derive(Debug, Default)]
pub struct Holds(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    last_id: u64,
    by_id: BTreeMap<u64, (Held, oneshot::Sender<Release>)>,
}

impl Holds {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn list(&self) -> Vec<Held> {
        self.waiting().by_id.values().map(|(held, _)| held.clone()).collect()
    }

    /// Releases one held request, or all of them; answers how many.
    pub fn release(&self, id: Option<u64>, how: Release) -> usize {
        let mut waiting = self.waiting();
        let ids: Vec<u64> =
            waiting.by_id.keys().copied().filter(|key| id.is_none_or(|id| id == *key)).collect();
        let released = ids.iter().filter_map(|id| waiting.by_id.remove(id));
        // Who waits for nothing any more has not been released.
        released.filter_map(|(_, waiter)| waiter.send(how).ok()).count()
    }

    async fn wait(&self, operation: &str, address: Ipv4Addr, point: HoldPoint) -> Release {
        let waiter = {
            let mut waiting = self.waiting();
            waiting.last_id += 1;
            let (sender, waiter) = oneshot::channel();
            let held = Held { id: waiting.last_id, operation: operation.to_owned(), address, point };
            let id = held.id;
            waiting.by_id.insert(id, (held, sender));
            waiter
        };
        waiter.await.unwrap_or(Release::Drop)
    }
}

/// How a connection ends when a fault takes the answer away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// With RST.
    Reset,
    /// Closed without an answer.
    Close,
    /// Kept open, never answered.
    Hang,
}

/// The faults that struck one request.
#[derive(Clone, Debug, Default)]
pub struct Course {
    pub actions: Vec<Action>,
}

impl Course {
    /// Whether the effect is replaced by a refusal (`status` or `v2`).
    pub fn refused(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::Status { .. } | Action::V2 { .. }))
    }
}

impl Site {
    /// Draws the faults for a request and lives through those that come before its effect.
    pub async fn before(
        &self,
        operation: &str,
        address: Ipv4Addr,
        chunk: Option<u64>,
    ) -> Result<Course, Cut> {
        let actions = self.with(|state, now| {
            let age = now.since(state.started);
            let (seed, asked) = (state.seed(), Asked { operation, address, chunk, age });
            fault::strike(&mut state.faults, seed, &asked)
        });
        for action in &actions {
            match action {
                Action::ResetBefore => return Err(Cut::Reset),
                Action::Hang | Action::Silent => return Err(Cut::Hang),
                Action::Refuse => return Err(Cut::Close),
                Action::Delay { seconds } => self.clock.sleep(durations::seconds(*seconds)).await,
                Action::Hold(HoldPoint::BeforeEffect)
                    if self.holds.wait(operation, address, HoldPoint::BeforeEffect).await
                        == Release::Drop =>
                {
                    return Err(Cut::Reset);
                }
                Action::ChangeIdentity => {
                    self.with(|state, _| *state.changed_identities.entry(address).or_default() += 1);
                }
                Action::ExpireTokens if operation.starts_with("tower.") => {
                    self.with(|state, _| state.tower.expire_tokens());
                }
                Action::ExpireTokens => self.with(|state, _| state.cluster.expire_sessions()),
                _ => {}
            }
        }
        Ok(Course { actions })
    }

    /// Lives through the faults that come after the effect.
    pub async fn after(&self, course: &Course, operation: &str, address: Ipv4Addr) -> Result<(), Cut> {
        for action in &course.actions {
            match action {
                Action::ResetAfter => return Err(Cut::Reset),
                Action::DropAnswer => return Err(Cut::Close),
                Action::HangAfter => return Err(Cut::Hang),
                Action::Hold(HoldPoint::AfterEffect)
                    if self.holds.wait(operation, address, HoldPoint::AfterEffect).await == Release::Drop =>
                {
                    return Err(Cut::Reset);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
