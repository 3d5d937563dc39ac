//! Requests being held, and what every service does around an effect: faults before and after it.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{
    durations,
    fault::{self, Action, HoldPoint},
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

#[derive(Debug, Default)]
pub struct Holds(Mutex<(u64, BTreeMap<u64, (Held, oneshot::Sender<Release>)>)>);

impl Holds {
    pub fn list(&self) -> Vec<Held> {
        let holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        holds.1.values().map(|(held, _)| held.clone()).collect()
    }

    /// Releases one held request, or all of them; answers how many.
    pub fn release(&self, id: Option<u64>, how: Release) -> usize {
        let mut holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ids: Vec<u64> = holds.1.keys().copied().filter(|key| id.is_none_or(|id| id == *key)).collect();
        ids.iter()
            .filter_map(|id| holds.1.remove(id))
            .filter(|(_, waiter)| !waiter.is_closed())
            .fold(0, |released, (_, waiter)| released + usize::from(waiter.send(how).is_ok()))
    }

    async fn wait(&self, operation: &str, address: Ipv4Addr, point: HoldPoint) -> Release {
        let waiter = {
            let mut holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            holds.0 += 1;
            let id = holds.0;
            let (sender, waiter) = oneshot::channel();
            let held = Held { id, operation: operation.to_owned(), address, point };
            holds.1.insert(id, (held, sender));
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
        let actions = self.with(|state, _| {
            let seed = state.seed();
            fault::strike(&mut state.faults, seed, operation, address, chunk)
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
