//! Which of CloudTower's packages is a product's: names are not derivable from file names, so that lists before and
//! after an upload are compared, else version and architecture (api-applications §4).

use super::product::{ALL, Product};
use crate::{
    clients::tower::{ApplicationPackage, TowerReader},
    engine::handle::Handle,
    failure::Result,
    stages::{deploy_backup, editions, media::MediaFile},
};

/// Every package that could be one of the product's: none that is known to be another's.
pub async fn candidates(
    product: &Product,
    tower: &TowerReader,
    handle: &Handle,
) -> Result<Vec<ApplicationPackage>> {
    if product.own_list {
        return tower.everoute_packages().await;
    }
    let others: Vec<String> = ALL
        .iter()
        .filter(|other| other.fact.name != product.fact.name)
        .filter_map(|other| Some(handle.fact(&other.fact)?.package))
        .collect();
    let mut listed = tower.application_packages().await?;
    listed.retain(|one| one.name != deploy_backup::PACKAGE_NAME && !others.contains(&one.id));
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(listed)
}

/// The one that was not there before. Somebody may bring another product's package at the same time: one of the
/// file's version comes first, and several of other versions are nobody's.
pub fn new<'p>(
    listed: &'p [ApplicationPackage],
    before: &[String],
    file: &MediaFile,
) -> Option<&'p ApplicationPackage> {
    let mut new = listed.iter().filter(|one| !before.contains(&one.id) && is_for(one, file));
    match (new.clone().find(|one| is_of(one, file)), new.next(), new.next()) {
        (Some(same), ..) => Some(same),
        (None, only, None) => only,
        (None, ..) => None,
    }
}

/// The one with the file's version.
pub fn same<'p>(listed: &'p [ApplicationPackage], file: &MediaFile) -> Option<&'p ApplicationPackage> {
    listed.iter().find(|one| is_of(one, file) && is_for(one, file))
}

fn is_of(package: &ApplicationPackage, file: &MediaFile) -> bool {
    editions::compare(&package.version, &file.version).is_eq()
}

fn is_for(package: &ApplicationPackage, file: &MediaFile) -> bool {
    package.architecture.eq_ignore_ascii_case(&file.arch)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_several_new_packages_only_one_of_the_file_s_version_is_its() {
        let package = |id: &str, version: &str| -> ApplicationPackage {
            serde_json::from_value(json!({"id": id, "version": version, "architecture": "X86_64"})).unwrap()
        };
        let file = MediaFile {
            path: "SFS-X86_64-v1.1.0.tar.gz".into(),
            name: "SFS-X86_64-v1.1.0.tar.gz".into(),
            size: 1,
            version: "1.1.0".into(),
            release: None,
            build: String::new(),
            arch: "X86_64".into(),
        };
        let found = |listed: &[ApplicationPackage]| {
            new(listed, &["before".to_owned()], &file).map(|package| package.id.clone())
        };
        let (old, theirs, odd) =
            (package("before", "1.1.0"), package("theirs", "1.5.0"), package("odd", "9"));
        assert_eq!(found(&[theirs.clone(), package("ours", "1.1.0")]).as_deref(), Some("ours"));
        assert_eq!(
            found(&[old.clone(), odd.clone()]).as_deref(),
            Some("odd"),
            "versions may be told otherwise"
        );
        assert_eq!(found(&[theirs, odd]), None);
        assert_eq!(found(&[old]), None);
    }
}
