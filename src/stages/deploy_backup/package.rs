//! `deploy-backup.package`: the package of the backup service in CloudTower. What is there in the same or a newer
//! version is used; an older one is never put over it (api-applications §§3.1, 3.2).

use std::{cmp::Ordering, time::Duration};

use serde::{Deserialize, Serialize};

use super::not_planned;
use crate::{
    clients::tower::{ApplicationPackage, TowerReader, UploadStatus},
    engine::{ChangeProbe, Difference, Fact, Facts, WaitProbe, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        editions,
        facts::{HOSTS, reason},
        media::{MediaFile, Package, Search},
        uploading,
        world::{World, WorldRead},
    },
    text::{Say, Text},
};

/// What CloudTower calls it (§3.1).
pub const NAME: &str = "iomesh-backup";

/// The package that the service is made of.
pub const PACKAGE: Fact<BackupPackage> = Fact::new("backup_package");

/// The upload that was sent to its last byte.
const SENT: Fact<Sent> = Fact::new("backup_sent");

/// An upload, and the name of the file that it was made of: the operator may bring another one before it is taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    pub upload: String,
    pub file: String,
}

/// From the last chunk until the package is listed (§3.2).
const LISTED_WITHIN: Duration = Duration::from_secs(600);

/// A package in CloudTower.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPackage {
    pub id: String,
    pub version: String,
    pub architecture: String,
}

/// What is to be used.
enum Choice {
    AtSite(ApplicationPackage),
    /// The file of this machine, and the older one that CloudTower has.
    Send(MediaFile, Option<ApplicationPackage>),
}

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if world.plan.backup.ip.is_none() {
        return Ok(ChangeProbe::NotNeeded(not_planned()));
    }
    Ok(match choose(world, handle, &world.tower(handle)).await? {
        Choice::AtSite(ApplicationPackage { id, version, architecture, .. }) => {
            ChangeProbe::Done(Facts::none().with(&PACKAGE, &BackupPackage { id, version, architecture }))
        }
        Choice::Send(_, None) => ChangeProbe::Absent,
        Choice::Send(file, Some(older)) => ChangeProbe::Differs(vec![Difference {
            what: message("stages.backup.package", &[]),
            found: older.version,
            planned: file.version,
            cell: None,
        }]),
    })
}

async fn choose(world: &WorldRead, handle: &Handle, tower: &TowerReader) -> Result<Choice> {
    let arch = architecture(handle)?;
    let search = search(world, Some(&arch))?;
    let listed = tower.packages_named(NAME).await?;
    let there = editions::newest(&listed, &arch, search.newest.as_ref());
    match (search.newest, there) {
        (Some(file), Some(there)) => Ok(match editions::compare(&file.version, &there.version) {
            Ordering::Greater => Choice::Send(file, Some(there.clone())),
            Ordering::Equal => Choice::AtSite(there.clone()),
            Ordering::Less => {
                let args: [(&str, &dyn Say); 3] =
                    [("there", &there.version), ("file", &file.name), ("version", &file.version)];
                handle.note(message("stages.backup.newer_there", &args));
                Choice::AtSite(there.clone())
            }
        }),
        (None, Some(there)) => Ok(Choice::AtSite(there.clone())),
        (Some(file), None) => Ok(Choice::Send(file, None)),
        (None, None) => Err(missing(world, &arch, &search.foreign, &search.odd)),
    }
}

/// The hosts', and so the VM's.
fn architecture(handle: &Handle) -> Result<String> {
    Ok(handle.need(&HOSTS)?.first().map(|host| host.arch.clone()).unwrap_or_default())
}

pub fn search(world: &WorldRead, arch: Option<&str>) -> Result<Search> {
    match &world.media {
        Some(folder) => Package::backup().search(folder, arch),
        None => Ok(Search::default()),
    }
}

