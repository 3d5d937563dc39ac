//! `config-cluster.tools-image`: the VM tools image (api-fisheye §6.9). No call lists it; clusters work without it,
//! so that a failed upload is a warning.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc};

use crate::{
    clients::upload::{Memo, Resume, Upload, Uploaded, Volume},
    engine::{Fact, Facts, Sent, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::reason,
        media::{MediaFile, Package},
        world::World,
    },
};

/// The open volume, and the file it is for.
const VOLUME: Fact<(String, u64, Volume)> = Fact::new("tools_volume");
/// Chunks acknowledged so far: a hint.
const CHUNKS: Fact<BTreeSet<u32>> = Fact::new("tools_chunks");
/// SHA-256 of the uploaded file.
const DIGEST: Fact<String> = Fact::new("tools_sha256");

pub async fn act(world: &World, handle: &Handle) -> Result<Sent> {
    let file = match world.media() {
        Some(folder) => Package::vm_tools().newest(folder)?,
        None => None,
    };
    let Some(file) = file else { return Ok(Sent::NotNeeded(message("stages.tools.no_file", &[]))) };
    match upload(world, handle, &file).await {
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

async fn upload(world: &World, handle: &Handle, file: &MediaFile) -> Result<Uploaded> {
    let sink = Arc::new(world.fisheye(handle).tools_sink(&file.name, file.size));
    let resume = resume(handle, file);
    let chunks = RefCell::new(resume.as_ref().map(|resume| resume.acknowledged.clone()).unwrap_or_default());
    let upload = Upload {
        sink,
        file: &file.path,
        digests: None,
        progress: &|progress| handle.transfer(&file.name, progress.done, progress.total),
        remember: &|memo| match memo {
            Memo::Opened(volume) => {
                chunks.borrow_mut().clear();
                handle.remember(&VOLUME, &(file.name.clone(), file.size, volume.clone()))
            }
            Memo::Acknowledged(chunk) => {
                chunks.borrow_mut().insert(chunk);
                handle.hint(&CHUNKS, &*chunks.borrow());
                Ok(())
            }
            Memo::Deleted(_) => handle.forget_remembered(),
        },
    };
    upload.run(resume).await
}

/// An earlier run's volume, when it was opened for this very file.
fn resume(handle: &Handle, file: &MediaFile) -> Option<Resume> {
    let (name, size, volume) = handle.remembered(&VOLUME)?;
    let acknowledged = handle.remembered(&CHUNKS).unwrap_or_default();
    (name == file.name && size == file.size).then_some(Resume { volume, acknowledged })
}
