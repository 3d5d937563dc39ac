//! Services: at each at most one mutation is in flight. Of those that wait, the one with the longest way ahead of it
//! comes first, so that a short setting never holds up the chain that decides when the run ends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

/// One service; steps and their uploads share it, also across threads.
#[derive(Debug, Default)]
pub(super) struct Service(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    busy: bool,
    /// Who has asked, in this order.
    waiting: Vec<Waiting>,
    /// Steps that may ask at any moment, because they are at their first look: by place in line, the way ahead.
    expected: BTreeMap<usize, Duration>,
}

#[derive(Debug)]
struct Waiting {
    ahead: Duration,
    wake: oneshot::Sender<Slot>,
}

impl Queue {
    /// Takes whoever is next from the line, unless somebody with a longer way ahead is about to ask.
    fn next(&mut self) -> Option<oneshot::Sender<Slot>> {
        let longest = self.waiting.iter().map(|one| one.ahead).max()?;
        if self.expected.values().any(|ahead| *ahead > longest) {
            return None;
        }
        let at = self.waiting.iter().position(|one| one.ahead == longest)?;
        Some(self.waiting.remove(at).wake)
    }
}

impl Service {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the free service to whoever is next.
    fn pass_on(self: &Arc<Self>) {
        let next = {
            let mut queue = self.queue();
            if queue.busy {
                return;
            }
            let next = queue.next();
            queue.busy = next.is_some();
            next
        };
        if let Some(wake) = next {
            // Who no longer waits leaves the slot unused; dropped, it is passed on.
            drop(wake.send(Slot(self.clone())));
        }
    }
}

/// The right to change a service; dropped, it goes to the next in line.
#[derive(Debug)]
pub struct Slot(Arc<Service>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.queue().busy = false;
        self.0.pass_on();
    }
}

/// A step's place in line.
#[derive(Clone, Debug)]
pub struct Turn(Option<Place>);

#[derive(Clone, Debug)]
struct Place {
    service: Arc<Service>,
    number: usize,
    ahead: Duration,
}

impl Turn {
    /// Of a step that belongs to no service: it never waits.
    pub fn free() -> Self {
        Self(None)
    }

    /// The step `number`, with so much ahead of it.
    pub(super) fn at(service: Arc<Service>, number: usize, ahead: Duration) -> Self {
        Self(Some(Place { service, number, ahead }))
    }

    /// Steps of one service that may all ask soon, with so many seconds ahead of each.
    #[cfg(test)]
    pub fn announced<const N: usize>(ahead: [u64; N]) -> [Self; N] {
        let service = Arc::new(Service::default());
        let mut number = 0;
        ahead.map(|seconds| {
            number += 1;
            let turn = Self::at(service.clone(), number, Duration::from_secs(seconds));
            turn.announce();
            turn
        })
    }

    /// The step may ask soon: until it does, or waives, nobody with a shorter way ahead is let in.
    pub(super) fn announce(&self) {
        if let Some(Place { service, number, ahead }) = &self.0 {
            service.queue().expected.insert(*number, *ahead);
        }
    }

    /// The step will not ask soon: it waits for something else, or has nothing left to ask for.
    pub fn waive(&self) {
        if let Some(Place { service, number, .. }) = &self.0
            && service.queue().expected.remove(number).is_some()
        {
            service.pass_on();
        }
    }

    /// Waits until no other mutation of the service is in flight.
    pub async fn take(&self) -> Option<Slot> {
        let Place { service, number, ahead } = self.0.as_ref()?;
        let (wake, woken) = oneshot::channel();
        {
            let mut queue = service.queue();
            queue.expected.remove(number);
            queue.waiting.push(Waiting { ahead: *ahead, wake });
        }
        service.pass_on();
        woken.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(service: &Arc<Service>, number: usize, seconds: u64) -> Turn {
        Turn::at(service.clone(), number, Duration::from_secs(seconds))
    }

    /// Polls once; whether it is through.
    fn through(take: &mut std::pin::Pin<Box<impl Future<Output = Option<Slot>>>>) -> Option<Slot> {
        use futures_util::FutureExt;
        take.as_mut().now_or_never().flatten()
    }

    #[test]
    fn the_longest_way_ahead_comes_first_and_equals_in_their_order() {
        let service = Arc::new(Service::default());
        let [first, short, long, other] = [(0, 5), (1, 1), (2, 9), (3, 9)].map(|(n, s)| turn(&service, n, s));
        let slot = through(&mut Box::pin(first.take())).unwrap();
        let (mut short, mut long, mut other) =
            (Box::pin(short.take()), Box::pin(long.take()), Box::pin(other.take()));
        assert!(
            through(&mut short).is_none() && through(&mut long).is_none() && through(&mut other).is_none()
        );
        drop(slot);
        assert!(through(&mut short).is_none() && through(&mut other).is_none());
        drop(through(&mut long).unwrap());
        drop(through(&mut other).unwrap());
        assert!(through(&mut short).is_some());
    }

    #[test]
    fn who_gave_up_waiting_does_not_keep_the_slot() {
        let service = Arc::new(Service::default());
        let [first, gone, last] = [(0, 5), (1, 9), (2, 1)].map(|(n, s)| turn(&service, n, s));
        let slot = through(&mut Box::pin(first.take())).unwrap();
        let mut gone = Box::pin(gone.take());
        let mut last = Box::pin(last.take());
        assert!(through(&mut gone).is_none() && through(&mut last).is_none());
        drop(gone);
        drop(slot);
        assert!(through(&mut last).is_some());
    }

    #[test]
    fn nobody_goes_before_a_step_with_a_longer_way_that_is_about_to_ask() {
        let service = Arc::new(Service::default());
        let [short, long] = [(0, 1), (1, 9)].map(|(n, s)| turn(&service, n, s));
        long.announce();
        let mut waits = Box::pin(short.take());
        assert!(through(&mut waits).is_none());
        drop(through(&mut Box::pin(long.take())).unwrap());
        assert!(through(&mut waits).is_some());
        long.announce();
        let mut waits = Box::pin(short.take());
        assert!(through(&mut waits).is_none());
        long.waive();
        assert!(through(&mut waits).is_some());
    }
}
