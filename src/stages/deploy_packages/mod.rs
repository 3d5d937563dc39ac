//! Stage 10, deploy-packages: packages of Everoute, File Storage and the Kubernetes Service. Nobody knows how these
//! are installed without the web page, so that the best end is a package that is there (api-applications §4).

mod application;
mod listed;
mod product;
mod settings;
mod told;
mod upload;

use self::product::{EVEROUTE, FILE_STORAGE, KUBERNETES, Product};
use super::{
    media::MediaFile,
    patience::patient,
    world::{World, WorldRead},
};
use crate::{
    engine::{ChangeProbe, Steps, handle::Handle},
    failure::Result,
};

/// The packages that these steps would send, as far as they are among the media.
pub fn to_send(world: &WorldRead, arch: &str) -> Vec<MediaFile> {
    let sent = product::ALL.into_iter().filter(|product| !product.own_list && product.settings(world).upload);
    sent.filter_map(|product| product.file(world, arch).ok()?).collect()
}

pub fn steps() -> Steps<World> {
    let steps = package(Steps::new(), "everoute", &EVEROUTE);
    let steps = package(steps, "file-storage", &FILE_STORAGE);
    package(steps, "kubernetes", &KUBERNETES).verify("settings", settings::read)
}

fn package(steps: Steps<World>, id: &'static str, product: &'static Product) -> Steps<World> {
    steps.change_followed(
        id,
        patient(async move |world: &WorldRead, handle: &Handle| -> Result<ChangeProbe> {
            upload::probe(product, world, handle).await
        }),
        async move |world: &World, handle: &Handle| upload::act(product, world, handle).await,
        async move |world: &WorldRead, handle: &Handle| upload::follow(product, world, handle).await,
    )
}
