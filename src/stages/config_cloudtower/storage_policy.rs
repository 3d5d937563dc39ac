//! `config-cloudtower.storage-policy`: two replicas, thin, for new volumes (api-cloudtower §5).

use crate::{
    clients::tower::thin_policy,
    engine::{ChangeProbe, Difference, Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::{CLUSTER, CLUSTER_SETTINGS},
        world::{World, WorldRead},
    },
};

pub const REPLICAS: u8 = 2;

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let cluster = handle.need(&CLUSTER)?;
    let Some(settings) = world.tower(handle).cluster_settings(&cluster).await?.into_iter().next() else {
        return Ok(ChangeProbe::Unknown(message("stages.attach.no_settings", &[])));
    };
    let planned = thin_policy(REPLICAS);
    Ok(match settings.default_storage_policy {
        Some(found) if found == planned => ChangeProbe::Done(Facts::none()),
        None => ChangeProbe::Absent,
        Some(found) => {
            let what = message("stages.policy.what", &[]);
            ChangeProbe::Differs(vec![Difference { what, found, planned, cell: None }])
        }
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    world.tower(handle).set_default_policy(&handle.need(&CLUSTER_SETTINGS)?, REPLICAS).await
}
