//! A file of the media folder on its way to the cluster, resumed where an earlier run stopped.

use std::{cell::RefCell, collections::BTreeSet, pin::pin, sync::Arc};

use futures_util::FutureExt;

use super::{media::MediaFile, travelling::Travelling};
use crate::{
    clients::{
        transfers::{Place, Transfers},
        upload::{
            AppendMemo, AppendResume, AppendSink, AppendUpload, Appended, Appending, ChunkSink, Digests,
            Memo, Progress, Resume, Upload, Uploaded, Volume,
        },
    },
    engine::{Fact, Slot, Turn, handle::Handle},
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
    let resume = resume(handle, file);
    let (place, slot) = place(transfers, handle, file, resume.is_none()).await?;
    let chunks = RefCell::new(resume.as_ref().map(|resume| resume.acknowledged.clone()).unwrap_or_default());
    let upload = Upload {
        sink: Arc::new(Travelling::new(sink, handle.turn(), slot, transfers, place)),
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

/// A place among the files that travel, of this cluster and of others, and the turn of the service if the upload is yet to
/// be opened; nothing is sent before.
async fn place(
    transfers: &Transfers,
    handle: &Handle,
    file: &MediaFile,
    opens: bool,
) -> Result<(Option<Place>, Option<Slot>)> {
    let turn = if opens {
        handle.turn()
    } else {
        // Chunks travel out of line, and nothing else may be left to send.
        handle.turn().waive();
        Turn::free()
    };
    let args: [(&str, &dyn Say); 2] = [("file", &file.name), ("count", &transfers.at_a_time())];
    let queued = || handle.note(message("stages.uploading.queued", &args));
    handle.unless_stopped(admission(transfers, &turn, queued)).await
}

/// Both at once: who has to wait for one of them keeps nobody from the other.
async fn admission(
    transfers: &Transfers,
    turn: &Turn,
    queued: impl FnOnce(),
) -> (Option<Place>, Option<Slot>) {
    let mut queued = Some(queued);
    loop {
        let place = match transfers.free_place() {
            Some(place) => Some(place),
            None => {
                if let Some(tell) = queued.take() {
                    tell();
                }
                // Who has the place may need the service before it gives the place back.
                turn.waive();
                transfers.place().await
            }
        };
        let mut take = pin!(turn.take());
        if let Some(slot) = take.as_mut().now_or_never() {
            return (place, slot);
        }
        drop(place);
        let slot = take.await;
        if let Some(place) = transfers.free_place() {
            return (Some(place), slot);
        }
    }
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
    if transfers.known(&file.path).is_none() {
        // Until all of the file is read, nothing is asked of the service.
        handle.turn().waive();
    }
    let digests = transfers.digests(&file.path, &digesting).await?;
    let resume = handle.remembered(&APPENDING).map(|(digests, upload)| AppendResume { upload, digests });
    let (place, slot) = place(transfers, handle, file, resume.is_none()).await?;
    let upload = AppendUpload {
        sink: Arc::new(Travelling::new(sink, handle.turn(), slot, transfers, place)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::transfers::Shares;

    fn one_place() -> Transfers {
        Transfers::new(Shares { uplink_mbit: 0, transfers: 1 })
    }

    #[tokio::test]
    async fn however_many_files_of_one_service_wait_for_one_place_each_gets_it() {
        let transfers = one_place();
        let travels = |turn: Turn| {
            let transfers = transfers.clone();
            async move {
                let (place, slot) = admission(&transfers, &turn, || {}).await;
                assert!(place.is_some() && slot.is_some());
                // Opened: from here on its chunks travel.
                tokio::task::yield_now().await;
                drop(slot);
                tokio::task::yield_now().await;
            }
        };
        futures_util::future::join_all(Turn::announced([3, 9, 1, 9, 5, 2, 7, 4]).map(travels)).await;
        assert!(transfers.free_place().is_some());
    }

    #[test]
    fn who_has_the_place_changes_its_service_while_a_file_with_a_longer_way_ahead_waits_for_the_place() {
        let transfers = one_place();
        let [holder, waiting] = Turn::announced([1, 9]);
        let place = transfers.free_place();
        let mut waits = pin!(admission(&transfers, &waiting, || {}));
        assert!(waits.as_mut().now_or_never().is_none());
        // Its volume is spoilt and has to be deleted.
        let deleting = holder.take().now_or_never().flatten();
        assert!(deleting.is_some());
        drop((deleting, place));
        assert!(waits.now_or_never().is_some_and(|(place, slot)| place.is_some() && slot.is_some()));
    }

    #[test]
    fn a_file_that_waits_for_its_service_leaves_the_place_to_others() {
        let transfers = one_place();
        let [busy, waiting] = Turn::announced([9, 1]);
        let changing = busy.take().now_or_never().flatten();
        let mut waits = pin!(admission(&transfers, &waiting, || {}));
        assert!(waits.as_mut().now_or_never().is_none());
        let place = transfers.free_place();
        assert!(place.is_some());
        drop(changing);
        assert!(waits.as_mut().now_or_never().is_none());
        drop(place);
        assert!(waits.now_or_never().is_some_and(|(place, slot)| place.is_some() && slot.is_some()));
    }
}
