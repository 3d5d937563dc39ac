//! Reaching the site: dialling, trust, HTTP with retry classes, the redacted transcript, uploads, and
//! one folder per API.

pub mod dial;
pub mod limits;
pub mod probe;
pub mod proxy;
pub mod redact;
pub mod ssh;
pub mod trust;
pub mod wire;
