//! Packages of Observability: what the two tasks after a commit make of an upload (api-applications §2.5).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        super::{clock::Moment, durations, site::State},
        fate::TaskFate,
        tasks::{NewTask, Resource},
        visit::Visit,
    },
    ObservabilityFate,
    knobs::OldPackage,
};

/// What the server keeps of a file name; the build number is not among it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    pub arch: String,
    /// `v1.4.2-release.20250901`, or just `v1.4.2`.
    pub version: String,
}

impl FileName {
    /// Reads `Observability-<ARCH>-v<X.Y.Z>[-release.<YYYYMMDD>[-<BUILD>]].tar.gz` (§2.1).
    pub fn read(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let rest = lower.strip_prefix("observability-")?.strip_suffix(".tar.gz")?;
        let (arch, rest) = rest.split_once("-v")?;
        if !["x86_64", "aarch64"].contains(&arch) {
            return None;
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (numbers, release) = match rest.split_once("-release.") {
            Some((numbers, release)) => (numbers, Some(release)),
            None => (rest, None),
        };
        let date = release.map(|release| release.split_once('-').map_or(release, |(date, _)| date));
        let build = release.and_then(|release| release.split_once('-')).map(|(_, build)| build);
        let good = numbers.split('.').all(digits)
            && date.is_none_or(|date| date.len() == 8 && digits(date))
            && build.is_none_or(digits);
        let date = date.map(|date| format!("-release.{date}")).unwrap_or_default();
        good.then(|| Self { arch: arch.to_ascii_uppercase(), version: format!("v{numbers}{date}") })
    }
}

/// One package.
#[derive(Debug, Serialize, Deserialize)]
pub struct Package {
    pub id: String,
    name: String,
    version: String,
    arch: String,
    /// When its record appears.
    since: Moment,
}

/// Starts the two tasks. What is no archive makes the first of them fail, and without the first there is no second.
pub fn import(visit: &mut Visit<'_>, file: &str, good: bool) {
    let Some(name) = FileName::read(file) else { return };
    let (fate, told) = (visit.observability_fate(), visit.task_fate());
    let times = &visit.state.durations.tower;
    let (first, second_start) = (times.observability_t1, times.observability_t2_start);
    let id = visit.state.new_ksuid();
    let task = NewTask {
        seconds: first,
        fate: (!good).then_some(TaskFate::Failed),
        error: (!good).then_some("SIM_BAD_ARCHIVE: gzip: unexpected end of file"),
        stays_at_zero: true,
        ..NewTask::ordinary(
            visit,
            &format!("Create Installation package {file}"),
            Resource::new("BundleApplicationPackage", &id, "CREATE"),
        )
    };
    visit.start_task(task);
    let first_goes_on = good && matches!(told, None | Some(TaskFate::Late));
    if !first_goes_on || fate == Some(ObservabilityFate::SecondTaskNever) {
        return;
    }
    let (arch, version) = (&name.arch, &name.version);
    let failed = fate == Some(ObservabilityFate::SecondTaskFailed);
    let task = NewTask {
        delay: second_start,
        seconds: (first - second_start).max(0.0),
        fate: failed.then_some(TaskFate::Failed),
        error: failed.then_some("SIM_NO_SPACE: the image could not be stored"),
        steps: &["READ_PACKAGE", "STORE_IMAGE", "CREATE_PACKAGE_RESOURCE"],
        ..NewTask::ordinary(
            visit,
            &format!("Create Application package observability-{arch}-{version}.tar.gz"),
            Resource::new("BundleApplicationPackage", &id, "CREATE"),
        )
    };
    visit.begin_task(task);
    if !failed {
        let since = visit.now.plus(durations::seconds(first.max(second_start)));
        let package =
            Package { id, name: "Observability".to_owned(), version: name.version, arch: name.arch, since };
        visit.state.tower.observability.packages.push(package);
    }
}

impl State {
    pub(super) fn install_packages(&mut self, now: Moment) {
        let all = self.quirks.tower.observability.packages.clone();
        for OldPackage { name, version, arch } in all.into_iter().skip(self.tower.observability.found.0) {
            let package = Package { id: self.new_ksuid(), name, version, arch, since: now };
            self.tower.observability.packages.push(package);
        }
    }

    fn known_bundles(&self, now: Moment) -> impl Iterator<Item = &Package> {
        self.tower.observability.packages.iter().filter(move |package| package.since <= now)
    }

    pub(super) fn bundle_rows(&self, now: Moment) -> Vec<Value> {
        self.known_bundles(now).map(Package::row).collect()
    }

    /// The package of an id, once its record is there.
    pub(super) fn package(&self, now: Moment, id: &str) -> Option<&Package> {
        self.known_bundles(now).find(|package| package.id == id)
    }

    pub(super) fn bundles_end(&self, now: Moment) -> Vec<Value> {
        let end = |package: &Package| json!(format!("{} {} {}", package.name, package.version, package.arch));
        self.known_bundles(now).map(end).collect()
    }
}

impl Package {
    pub fn row(&self) -> Value {
        json!({"id": self.id, "name": self.name, "version": self.version, "arch": self.arch})
    }

    pub fn is_for(&self, arch: &str) -> bool {
        self.arch == arch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_gives_architecture_and_version_without_the_build() {
        let version = |name: &str| FileName::read(name).map(|name| format!("{} {}", name.arch, name.version));
        let read = version("Observability-X86_64-v1.4.2-release.20250901-77.tar.gz");
        assert_eq!(read.as_deref(), Some("X86_64 v1.4.2-release.20250901"));
        let read = version("observability-aarch64-v1.4.2-release.20250901.tar.gz");
        assert_eq!(read.as_deref(), Some("AARCH64 v1.4.2-release.20250901"));
        assert_eq!(version("Observability-X86_64-v2.tar.gz").as_deref(), Some("X86_64 v2"));
        for wrong in [
            "Observability-RISCV-v1.tar.gz",
            "Observability-X86_64-v1..2.tar.gz",
            "Observability-X86_64-v1-release.2025.tar.gz",
            "Observability-X86_64-v1-release.20250901-.tar.gz",
            "Observability-X86_64-v1.zip",
        ] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }
}
