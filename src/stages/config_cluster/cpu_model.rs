//! `config-cluster.cpu-model`: the recommended CPU compatibility (api-fisheye §6.7).

use crate::{
    clients::fisheye::Reader,
    engine::{ChangeProbe, Difference, Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::world::{World, WorldRead},
};

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let cluster = world.cluster(handle);
    let Some(wanted) = recommended(&cluster).await? else {
        let none = message("stages.cpu.none", &[]);
        handle.warn(none.clone());
        return Ok(ChangeProbe::NotNeeded(none));
    };
    let found = cluster.cpu_model().await?.unwrap_or_default();
    if found == wanted {
        return Ok(ChangeProbe::Done(Facts::none()));
    }
    let what = message("stages.cpu.what", &[]);
    Ok(ChangeProbe::Differs(vec![Difference { what, found, planned: wanted, cell: None }]))
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let fisheye = world.fisheye(handle);
    match recommended(&fisheye).await? {
        Some(model) => fisheye.set_cpu_model(&model).await,
        // The probe will say so.
        None => Ok(()),
    }
}

/// The first one is the cluster's own choice.
async fn recommended(cluster: &Reader) -> Result<Option<String>> {
    Ok(cluster.recommended_cpu_models().await?.into_iter().next())
}
