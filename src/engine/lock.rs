//! The lock that keeps two runs off one site.

/// Held while a run lasts; released when dropped.
#[derive(Debug)]
pub struct Lock {}
