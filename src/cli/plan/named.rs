//! Which plans a command line names: workbooks, and folders of them.

use std::path::PathBuf;

use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    plan::source,
};

/// Each plan once, in the order of the command line; those of a folder in order of name. A folder that holds one
/// planning workbook, or none, stands for itself.
///
/// # Errors
/// [`Kind::Usage`]: a folder cannot be read.
pub fn named(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut plans: Vec<PathBuf> = Vec::new();
    for path in given {
        let found = if path.is_dir() {
            source::all(path).map_err(|error| {
                Failure::new(Kind::Usage, message("cli.plan.doing", &[])).at(path.display()).because(&error)
            })?
        } else {
            Vec::new()
        };
        match found.as_slice() {
            [] => plans.push(path.clone()),
            [only] if source::is_named(only) => plans.push(path.clone()),
            several => plans.extend_from_slice(several),
        }
    }
    let mut known = Vec::new();
    plans.retain(|plan| {
        let place = std::fs::canonicalize(plan).unwrap_or_else(|_| plan.clone());
        let new = !known.contains(&place);
        known.push(place);
        new
    });
    Ok(plans)
}
