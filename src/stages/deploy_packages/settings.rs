//! `deploy-packages.settings`: the packages that the run has registered or found, as CloudTower lists them.

use super::{
    listed::candidates,
    product::{ALL, Product, Registered},
};
use crate::{
    clients::tower::ApplicationPackage,
    engine::{event::Setting, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        verify::{row::Row, table::Table},
        world::WorldRead,
    },
};

pub async fn read(world: &WorldRead, handle: &Handle) -> Result<Vec<Setting>> {
    let mut table = Table::default();
    let tower = world.tower(handle);
    for product in ALL {
        let Some(registered) = handle.fact(&product.fact) else {
            let nothing = message("stages.apps.nothing", &[]);
            table.not_planned(row(product, ""), nothing);
            continue;
        };
        let Registered { version, architecture, package, .. } = registered;
        let row = row(product, &edition(&version, &architecture));
        let row = row.shown(|listed: &Vec<ApplicationPackage>| {
            let found = listed.iter().find(|one| one.id == package)?;
            Some(edition(&found.version, &found.architecture))
        });
        table.ask(vec![row], candidates(product, &tower, handle), || tower.last_read()).await?;
    }
    Ok(table.into_settings(handle))
}

fn row(product: &Product, planned: &str) -> Row {
    let title = message("stages.apps.what", &[("product", &product.name)]);
    Row::derived(format!("packages.{}", product.fact.name), title, planned)
}

/// `1.1.0 X86_64`
fn edition(version: &str, architecture: &str) -> String {
    format!("{version} {architecture}")
}
