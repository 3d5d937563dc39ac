//! What the cluster itself shows (api-fisheye).

mod access;
mod compute;
mod hosts;
mod networks;
mod switches;
mod tower_vm;

use super::table::Table;
use crate::{
    engine::{event::Setting, handle::Handle},
    failure::Result,
    stages::world::WorldRead,
};

pub async fn read(world: &WorldRead, handle: &Handle) -> Result<Vec<Setting>> {
    let cluster = world.cluster(handle);
    let mut table = Table::default();
    hosts::read(world, handle, &mut table).await?;
    access::read(world, &cluster, &mut table).await?;
    let vdses = switches::read(&world.plan, &cluster, &mut table).await?;
    networks::read(&world.plan, &cluster, &vdses, &mut table).await?;
    compute::read(world, handle, &cluster, &mut table).await?;
    tower_vm::read(world, handle, &cluster, &mut table).await?;
    Ok(table.into_settings(handle))
}
