//! Reaching the site: dialling, trust, HTTP with retry classes, the redacted transcript, uploads, and
//! one folder per API.

pub mod call;
pub mod content;
pub mod dial;
pub mod download;
pub mod file_state;
pub mod fisheye;
pub mod form;
pub mod gate;
pub mod http;
pub mod inspector;
pub mod lenient;
pub mod limits;
mod places;
pub mod probe;
pub mod problem;
pub mod proxy;
pub mod redact;
pub mod retry;
pub mod ssh;
#[cfg(test)]
mod testing;
pub mod tower;
pub mod transfers;
pub mod trust;
pub mod upload;
pub mod wire;
