//! `deploy-cloudtower.media`: the installation image on this machine: newest, of the hosts' architecture, whole.

use crate::{
    engine::{Facts, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::{HOSTS, TOWER_VM},
        media::{
            MediaFile, Package, Search,
            damage::{Image, judge},
        },
        world::WorldRead,
    },
    text::Text,
    units,
};

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    if handle.fact(&TOWER_VM).is_some() || handle.fact(&super::image::IMAGE).is_some() {
        handle.note(message("stages.iso.not_needed", &[]));
        return Ok(Facts::none());
    }
    match iso(world, handle)? {
        Some(_) => Ok(Facts::none()),
        None => Err(missing(world)),
    }
}

/// The image to use, told about and found whole; `None` when there is none.
///
/// # Errors
/// `Kind::Media`: it is cut off, unreadable, or there are only images of another architecture.
pub fn iso(world: &WorldRead, handle: &Handle) -> Result<Option<MediaFile>> {
    let search = search(world, handle)?;
    let Some(file) = &search.newest else {
        return if search.foreign.is_empty() { Ok(None) } else { Err(foreign(&search, &arch(handle))) };
    };
    handle.note(message(
        "stages.iso.found",
        &[("name", &file.name), ("version", &file.version), ("size", &units::bytes(file.size))],
    ));
    whole(file, handle)?;
    if !search.passed_over.is_empty() {
        let others = search.passed_over.join(", ");
        handle.warn(message("stages.iso.passed_over", &[("name", &file.name), ("others", &others)]));
    }
    if let Some(planned) = &world.plan.cloudtower.version
        && planned.value.trim_start_matches(['v', 'V']) != file.version
    {
        handle.warn(message(
            "stages.iso.other_version",
            &[("found", &file.version), ("planned", &planned.value), ("cell", &planned.cell)],
        ));
    }
    Ok(search.newest)
}

/// The same without a word, for probes that look again and again.
pub fn silent(world: &WorldRead, handle: &Handle) -> Result<Option<MediaFile>> {
    Ok(search(world, handle)?.newest)
}

fn search(world: &WorldRead, handle: &Handle) -> Result<Search> {
    let arch = arch(handle);
    let arch = Some(arch.as_str()).filter(|arch| !arch.is_empty());
    match &world.media {
        Some(folder) => Package::cloudtower().search(folder, arch),
        None => Ok(Search::default()),
    }
}

/// The hosts' architecture; empty before they were scanned.
fn arch(handle: &Handle) -> String {
    let hosts = handle.fact(&HOSTS).unwrap_or_default();
    hosts.first().map(|host| host.arch.clone()).unwrap_or_default()
}

fn whole(file: &MediaFile, handle: &Handle) -> Result<()> {
    let damaged = |answer: Text| {
        Err(Failure::new(Kind::Media, message("stages.iso.doing", &[]))
            .at(file.path.display())
            .answer(answer)
            .meaning(message("stages.iso.cut", &[]))
            .advise(message("stages.iso.copy_again", &[])))
    };
    let judged = judge(&file.path, file.size).map_err(|error| {
        Failure::new(Kind::Media, message("stages.iso.doing", &[])).at(file.path.display()).because(&error)
    })?;
    match judged {
        Image::Whole => Ok(()),
        Image::AtLimit => damaged(message("stages.iso.at_limit", &[("size", &file.size)])),
        Image::Short { declared } => {
            damaged(message("stages.iso.short", &[("size", &file.size), ("declared", &declared)]))
        }
        Image::Strange => {
            handle.warn(message("stages.iso.strange", &[("name", &file.name)]));
            Ok(())
        }
    }
}

/// Nothing to deploy from, with what almost fits.
pub fn missing(world: &WorldRead) -> Box<Failure> {
    let package = Package::cloudtower();
    let failure = Failure::new(Kind::Media, message("stages.iso.doing", &[]));
    let Some(folder) = &world.media else {
        return failure
            .answer(message("stages.iso.no_folder", &[]))
            .advise(message("stages.iso.give_folder", &[("pattern", &package.shown())]));
    };
    let odd = package.search(folder, None).map(|search| search.odd).unwrap_or_default();
    let failure =
        failure.at(folder.display()).answer(message("stages.iso.none", &[("pattern", &package.shown())]));
    let failure = match odd.is_empty() {
        true => failure,
        false => failure.meaning(message("stages.iso.odd", &[("names", &odd.join(", "))])),
    };
    failure.advise(message("stages.iso.give_folder", &[("pattern", &package.shown())]))
}

fn foreign(search: &Search, arch: &str) -> Box<Failure> {
    Failure::new(Kind::Media, message("stages.iso.doing", &[]))
        .answer(Text::same(search.foreign.join(", ")))
        .meaning(message("stages.iso.foreign", &[("arch", &arch)]))
        .advise(message("stages.iso.give_arch", &[("arch", &arch)]))
}
