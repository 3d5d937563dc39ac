//! A list of the site that several steps look at: read once, until something changes the site.

use std::cell::RefCell;

use crate::failure::Result;

/// The list, while it still holds.
pub struct Shared<T>(RefCell<Option<Vec<T>>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T: Clone> Shared<T> {
    /// What was read before, or what `read` finds now.
    pub async fn get(&self, read: impl AsyncFnOnce() -> Result<Vec<T>>) -> Result<Vec<T>> {
        if let Some(list) = self.0.borrow().clone() {
            return Ok(list);
        }
        let list = read().await?;
        *self.0.borrow_mut() = Some(list.clone());
        Ok(list)
    }

    /// From here on it may be stale.
    pub fn forget(&self) {
        *self.0.borrow_mut() = None;
    }
}
