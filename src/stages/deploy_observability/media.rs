//! The Observability package among the media: the newest of the cluster's architecture (api-applications §2.1).

use crate::{
    engine::handle::Handle,
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::HOSTS,
        media::{MediaFile, Package, Search},
        world::WorldRead,
    },
    text::Text,
};

/// The package to use; `None` when there is none.
///
/// # Errors
/// `Kind::Media`: it is empty, no gzip file or unreadable, or there are only packages of another architecture.
pub fn file(world: &WorldRead, arch: &str) -> Result<Option<MediaFile>> {
    let Some(folder) = &world.media else { return Ok(None) };
    let arch = Some(arch).filter(|arch| !arch.is_empty());
    let search = Package::observability().search(folder, arch)?;
    match (&search.newest, arch) {
        (None, Some(arch)) if !search.foreign.is_empty() => Err(foreign(&search, arch)),
        _ => Ok(search.newest),
    }
}

/// The hosts' architecture; empty before they were scanned.
pub fn arch_of_hosts(handle: &Handle) -> String {
    let hosts = handle.fact(&HOSTS).unwrap_or_default();
    hosts.first().map(|host| host.arch.clone()).unwrap_or_default()
}

/// What CloudTower calls the version of a package: the release, without a build (api-applications §2.2).
pub fn server_version(file: &MediaFile) -> String {
    match file.release {
        Some(release) => format!("v{}-release.{release}", file.version),
        None => format!("v{}", file.version),
    }
}

/// Nothing to deploy from, with what almost fits.
pub fn missing(world: &WorldRead) -> Box<Failure> {
    let package = Package::observability();
    let failure = Failure::new(Kind::Media, message("stages.observability.media", &[]));
    let advice = message("stages.iso.give_folder", &[("pattern", &package.shown())]);
    let Some(folder) = &world.media else {
        return failure.answer(message("stages.iso.no_folder", &[])).advise(advice);
    };
    let odd = package.search(folder, None).map(|search| search.odd).unwrap_or_default();
    let failure =
        failure.at(folder.display()).answer(message("stages.iso.none", &[("pattern", &package.shown())]));
    let failure = match odd.is_empty() {
        true => failure,
        false => failure.meaning(message("stages.iso.odd", &[("names", &odd.join(", "))])),
    };
    failure.advise(advice)
}

fn foreign(search: &Search, arch: &str) -> Box<Failure> {
    Failure::new(Kind::Media, message("stages.observability.media", &[]))
        .answer(Text::same(search.foreign.join(", ")))
        .meaning(message("stages.iso.foreign", &[("arch", &arch)]))
        .advise(message("stages.iso.give_arch", &[("arch", &arch)]))
}
