//! voyager deploys SmartX hyper-converged clusters from a planning workbook.
//!
//! Data flows one way: workbook → plan → steps → clients → site. `ARCHITECTURE.md` draws the modules
//! and the direction of their dependencies; a test enforces it.

pub mod cli;
pub mod clients;
pub mod engine;
pub mod plan;
pub mod report;
pub mod sim;
pub mod stages;
pub mod ui;

pub mod digest;
pub mod embed;
pub mod failure;
pub mod messages;
pub mod secret;
pub mod text;
pub mod units;
