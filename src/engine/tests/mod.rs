//! The engine on a toy site: a few named values that can be set, late, lost, refused or killed half-way.

mod cancelling;
mod corrections;
mod disk;
mod journaling;
mod killing;
mod kinds;
mod ordering;
mod power_loss;
mod surveying;
mod toy;
mod verifying;
mod windows;
