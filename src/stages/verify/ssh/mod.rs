//! What the machines themselves show over SSH.

mod accounts;
pub mod resolver;

use super::table::Table;
use crate::{
    engine::{event::Setting, handle::Handle},
    failure::Result,
    stages::world::WorldRead,
};

pub async fn read(world: &WorldRead, handle: &Handle) -> Result<Vec<Setting>> {
    let mut table = Table::default();
    accounts::read(world, handle, &mut table).await?;
    resolver::read(world, handle, &mut table).await?;
    Ok(table.into_settings(handle))
}
