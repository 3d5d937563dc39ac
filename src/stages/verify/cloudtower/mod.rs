//! What CloudTower shows: itself, the attached cluster and what was set up for it (api-cloudtower).

mod access;
mod boards;
mod cluster;
mod racks;
mod set_up;
mod settings;

use super::table::Table;
use crate::{
    engine::{event::Setting, handle::Handle},
    failure::Result,
    messages::message,
    stages::world::WorldRead,
};

pub async fn read(world: &WorldRead, handle: &Handle) -> Result<Vec<Setting>> {
    let tower = world.tower(handle);
    let mut table = Table::default();
    access::read(world, handle, &tower, &mut table).await?;
    set_up::read(world, handle, &tower, &mut table).await?;
    let cluster = cluster::read(world, handle, &tower, &mut table).await?;
    if cluster.is_none() {
        table.close(message("stages.verify.not_attached", &[("name", &world.plan.cluster.name.value)]));
    }
    let id = cluster.map(|cluster| cluster.id).unwrap_or_default();
    settings::read(world, &tower, &id, &mut table).await?;
    boards::read(&tower, &id, &mut table).await?;
    racks::read(world, &tower, &id, &mut table).await?;
    Ok(table.into_settings(handle))
}
