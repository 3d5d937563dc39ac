//! The manifests of the runbook, as compiled in.

use crate::{
    embed,
    engine::StageManifest,
    failure::{Failure, Kind, Result},
    messages::message,
};

/// Every stage in order.
///
/// # Errors
/// [`Kind::Bug`]: a manifest does not parse; a test holds all of them.
pub fn manifests() -> Result<Vec<StageManifest>> {
    let parse = |(file, text): &(&str, &str)| {
        toml::from_str(text).map_err(|error| {
            Failure::new(Kind::Bug, message("cli.runbook.doing", &[]))
                .at(format_args!("stages/{file}.toml"))
                .because(&error)
        })
    };
    embed::STAGES.iter().map(parse).collect()
}
