//! Packages are digested while the site is busy with itself: appended chunks begin with a digest, and nothing else should
//! wait for that then.

use std::future::{Future, pending};

use super::{deploy_backup, deploy_observability, deploy_packages, media::MediaFile, world::WorldRead};
use crate::{engine::handle::Handle, messages::message};

/// Awaits `wait`, and digests the packages of later stages as far as it lasts.
pub async fn meanwhile<T>(world: &WorldRead, handle: &Handle, wait: impl Future<Output = T>) -> T {
    let aside = async {
        for file in packages(world, handle) {
            match world.transfers.digests(&file.path, &|_| {}).await {
                Ok(_) => handle.note(message("stages.digesting.done", &[("file", &file.name)])),
                // Told by the step that sends it.
                Err(failure) => tracing::debug!(file = file.name, ?failure, "not digested ahead"),
            }
        }
        pending().await
    };
    tokio::select! {
        biased;
        done = wait => done,
        never = aside => never,
    }
}

/// Those that stages 08 to 10 send to CloudTower, as far as they are there. What is wrong with the others is told by the
/// steps that send them.
fn packages(world: &WorldRead, handle: &Handle) -> Vec<MediaFile> {
    let arch = deploy_observability::media::arch_of_hosts(handle);
    if arch.is_empty() {
        // Nothing was scanned by this run or an earlier one: any file would be a guess.
        return Vec::new();
    }
    let (observability, backup) = (&world.plan.observability.ip, &world.plan.backup.ip);
    let observability =
        observability.as_ref().and_then(|_| deploy_observability::media::file(world, &arch).ok()?);
    let backup = backup.as_ref().and_then(|_| deploy_backup::media::file(world, &arch).ok()?);
    let others = deploy_packages::to_send(world, &arch);
    observability.into_iter().chain(backup).chain(others).collect()
}
