//! Behaviour of the whole tool, one file per behaviour.
