//! The CloudTower VM, and the image that it was installed from (api-fisheye §7.1, §8.3).

use crate::{
    clients::fisheye::{Image, Reader, Vm},
    engine::handle::Handle,
    failure::Result,
    messages::message,
    stages::{
        deploy_cloudtower::image::IMAGE,
        facts::TOWER_VM,
        verify::{
            row::{Row, Wanted},
            table::Table,
        },
        world::WorldRead,
    },
};

pub async fn read(world: &WorldRead, handle: &Handle, cluster: &Reader, table: &mut Table) -> Result<()> {
    image(handle, cluster, table).await?;
    let rows = vm(world);
    match handle.fact(&TOWER_VM) {
        Some(uuid) => drop(table.ask(rows, cluster.vm(&uuid), || cluster.last_read()).await?),
        None => {
            let unknown = message("stages.verify.no_vm", &[]);
            table.unread(rows.into_iter().map(|wanted| wanted.row), &unknown);
        }
    }
    Ok(())
}

/// Listed with our name, size and MD5: only then it is the file that was sent.
async fn image(handle: &Handle, cluster: &Reader, table: &mut Table) -> Result<()> {
    let title = message("stages.verify.image", &[]);
    let Some(sent) = handle.fact(&IMAGE) else {
        let why = message("stages.verify.no_image", &[]);
        table.not_planned(Row::derived("cloudtower.image", title, ""), why);
        return Ok(());
    };
    let shown = |name: &str, size: u64, md5: &str| format!("{name}, {size} B, MD5 {md5}");
    let planned = shown(&sent.name, sent.digests.size, &sent.digests.md5);
    let row = Row::derived("cloudtower.image", title, planned).ignoring_case();
    let row = row.made_by("deploy-cloudtower.image").shown(move |all: &Vec<Image>| {
        let image = all.iter().find(|image| image.uuid == sent.uuid)?;
        Some(shown(&image.name, image.size.unwrap_or_default(), image.md5.as_deref().unwrap_or("-")))
    });
    table.ask(vec![row], cluster.images(), || cluster.last_read()).await?;
    Ok(())
}

fn vm(world: &WorldRead) -> Vec<Wanted<'_, Option<Vm>>> {
    let plan = &world.plan.cloudtower;
    let address = plan.ip.value;
    let running = Row::derived("cloudtower.vm_status", message("stages.verify.vm_status", &[]), "running");
    vec![
        Row::of("cloudtower.vm_name", &plan.vm_name)
            .made_by("deploy-cloudtower.vm")
            .shown(|vm: &Option<Vm>| Some(vm.as_ref()?.name.clone())),
        running
            .made_by("deploy-cloudtower.vm")
            .ignoring_case()
            .shown(|vm: &Option<Vm>| Some(vm.as_ref()?.status.clone())),
        Row::of("cloudtower.ip", &plan.ip).made_by("deploy-cloudtower.guest-network").shown(
            move |vm: &Option<Vm>| {
                let guest = vm.as_ref()?.guest_info.as_ref()?;
                guest.has(address).then(|| address.to_string())
            },
        ),
    ]
}
