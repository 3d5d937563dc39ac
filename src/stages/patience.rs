//! Probes of CloudTower outlive its restarts: while it is away there is no verdict (site-behaviour §7.1).

use crate::{
    clients::tower::Readiness,
    engine::{ChangeProbe, handle::Handle},
    failure::{Kind, Result},
    stages::{facts::reason, world::WorldRead},
};

/// The probe, with *unknown* for a look that failed because CloudTower is away. One that failed while CloudTower
/// answers is taken once more, because CloudTower may have come back in between; after that it stands.
pub fn patient<P>(probe: P) -> impl AsyncFn(&WorldRead, &Handle) -> Result<ChangeProbe> + 'static
where
    P: AsyncFn(&WorldRead, &Handle) -> Result<ChangeProbe> + 'static,
{
    async move |world: &WorldRead, handle: &Handle| {
        let failure = match probe(world, handle).await {
            Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => failure,
            result => return result,
        };
        match world.tower(handle).readiness().await? {
            Readiness::NotYet(_) => Ok(ChangeProbe::Unknown(reason(&failure))),
            Readiness::Ready(_) => probe(world, handle).await,
        }
    }
}
