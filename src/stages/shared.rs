//! A list of the site that several steps look at: read once, until something changes the site.

use std::cell::{Cell, RefCell};

use crate::failure::Result;

/// The list, while it still holds.
pub struct Shared<T> {
    list: RefCell<Option<Vec<T>>>,
    /// How often the site was changed since the run began: a look that began before a change is no news after it.
    changes: Cell<u64>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { list: RefCell::new(None), changes: Cell::new(0) }
    }
}

impl<T: Clone> Shared<T> {
    /// What was read before, or what `read` finds now.
    pub async fn get(&self, read: impl AsyncFnOnce() -> Result<Vec<T>>) -> Result<Vec<T>> {
        if let Some(list) = self.list.borrow().clone() {
            return Ok(list);
        }
        let before = self.changes.get();
        let list = read().await?;
        if self.changes.get() == before {
            *self.list.borrow_mut() = Some(list.clone());
        }
        Ok(list)
    }

    /// From here on it may be stale.
    pub fn forget(&self) {
        self.changes.set(self.changes.get() + 1);
        *self.list.borrow_mut() = None;
    }
}
