//! Behaviour of the whole tool, one file per behaviour.

mod support;