/// There is nothing to send, and nothing to use.
fn missing(world: &WorldRead, arch: &str, foreign: &[String], odd: &[String]) -> Box<Failure> {
    let pattern = Package::backup().shown();
    let failure = Failure::new(Kind::Media, message("stages.backup.finding_package", &[]))
        .meaning(message("stages.backup.no_package", &[("arch", &arch), ("pattern", &pattern)]))
        .advise(message("stages.backup.bring_package", &[("pattern", &pattern)]));
    let failure = match &world.media {
        Some(folder) => failure.at(folder.display()),
        None => failure,
    };
    let close: Vec<&str> = foreign.iter().chain(odd).map(String::as_str).collect();
    if close.is_empty() {
        return failure;
    }
    failure.answer(message("stages.backup.close", &[("names", &close.join(", "))]))
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let tower = world.tower(handle);
    let Choice::Send(file, _) = choose(world.read(), handle, &tower).await? else { return Ok(()) };
    if let Some(planned) = &world.plan().backup.version
        && editions::compare(&planned.value, &file.version) != Ordering::Equal
    {
        let args: [(&str, &dyn Say); 3] =
            [("file", &file.name), ("planned", &planned.value), ("cell", &planned.cell)];
        handle.warn(message("stages.backup.other_version", &args));
    }
    let sink = tower.named_package_sink(NAME, &file.name, file.size);
    let done = uploading::append(world.transfers(), handle, sink, &file).await?;
    if done.restarted {
        handle.warn(message("stages.apps.restarted", &[("file", &file.name)]));
    }
    handle.remember(&SENT, &Sent { upload: done.upload.id, file: file.name })
}

/// The package is taken in after its last chunk, and listed some time after that.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    let Some(Sent { upload, file }) = handle.remembered(&SENT) else { return Ok(()) };
    let newest = search(world, Some(&architecture(handle)?))?.newest;
    if newest.is_some_and(|newest| newest.name != file) {
        // The probe decides whether the other one is to be sent.
        return Ok(());
    }
    let tower = world.tower(handle);
    let look = async || {
        match taken_in(&tower, handle, &upload).await? {
            WaitProbe::Ready(_) => {}
            waiting => return Ok(waiting),
        }
        Ok(match choose(world, handle, &tower).await {
            Ok(Choice::AtSite(_)) => WaitProbe::Ready(Facts::none()),
            Ok(Choice::Send(..)) => WaitProbe::NotYet(message("stages.backup.not_listed", &[])),
            Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
                WaitProbe::NotYet(reason(&failure))
            }
            Err(failure) => return Err(failure),
        })
    };
    handle.poll_for(LISTED_WITHIN, look).await.map(drop)
}

/// Whether CloudTower has taken in what was sent.
///
/// # Errors
/// It says that it could not: the upload is forgotten, so that a later run sends the package anew.
pub async fn taken_in(tower: &TowerReader, handle: &Handle, upload: &str) -> Result<WaitProbe> {
    let task = match tower.upload_task(upload).await {
        Ok(task) => task,
        Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
            return Ok(WaitProbe::NotYet(reason(&failure)));
        }
        Err(failure) => return Err(failure),
    };
    // One that is not known any more is over: the list of packages tells.
    let Some(task) = task else { return Ok(WaitProbe::Ready(Facts::none())) };
    match task.status {
        UploadStatus::Succeeded => Ok(WaitProbe::Ready(Facts::none())),
        UploadStatus::Failed | UploadStatus::Paused => {
            handle.forget_remembered()?;
            Err(Failure::new(Kind::Site, handle.manifest().title.clone())
                .at(format_args!("upload task {upload}"))
                .answer(Text::same(&task.status))
                .meaning(message("stages.apps.not_taken_in", &[]))
                .advise(message("stages.apps.check_package", &[])))
        }
        status => Ok(WaitProbe::NotYet(message("stages.apps.taking_in", &[("status", &status)]))),
    }
}
