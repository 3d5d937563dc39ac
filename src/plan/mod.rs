//! (module in preparation)
