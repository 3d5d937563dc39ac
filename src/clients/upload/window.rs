//! How many chunks travel at a time: one at first, more while all goes well (api-fisheye §7.2).

/// More than eight in flight gain nothing.
const MOST: usize = 8;
/// What chunks in flight may take in memory, in bytes.
const BUDGET: u64 = 64 << 20;
/// Clean answers after a setback before it widens again; doubles with each setback, up to the second figure.
const CAUTION: (u32, u32) = (8, 64);

#[derive(Debug)]
pub(super) struct Window {
    width: usize,
    most: usize,
    /// Clean answers still wanted before it widens.
    wanted: u32,
    caution: u32,
}

impl Window {
    /// For chunks of so many bytes that may travel in any order.
    pub(super) fn new(chunk_size: u64) -> Self {
        Self { width: 1, most: largest(chunk_size), wanted: 0, caution: CAUTION.0 }
    }

    pub(super) fn in_order() -> Self {
        Self { width: 1, most: 1, wanted: 0, caution: CAUTION.0 }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// An answer was as expected.
    pub(super) fn clean(&mut self) {
        if self.wanted > 0 {
            self.wanted -= 1;
        } else {
            self.width = (self.width + 1).min(self.most);
        }
    }

    /// Back to one, until it has gone well for a while.
    pub(super) fn narrow(&mut self) {
        // Chunks that travelled side by side often fail side by side: one setback.
        if self.width > 1 || self.wanted == 0 {
            self.wanted = self.caution;
            self.caution = (self.caution * 2).min(CAUTION.1);
        }
        self.width = 1;
    }

    /// Back to one for good: the site wants them in order.
    pub(super) fn keep_order(&mut self) {
        (self.width, self.most) = (1, 1);
    }
}

/// The widest window for chunks of so many bytes.
pub(super) fn largest(chunk_size: u64) -> usize {
    usize::try_from(BUDGET / chunk_size.max(1)).unwrap_or(MOST).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(window: &mut Window, answers: usize) -> Vec<usize> {
        (0..answers)
            .map(|_| {
                window.clean();
                window.width()
            })
            .collect()
    }

    #[test]
    fn it_widens_with_each_clean_answer_and_never_beyond_eight() {
        let mut window = Window::new(8 << 20);
        assert_eq!(window.width(), 1);
        assert_eq!(widths(&mut window, 9), [2, 3, 4, 5, 6, 7, 8, 8, 8]);
    }

    #[test]
    fn after_a_setback_it_is_one_for_ever_longer_spells() {
        let mut window = Window::new(8 << 20);
        widths(&mut window, 4);
        window.narrow();
        window.narrow();
        assert_eq!(widths(&mut window, 9), [1, 1, 1, 1, 1, 1, 1, 1, 2], "one setback, however many saw it");
        window.narrow();
        assert_eq!(widths(&mut window, 17)[15..], [1, 2]);
    }

    #[test]
    fn where_order_is_wanted_it_stays_one() {
        let mut window = Window::new(8 << 20);
        widths(&mut window, 3);
        window.keep_order();
        assert_eq!(widths(&mut window, 100).last(), Some(&1));
    }

    #[test]
    fn large_chunks_travel_in_smaller_company() {
        assert_eq!([1, 8 << 20, 16 << 20, 64 << 20, 256 << 20].map(largest), [8, 8, 4, 1, 1]);
    }
}
