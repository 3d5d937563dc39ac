//! `deploy-packages.everoute`, `.file-storage`, `.kubernetes`: one product's package, as far as it can be brought to
//! CloudTower. Every end is called what it is; none is called deployed (api-applications §4).

use std::time::Duration;

use super::{
    application,
    listed::{candidates, new, same},
    product::{Product, Registered, State},
    told::told,
};
use crate::{
    clients::tower::{ApplicationPackage, TowerReader},
    engine::{ChangeProbe, Fact, Facts, WaitProbe, World as _, handle::Handle},
    failure::{Kind, Result},
    messages::message,
    stages::{
        deploy_backup::{Sent, taken_in},
        facts::{HOSTS, reason},
        media::MediaFile,
        uploading,
        world::{World, WorldRead},
    },
    text::{Say, Text},
};

/// Ids of the packages that were there before this file was sent: of a file by its name, here and below, because the
/// operator may bring another one before it is taken in.
const BEFORE: Fact<(String, Vec<String>)> = Fact::new("packages_before_file");
/// The upload that was sent to its last byte.
const SENT: Fact<Sent> = Fact::new("package_sent");
/// The file that CloudTower does not take, and why.
const REJECTED: Fact<(String, Text)> = Fact::new("package_rejected_file");

/// From the last chunk until the package is listed.
const LISTED_WITHIN: Duration = Duration::from_secs(600);

pub async fn probe(product: &Product, world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let tell = |state: Text| told(product, &world.plan, &state);
    let Some(file) = file(product, world, handle)? else {
        let pattern = product.package(world).shown();
        return Ok(ChangeProbe::NotNeeded(tell(message("stages.apps.no_package", &[("pattern", &pattern)]))));
    };
    if let Some((_, words)) = handle.remembered(&REJECTED).filter(|(name, _)| *name == file.name) {
        let args: [(&str, &dyn Say); 2] = [("file", &file.name), ("words", &words)];
        return Ok(ChangeProbe::NotNeeded(tell(message("stages.apps.rejected", &args))));
    }
    let tower = world.tower(handle);
    match find(product, world, handle, &tower, &file).await? {
        Some(registered) => application::probe(product, world, handle, registered).await,
        None if product.settings(world).upload => Ok(ChangeProbe::Absent),
        None => {
            let by_hand = tell(message("stages.apps.manual", &[("file", &file.name)]));
            handle.warn(by_hand.clone());
            Ok(ChangeProbe::NotNeeded(by_hand))
        }
    }
}

fn file(product: &Product, world: &WorldRead, handle: &Handle) -> Result<Option<MediaFile>> {
    let hosts = handle.need(&HOSTS)?;
    let arch = hosts.first().map(|host| host.arch.as_str()).unwrap_or_default();
    product.file(world, arch)
}

/// The file's package in CloudTower: the one that an upload has made, else one of the same version.
async fn find(
    product: &Product,
    world: &WorldRead,
    handle: &Handle,
    tower: &TowerReader,
    file: &MediaFile,
) -> Result<Option<Registered>> {
    let listed = candidates(product, tower, handle).await?;
    let known = handle
        .fact(&product.fact)
        .filter(|known| known.file == file.name && listed.iter().any(|package| package.id == known.package));
    if known.is_some() {
        return Ok(known);
    }
    let uploaded = before(handle, file).and_then(|before| new(&listed, &before, file));
    let state = |package: &ApplicationPackage, state: State| {
        let args: [(&str, &dyn Say); 3] =
            [("file", &file.name), ("name", &package.name), ("version", &package.version)];
        let words = match state {
            State::UploadedNotInstalled => message("stages.apps.uploaded", &args),
            State::AlreadyPresent | State::RunningUnverified => message("stages.apps.present", &args),
        };
        Registered {
            state,
            told: told(product, &world.plan, &words),
            file: file.name.clone(),
            package: package.id.clone(),
            version: package.version.clone(),
            architecture: package.architecture.clone(),
        }
    };
    Ok(match uploaded {
        Some(package) => Some(state(package, State::UploadedNotInstalled)),
        None => same(&listed, file).map(|package| state(package, State::AlreadyPresent)),
    })
}

