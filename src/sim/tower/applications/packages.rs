//! Registered packages, and what the name of a file says about the package inside.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        super::{clock::Moment, durations, site::State},
        visit::nested,
    },
    BACKUP_PACKAGE,
    everoute::EveroutePackage,
    uploads::Upload,
};

/// A package that can be deployed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    pub architecture: String,
    /// Of the file it came in; only GraphQL shows it.
    pub filename: String,
    /// From when it is listed.
    pub since: Moment,
}

/// What is inside a file of this name: name at the server, version, architecture. A real server reads the
/// archive; its names cannot be made from those of the files (api-applications §4), and so they differ here.
pub fn inside(file: &str) -> Option<(&'static str, String, String)> {
    let stem = file.strip_suffix(".tar.gz")?;
    if let Some(rest) = stem.strip_prefix("smtx-backup-dr-") {
        let (architecture, version) = rest.split_once('-')?;
        return Some((BACKUP_PACKAGE, version.to_owned(), known(architecture)?));
    }
    let (product, rest) = stem.split_once('-')?;
    let name = match product.to_ascii_uppercase().as_str() {
        "SFS" => "sim-file-storage",
        "SKS" => "sim-kubernetes",
        _ => return None,
    };
    let (architecture, rest) = rest.split_once('-')?;
    let version = rest.trim_start_matches(['v', 'V']).split('-').next()?;
    Some((name, version.to_owned(), known(architecture)?))
}

fn known(architecture: &str) -> Option<String> {
    let upper = architecture.to_ascii_uppercase();
    ["X86_64", "AARCH64"].contains(&upper.as_str()).then_some(upper)
}

impl State {
    /// What is registered before anybody uploads anything.
    pub(in super::super) fn add_old_packages(&mut self, now: Moment) {
        let quirks = self.quirks.tower.packages.clone();
        for old in quirks.present {
            let (id, since) = (self.new_cuid(now), now);
            let package = Package {
                id,
                name: old.name,
                version: old.version,
                architecture: old.architecture,
                filename: old.filename,
                since,
            };
            self.tower.applications.packages.push(package);
        }
        for old in quirks.everoute {
            let package = EveroutePackage::new(self.new_cuid(now), now, old);
            self.tower.applications.everoute.push(package);
        }
    }

    /// Whether the same package is registered, listed already or not.
    pub(super) fn has_package(&self, name: &str, version: &str, architecture: &str) -> bool {
        let same = |package: &Package| {
            (package.name.as_str(), package.version.as_str(), package.architecture.as_str())
                == (name, version, architecture)
        };
        self.tower.applications.packages.iter().any(same)
    }

    /// The package of an upload that is imported at `imported`; listed some time after.
    pub(super) fn register(&mut self, imported: Moment, upload: &Upload) {
        let Some((name, version, architecture)) = inside(&upload.name) else { return };
        let since = imported.plus(durations::seconds(self.durations.tower.package_record));
        let package = Package {
            id: self.new_cuid(imported),
            name: name.to_owned(),
            version,
            architecture,
            filename: upload.name.clone(),
            since,
        };
        self.tower.applications.packages.push(package);
    }

    /// The packages that are listed by now.
    pub(in super::super) fn listed_packages(&self, now: Moment) -> impl Iterator<Item = &Package> {
        self.tower.applications.packages.iter().filter(move |package| package.since <= now)
    }

    pub(in super::super) fn package_rows(&self, now: Moment) -> Vec<Value> {
        let row = |package: &Package| {
            let users = self.applications().filter(|application| application.package == package.id);
            let users: Vec<Value> = users.map(|one| nested(&one.id, &one.name)).collect();
            json!({
                "id": package.id, "name": package.name, "version": package.version,
                "architecture": package.architecture, "scosVersion": "SIM", "applications": users,
                "containers": {}, "images": {},
            })
        };
        self.listed_packages(now).map(row).collect()
    }

    /// Without times and drawn identifiers.
    pub(in super::super) fn packages_end(&self, of_backup: bool) -> Vec<Value> {
        let packages = self.tower.applications.packages.iter();
        let wanted = packages.filter(|package| (package.name == BACKUP_PACKAGE) == of_backup);
        let row = |package: &Package| {
            json!({
                "name": package.name, "version": package.version, "architecture": package.architecture,
                "filename": package.filename,
            })
        };
        wanted.map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_tells_what_is_inside() {
        let told = |file| inside(file).map(|(name, version, arch)| format!("{name} {version} {arch}"));
        let backup = told("smtx-backup-dr-x86_64-1.2.0.tar.gz");
        assert_eq!(backup.as_deref(), Some("iomesh-backup 1.2.0 X86_64"));
        let storage = told("SFS-X86_64-v1.1.0-release.20250801-12.tar.gz");
        assert_eq!(storage.as_deref(), Some("sim-file-storage 1.1.0 X86_64"));
        for other in ["ER-X86_64-v1.1.0.tar.gz", "smtx-backup-dr-x86_64-1.2.0.zip", "SKS-SPARC-v1.tar.gz"] {
            assert_eq!(told(other), None, "{other}");
        }
    }
}
