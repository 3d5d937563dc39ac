//! What the tests share: a way to run the tool, and a simulated site to run it against.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

pub mod detour;
pub mod fault;
pub mod forms;
pub mod runbook;
pub mod site;
pub mod sshd;
pub mod staged;
pub mod tool;
pub mod workbook;
pub mod workbook_xml;

/// Does `work` for every item, a few at a time, since most of a run is waiting; the results in the items' order.
pub fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    side_by_side_at(AT_A_TIME, items, work)
}

/// The same, so many at a time: for work that mostly waits.
pub fn side_by_side_at<T: Sync, R: Send>(
    at_a_time: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let one_after_another = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            let result = work(item);
            done.lock().expect("no other panicked").push((at, result));
        }
    };
    std::thread::scope(|scope| (0..at_a_time).for_each(|_| drop(scope.spawn(one_after_another))));
    let mut done = done.into_inner().expect("none panicked");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

const AT_A_TIME: usize = 3;
