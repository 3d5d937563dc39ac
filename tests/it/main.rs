//! Behaviour of the whole tool, one file per behaviour.

mod simulated_site;
mod support;