/// What was there before `file` was sent.
fn before(handle: &Handle, file: &MediaFile) -> Option<Vec<String>> {
    let (name, before) = handle.remembered(&BEFORE)?;
    (name == file.name).then_some(before)
}

pub async fn act(product: &Product, world: &World, handle: &Handle) -> Result<()> {
    let read = world.read();
    let Some(file) = file(product, read, handle)? else { return Ok(()) };
    let tower = world.tower(handle);
    if find(product, read, handle, &tower, &file).await?.is_none() {
        if !send(product, world, handle, &file).await? {
            return Ok(());
        }
        if product.settings(read).vm_spec_file.is_some() {
            follow(product, read, handle).await?;
        }
    }
    if handle.cancelled() {
        return Ok(());
    }
    match find(product, read, handle, &tower, &file).await? {
        Some(registered) => application::act(product, world, handle, &registered).await,
        // Taken in a little later: it is followed.
        None => Ok(()),
    }
}

/// Sends the file; `false`: CloudTower does not take it, and says so in its own words.
async fn send(product: &Product, world: &World, handle: &Handle, file: &MediaFile) -> Result<bool> {
    let tower = world.tower(handle);
    let before = match before(handle, file) {
        Some(before) => before,
        None => candidates(product, &tower, handle).await?.into_iter().map(|one| one.id).collect(),
    };
    let before = (file.name.clone(), before);
    handle.remember(&BEFORE, &before)?;
    let sink = tower.package_sink(&file.name, file.size);
    let rejection = sink.rejection();
    let done = match uploading::append(world.transfers(), handle, sink, file).await {
        Ok(done) => done,
        Err(failure) => {
            let words = rejection.words().filter(|words| failure.answer.as_ref() == Some(words));
            let Some(words) = words.filter(|_| !handle.cancelled()) else { return Err(failure) };
            let args: [(&str, &dyn Say); 2] = [("file", &file.name), ("words", &words)];
            handle.warn(message("stages.apps.rejected", &args));
            handle.remember(&REJECTED, &(file.name.clone(), words))?;
            return Ok(false);
        }
    };
    if done.restarted {
        handle.warn(message("stages.apps.restarted", &[("file", &file.name)]));
    }
    // An upload that was given up on the way has taken this along.
    handle.remember(&BEFORE, &before)?;
    handle.remember(&SENT, &Sent { upload: done.upload.id, file: file.name.clone() })?;
    Ok(true)
}

/// The package is taken in after its last chunk, and listed some time after that.
pub async fn follow(product: &Product, world: &WorldRead, handle: &Handle) -> Result<()> {
    let Some(sent) = handle.remembered(&SENT) else { return Ok(()) };
    let Some(file) = file(product, world, handle)?.filter(|file| file.name == sent.file) else {
        // The probe decides whether another one is to be sent.
        return Ok(());
    };
    let tower = world.tower(handle);
    let look = async || {
        // In the middle of an act nobody else asks whether the run is to stop.
        if handle.cancelled() {
            return Ok(WaitProbe::Ready(Facts::none()));
        }
        match taken_in(&tower, handle, &sent.upload).await? {
            WaitProbe::NotYet(why) => return Ok(WaitProbe::NotYet(why)),
            WaitProbe::Ready(_) | WaitProbe::NotNeeded(_) => {}
        }
        match find(product, world, handle, &tower, &file).await {
            Ok(Some(_)) => Ok(WaitProbe::Ready(Facts::none())),
            Ok(None) => Ok(WaitProbe::NotYet(message("stages.backup.not_listed", &[]))),
            Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
                Ok(WaitProbe::NotYet(reason(&failure)))
            }
            Err(failure) => Err(failure),
        }
    };
    handle.poll_for(LISTED_WITHIN, look).await.map(drop)
}
