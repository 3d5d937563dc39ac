//! `deploy-observability.package`: the package inside CloudTower. What has its name, architecture and release is there
//! already; the build is not told (api-applications §§2.2, 2.3).

use serde::{Deserialize, Serialize};

use super::{
    found::{Found, find, planned},
    media,
    tasks::{COMMIT, Commit},
};
use crate::{
    clients::tower::{BundlePackage, Committed, Find, Observability},
    engine::{ChangeProbe, Fact, Facts, World as _, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::CLUSTER,
        media::MediaFile,
        uploading,
        world::{World, WorldRead},
    },
};

/// The package that Observability is made from.
pub const PACKAGE: Fact<Installed> = Fact::new("observability_package");

/// A package inside CloudTower.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    pub id: String,
    /// `v1.4.2-release.20250901`
    pub version: String,
    pub arch: String,
}

const NAME: &str = "Observability";

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if let Err(why) = planned(&world.plan) {
        return Ok(ChangeProbe::NotNeeded(why));
    }
    let all = world.tower(handle).observability().await?;
    if world.tower(handle).is_cookieless() && !handle.begun() {
        handle.warn(message("stages.observability.cookieless", &[]));
    }
    // What is made already is not made again from another package.
    if let Found::Ours(instance) = find(&world.plan, handle, &all)
        && let Some(package) = instance.bundle_application_package
    {
        let installed = Installed { id: package.id, version: package.version, arch: package.arch };
        return Ok(ChangeProbe::Done(Facts::none().with(&PACKAGE, &installed)));
    }
    let arch = arch(world, handle).await?;
    match media::file(world, &arch)? {
        Some(file) => Ok(listed(&all, &file, handle)),
        None => Ok(newest(world, &all, &arch, handle)),
    }
}

/// That of the scanned hosts: the package may travel before CloudTower knows the cluster. Who has not scanned them
/// asks CloudTower.
async fn arch(world: &WorldRead, handle: &Handle) -> Result<String> {
    let scanned = media::arch_of_hosts(handle);
    if !scanned.is_empty() {
        return Ok(scanned);
    }
    let id = handle.need(&CLUSTER)?;
    let clusters = world.tower(handle).clusters(Find::Id(&id)).await?;
    let known = clusters.into_iter().next().and_then(|cluster| cluster.architecture);
    Ok(known.unwrap_or_default())
}

fn ours(package: &BundlePackage) -> bool {
    package.name.eq_ignore_ascii_case(NAME)
}

fn done(package: &BundlePackage) -> ChangeProbe {
    let BundlePackage { id, version, arch, .. } = package.clone();
    ChangeProbe::Done(Facts::none().with(&PACKAGE, &Installed { id, version, arch }))
}

fn listed(all: &Observability, file: &MediaFile, handle: &Handle) -> ChangeProbe {
    let version = media::server_version(file);
    let same = |package: &&BundlePackage| {
        ours(package) && package.arch.eq_ignore_ascii_case(&file.arch) && package.version == version
    };
    let Some(package) = all.packages.iter().find(same) else { return ChangeProbe::Absent };
    if !handle.begun() {
        let args: [(&str, &dyn crate::text::Say); 2] = [("version", &version), ("name", &file.name)];
        handle.note(message("stages.observability.same_release", &args));
    }
    done(package)
}

/// Without a file on this machine what CloudTower has will do: of the planned version, else the newest.
fn newest(world: &WorldRead, all: &Observability, arch: &str, handle: &Handle) -> ChangeProbe {
    let planned = world.plan.observability.version.as_ref().map(|version| numbers(&version.value));
    let is_planned = |version: &[u32]| planned.as_ref().is_some_and(|planned| version.starts_with(planned));
    let rank = |package: &&BundlePackage| {
        let version = numbers(&package.version);
        (is_planned(&version), version)
    };
    let fits = |package: &&BundlePackage| ours(package) && package.arch.eq_ignore_ascii_case(arch);
    let Some(package) = all.packages.iter().filter(fits).max_by_key(rank) else { return ChangeProbe::Absent };
    if !handle.begun() {
        handle.note(message("stages.observability.theirs", &[("version", &package.version)]));
    }
    done(package)
}

/// `v1.10.0-release.20250901` as numbers, so that 10 comes after 9.
fn numbers(version: &str) -> Vec<u32> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let read = world.read();
    let arch = arch(read, handle).await?;
    let Some(file) = media::file(read, &arch)? else { return Err(media::missing(read)) };
    let tower = world.tower(handle);
    // By the server's clock, so that tasks of the past are told apart.
    let commit = Commit::about(&file, &tower).await?;
    let sink = tower.ovm_sink(&file.name, file.size);
    let sent = uploading::append(world.transfers(), handle, sink, &file).await?;
    if sent.restarted {
        handle.warn(message("stages.observability.restarted", &[("file", &file.name)]));
    }
    handle.remember(&COMMIT, &commit)?;
    match tower.commit_package(&file.name, &sent.upload.id).await? {
        Committed::Taken => handle.remember(&COMMIT, &commit.answered()),
        Committed::Refused(failure) => {
            // What was sent is no use, and a later run sends it anew.
            handle.forget_remembered()?;
            Err(failure)
        }
    }
}
