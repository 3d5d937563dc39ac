//! What the system knows of a process.

use std::{error::Error, fs};

/// User and system time in seconds, from `/proc/PROCESS/stat` in hundredths. `field` counts as proc(5) does: 14 is the time
/// of the process itself, 16 that of its children that have ended.
pub fn cpu_seconds(process: &str, field: usize) -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field, the name, may hold anything; the third is the first behind it.
    let after_name = stat.rsplit(')').next().ok_or("no stat")?;
    let ticks = after_name.split_whitespace().skip(field - 3).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
}
