//! `config-cluster.root-account`: the first administrator (api-fisheye §4.1). Its proof is a login.

use crate::{
    clients::fisheye::Login,
    engine::{ChangeProbe, Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::reason,
        world::{World, WorldRead},
    },
};

/// A refused login may mean *no account yet* or *another password*: only the act can tell them apart.
pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let cluster = world.cluster(handle);
    Ok(match cluster.log_in_at(cluster.addresses().first).await {
        Ok(Login::In) => ChangeProbe::Done(Facts::none()),
        Ok(Login::Refused(_)) => ChangeProbe::Absent,
        Err(failure) => ChangeProbe::Unknown(reason(&failure)),
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let fisheye = world.fisheye(handle);
    let Err(refused) = fisheye.set_up_root().await else { return Ok(()) };
    match fisheye.log_in_at(fisheye.addresses().first).await? {
        Login::In => Ok(()),
        Login::Refused(_) => {
            let cell = &world.plan().cluster.admin_password.cell;
            Err(refused
                .meaning(message("stages.root.other_password", &[("cell", cell)]))
                .advise(message("stages.root.advice", &[("cell", cell)])))
        }
    }
}
