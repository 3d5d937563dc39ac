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

/// The one that was not there before.
pub fn new<'p>(
    listed: &'p [ApplicationPackage],
    before: &[String],
    file: &MediaFile,
) -> Option<&'p ApplicationPackage> {
    listed.iter().find(|one| !before.contains(&one.id) && is_for(one, file))
}

/// The one with the file's version.
pub fn same<'p>(listed: &'p [ApplicationPackage], file: &MediaFile) -> Option<&'p ApplicationPackage> {
    listed.iter().find(|one| editions::compare(&one.version, &file.version).is_eq() && is_for(one, file))
}

fn is_for(package: &ApplicationPackage, file: &MediaFile) -> bool {
    package.architecture.eq_ignore_ascii_case(&file.arch)
}
