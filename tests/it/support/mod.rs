//! What the tests share: a way to run the tool, and a simulated site to run it against.

pub mod fault;
pub mod runbook;
pub mod site;
pub mod tool;
pub mod workbook;
pub mod workbook_xml;

/// Does `work` for every item, three at a time: most of a run is waiting.
pub fn side_by_side<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let one_after_another = || {
        while let Some(item) = items.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            work(item);
        }
    };
    std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(one_after_another))));
}
