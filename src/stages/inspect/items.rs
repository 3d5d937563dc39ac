//! What an inspection looks at (`templates/inspection.toml`).

use serde::Deserialize;

use crate::{
    embed,
    failure::{Failure, Kind, Result},
    messages::message,
};

/// The items of an inspection, and those of them that its report tells of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Items {
    pub job_items: Vec<String>,
    pub export_items: Vec<String>,
}

impl Items {
    pub fn load() -> Result<Self> {
        toml::from_str(embed::INSPECTION)
            .map_err(|error| Failure::new(Kind::Bug, message("stages.inspect.items", &[])).because(&error))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_report_tells_of_nothing_that_was_not_inspected() {
        let Items { job_items, export_items } = Items::load().unwrap();
        let (job, export): (BTreeSet<_>, BTreeSet<_>) =
            (job_items.iter().collect(), export_items.iter().collect());
        assert_eq!((job.len(), export.len()), (82, 74), "none is named twice");
        assert_eq!((job_items.len(), export_items.len()), (82, 74));
        assert!(export.is_subset(&job));
    }
}
