//! CPU compatibility and the licence (api-fisheye §6.4, §6.7).

use crate::{
    clients::fisheye::{Licence, Reader},
    engine::handle::Handle,
    failure::Result,
    messages::message,
    stages::{
        facts::SERIAL,
        media::Package,
        verify::{row::Row, table::Table},
        world::WorldRead,
    },
};

pub async fn read(world: &WorldRead, handle: &Handle, cluster: &Reader, table: &mut Table) -> Result<()> {
    cpu(cluster, table).await?;
    tools_image(world, handle, table);
    let planned = handle.fact(&SERIAL).or_else(|| Some(world.plan.cluster.serial.as_ref()?.value.clone()));
    let row = || Row::derived("cluster.licence", message("stages.verify.licence", &[]), "");
    match planned {
        Some(serial) => {
            let row = row().planned_as(&serial).ignoring_case();
            let row = row.shown(|licence: &Licence| Some(licence.serial.clone()));
            table.ask(vec![row], cluster.licence(), || cluster.last_read()).await?;
        }
        None => table.unread([row()], &message("stages.verify.no_serial", &[])),
    }
    Ok(())
}

/// CloudTower lists tools images; the cluster does not (api-fisheye §6.9).
fn tools_image(world: &WorldRead, handle: &Handle, table: &mut Table) {
    const MADE_BY: &str = "config-cluster.tools-image";
    let what = message("stages.verify.tools_image", &[]);
    let file = world.media.as_deref().and_then(|folder| Package::vm_tools().newest(folder).ok().flatten());
    let row = Row::derived("tools.image", what, file.map_or_else(|| "-".to_owned(), |file| file.name));
    match handle.skipped(MADE_BY) {
        Some(why) => table.not_planned(row, why),
        None => table.unreadable(row.made_by(MADE_BY), message("stages.verify.tools", &[])),
    }
}

/// The planned model is the first one that the cluster recommends.
async fn cpu(cluster: &Reader, table: &mut Table) -> Result<()> {
    const KEY: &str = "cluster.cpu_model";
    let title = || message("stages.cpu.what", &[]);
    let made_by = |row: Row| row.made_by("config-cluster.cpu-model");
    let Some(models) = table.ask(Vec::new(), cluster.recommended_cpu_models(), || None).await? else {
        let why = message("stages.verify.no_recommendation", &[]);
        table.unread([made_by(Row::derived(KEY, title(), "-"))], &why);
        return Ok(());
    };
    match models.first() {
        Some(model) => {
            let row =
                made_by(Row::derived(KEY, title(), model)).shown(|found: &Option<String>| found.clone());
            table.ask(vec![row], cluster.cpu_model(), || cluster.last_read()).await?;
        }
        None => table.not_planned(Row::derived(KEY, title(), ""), message("stages.cpu.none", &[])),
    }
    Ok(())
}
