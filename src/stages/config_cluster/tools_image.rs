//! `config-cluster.tools-image`: the VM tools image (api-fisheye §6.9). No call lists it; clusters work without it,
//! so that a failed upload is a warning.

use crate::{
    engine::{Fact, Facts, Sent, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{facts::reason, media::Package, uploading, world::World},
};

/// SHA-256 of the uploaded file.
const DIGEST: Fact<String> = Fact::new("tools_sha256");

pub async fn act(world: &World, handle: &Handle) -> Result<Sent> {
    let file = match world.media() {
        Some(folder) => Package::vm_tools().newest(folder)?,
        None => None,
    };
    let Some(file) = file else { return Ok(Sent::NotNeeded(message("stages.tools.no_file", &[]))) };
    let sink = world.fisheye(handle).tools_sink(&file.name, file.size);
    match uploading::send(world.transfers(), handle, sink, &file).await {
        Ok(done) => {
            if done.restarted {
                handle.warn(message("stages.tools.restarted", &[("file", &file.name)]));
            }
            Ok(Sent::Sent(Facts::none().with(&DIGEST, &done.digests.sha256)))
        }
        Err(failure) if optional(&failure, handle) => {
            let why = reason(&failure);
            handle.warn(message("stages.tools.failed", &[("file", &file.name), ("why", &why)]));
            Ok(Sent::NotNeeded(message("stages.tools.left_out", &[])))
        }
        Err(failure) => Err(failure),
    }
}

/// A site that does not want the image stops nothing; our own troubles and a stop by the operator do.
fn optional(failure: &Failure, handle: &Handle) -> bool {
    matches!(failure.kind, Kind::Site | Kind::TimedOut) && !handle.cancelled()
}
