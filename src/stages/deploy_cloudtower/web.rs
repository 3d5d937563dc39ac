//! `deploy-cloudtower.web`: port 443 opens, then the API answers (api-cloudtower §2 "Readiness").

use crate::{
    clients::{dial::Endpoint, probe::Reach, tower::Readiness},
    engine::{Facts, WaitProbe, handle::Handle},
    failure::Result,
    messages::message,
    stages::world::WorldRead,
};

pub async fn wait(world: &WorldRead, handle: &Handle) -> Result<WaitProbe> {
    let address = world.plan.cloudtower.ip.value;
    if matches!(world.dialler.probe(Endpoint::new(address, 443)).await, Reach::Refused | Reach::Silent) {
        return Ok(WaitProbe::NotYet(message("stages.web.closed", &[("address", &address)])));
    }
    Ok(match world.tower(handle).readiness().await? {
        Readiness::Ready(version) => {
            handle.note(message("stages.web.ready", &[("address", &address), ("version", &version)]));
            WaitProbe::Ready(Facts::none())
        }
        Readiness::NotYet(why) => WaitProbe::NotYet(message("stages.web.starting", &[("why", &why)])),
    })
}
