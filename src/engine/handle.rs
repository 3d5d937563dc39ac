//! What a step may ask of the engine while it runs.

/// (in preparation)
pub struct Handle {}
