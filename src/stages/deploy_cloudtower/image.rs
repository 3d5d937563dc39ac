//! `deploy-cloudtower.image`: the installation image on the cluster. What is listed with our name, size and MD5 is
//! reused; what only has our name is left alone (api-fisheye §7).

use serde::{Deserialize, Serialize};

use super::media;
use crate::{
    clients::{
        fisheye::Image,
        upload::{Digests, Progress, Uploaded},
    },
    engine::{ChangeProbe, Fact, Facts, World as _, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::TOWER_VM,
        uploading,
        world::{World, WorldRead},
    },
};

/// The image that the VM is installed from.
pub const IMAGE: Fact<TowerImage> = Fact::new("tower_image");

/// What was sent to its last byte.
const SENT: Fact<TowerImage> = Fact::new("image_sent");

/// An installation image on the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TowerImage {
    pub uuid: String,
    pub name: String,
    pub digests: Digests,
    /// What the CD-ROM drive needs.
    pub path: String,
}

impl TowerImage {
    fn of(listed: &Image, digests: Digests) -> Self {
        let Image { uuid, name, path, .. } = listed.clone();
        Self { uuid, name, digests, path }
    }

    /// Its entry in the list, if that still says the same.
    fn find<'a>(&self, images: &'a [Image]) -> Option<&'a Image> {
        let Digests { size, md5, .. } = &self.digests;
        images.iter().find(|image| image.uuid == self.uuid && image.holds(&self.name, *size, md5))
    }
}

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let images = world.cluster(handle).images().await?;
    let file = media::silent(world, handle)?;
    let has_vm = handle.fact(&TOWER_VM).is_some();
    let known = handle.remembered(&SENT).or_else(|| handle.fact(&IMAGE)).filter(|known| {
        // A newer file on this machine counts until there is a VM.
        has_vm || file.as_ref().is_none_or(|file| file.name == known.name && file.size == known.digests.size)
    });
    if let Some(known) = known
        && let Some(listed) = known.find(&images)
    {
        return Ok(done(TowerImage::of(listed, known.digests)));
    }
    if has_vm {
        return Ok(ChangeProbe::NotNeeded(message("stages.image.not_needed", &[])));
    }
    let Some(file) = file else {
        return Ok(ChangeProbe::Unknown(message("stages.image.no_file", &[])));
    };
    let same = |image: &&Image| image.name == file.name && image.size == Some(file.size);
    if !images.iter().any(|image| same(&image)) {
        return Ok(ChangeProbe::Absent);
    }
    let digesting = |progress: Progress| {
        handle.transfer(&format!("MD5 {}", file.name), progress.done, progress.total);
    };
    let digests = world.transfers.digests(&file.path, &digesting).await?;
    let whole = images.iter().find(|image| image.holds(&file.name, file.size, &digests.md5));
    Ok(whole.map_or(ChangeProbe::Absent, |listed| done(TowerImage::of(listed, digests))))
}

fn done(image: TowerImage) -> ChangeProbe {
    ChangeProbe::Done(Facts::none().with(&IMAGE, &image))
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let Some(file) = media::silent(world.read(), handle)? else { return Err(media::missing(world.read())) };
    let open = uploading::open_volume(handle);
    let fisheye = world.fisheye(handle);
    for image in fisheye.images().await?.iter().filter(|image| image.name == file.name) {
        if Some(&image.uuid) != open.as_ref() {
            handle.warn(message("stages.image.namesake", &[("name", &file.name), ("uuid", &image.uuid)]));
        }
    }
    let sink = fisheye.image_sink(&file.name, file.size, DESCRIPTION);
    let done = uploading::send(world.transfers(), handle, sink, &file).await?;
    if done.restarted {
        handle.warn(message("stages.image.restarted", &[("file", &file.name)]));
    }
    let Uploaded { volume, digests, .. } = done;
    let sent = TowerImage { uuid: volume.image_uuid, name: file.name, digests, path: volume.image_path };
    handle.remember(&SENT, &sent)
}

/// What the cluster shows beside the image and the VM.
pub const DESCRIPTION: &str = "CloudTower, deployed by voyager";
