//! Times as the papers print them.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use crate::units;

/// `2026-11-25 14:09:56 UTC`: one zone for all, whoever prints it and wherever.
pub fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Site time.
pub fn length(ms: u64) -> String {
    units::duration(Duration::from_millis(ms))
}
