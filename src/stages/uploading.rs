//! A file of the media folder on its way to the cluster, resumed where an earlier run stopped.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc};

use super::{media::MediaFile, travelling::Travelling};
use crate::{
    clients::{
        transfers::{Place, Transfers},
        upload::{
            AppendMemo, AppendResume, AppendSink, AppendUpload, Appended, Appending, ChunkSink, Digests,
            Memo, Progress, Resume, Upload, Uploaded, Volume,
        },
    },
    engine::{Fact, handle::Handle},
    failure::{Effect, Result},
    messages::message,
    text::Say,
};

/// The open volume, and the file it is for.
const VOLUME: Fact<(String, u64, Volume)> = Fact::new("upload_volume");
/// Chunks acknowledged so far: a hint.
const CHUNKS: Fact<BTreeSet<u32>> = Fact::new("upload_chunks");

/// The open upload of appended chunks, and the file it is for.
const APPENDING: Fact<(Digests, Appending)> = Fact::new("upload_appending");

/// Sends the file, or what is missing of it, when it has a place among those that travel.
pub async fn send(
    transfers: &Transfers,
    handle: &Handle,
    sink: impl ChunkSink + 'static,
    file: &MediaFile,
) -> Result<Uploaded> {
    let place = place(transfers, handle, file).await?;
    let resume = resume(handle, file);
    let chunks = RefCell::new(resume.as_ref().map(|resume| resume.acknowledged.clone()).unwrap_or_default());
    let upload = Upload {
        sink: Arc::new(Travelling::new(sink, handle.turn(), transfers, place)),
        file: &file.path,
        digests: transfers.known(&file.path),
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
    let uploaded = upload.run(resume).await?;
    transfers.learn(&file.path, &uploaded.digests);
    Ok(uploaded)
}

/// A place among the files that travel, of this cluster and of others; nothing is sent before.
async fn place(transfers: &Transfers, handle: &Handle, file: &MediaFile) -> Result<Option<Place>> {
    if let Some(place) = transfers.free_place() {
        return Ok(Some(place));
    }
    let args: [(&str, &dyn Say); 2] = [("file", &file.name), ("count", &transfers.at_a_time())];
    handle.note(message("stages.uploading.queued", &args));
    handle.unless_stopped(transfers.place()).await
}

/// The UUID of the volume that an earlier attempt of this step left open, if there is one.
pub fn open_volume(handle: &Handle) -> Option<String> {
    handle.remembered(&VOLUME).map(|(_, _, volume)| volume.image_uuid)
}

/// An earlier run's volume, when it was opened for this very file.
fn resume(handle: &Handle, file: &MediaFile) -> Option<Resume> {
    let (name, size, volume) = handle.remembered(&VOLUME)?;
    let acknowledged = handle.remembered(&CHUNKS).unwrap_or_default();
    (name == file.name && size == file.size).then_some(Resume { volume, acknowledged })
}

/// Sends the file chunk after chunk to a site that appends them; an upload that an earlier attempt of this step left
/// open is gone on with when it was opened for this very content. It stays remembered until it is given up.
pub async fn append(
    transfers: &Transfers,
    handle: &Handle,
    sink: impl AppendSink + 'static,
    file: &MediaFile,
) -> Result<Appended> {
    let digesting = |progress: Progress| {
        handle.transfer(&format!("SHA-256 {}", file.name), progress.done, progress.total);
    };
    let digests = transfers.digests(&file.path, &digesting).await?;
    let place = place(transfers, handle, file).await?;
    let resume = handle.remembered(&APPENDING).map(|(digests, upload)| AppendResume { upload, digests });
    let upload = AppendUpload {
        sink: Arc::new(Travelling::new(sink, handle.turn(), transfers, place)),
        file: &file.path,
        digests: digests.clone(),
        progress: &|progress| handle.transfer(&file.name, progress.done, progress.total),
        remember: &|memo| match memo {
            AppendMemo::Opened(upload) => handle.remember(&APPENDING, &(digests.clone(), upload.clone())),
            AppendMemo::Abandoned(_) => handle.forget_remembered(),
        },
    };
    let done = upload.run(resume).await;
    if done.as_ref().is_err_and(|failure| failure.effect == Effect::None)
        && handle.remembered(&APPENDING).is_none()
    {
        // Nothing is open at the site: the failure leaves nothing to look for.
        handle.forget_remembered()?;
    }
    done
}
