//! `config-cluster.vip`: the management VIP (api-fisheye §6.1). Its proof is a login through it.

use crate::{
    clients::{dial::Endpoint, fisheye::Login, probe::Reach},
    engine::{ChangeProbe, Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::reason,
        jobs,
        world::{World, WorldRead},
    },
};

/// This step, for whoever asks whether the VIP can be there by our doing.
pub const VIP: &str = "config-cluster.vip";

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let cluster = world.cluster(handle);
    let vip = cluster.addresses().vip;
    let reach = world.dialler.probe(Endpoint::new(vip, 443)).await;
    match reach {
        Reach::Silent => return Ok(ChangeProbe::Absent),
        // Somebody holds it and serves nothing: our own cluster at a restart, or a stranger where we never set it.
        Reach::Refused if !handle.may_stand(VIP) => {
            return Ok(ChangeProbe::Conflict(message("stages.vip.stranger", &[("vip", &vip)])));
        }
        Reach::Refused => return Ok(ChangeProbe::Unknown(message("stages.vip.refused", &[("vip", &vip)]))),
        Reach::Open | Reach::Unproved(_) => {}
    }
    Ok(match cluster.log_in_at(vip).await {
        Ok(Login::In) => {
            meet_nodes(world, handle).await;
            ChangeProbe::Done(Facts::none())
        }
        Ok(Login::Refused(words)) => {
            ChangeProbe::Conflict(message("stages.vip.foreign", &[("vip", &vip), ("words", &words)]))
        }
        // Behind a bastion an address that nobody holds looks like this.
        Err(_) if matches!(reach, Reach::Unproved(_)) => ChangeProbe::Absent,
        Err(failure) => ChangeProbe::Unknown(reason(&failure)),
    })
}

/// The VIP shows the certificate of the node that holds it, so each node's is seen while all is well: a VIP that
/// moves later shows nothing new.
async fn meet_nodes(world: &WorldRead, handle: &Handle) {
    for host in &world.plan.hosts {
        let node = Endpoint::new(host.mgmt_ip.value, 443);
        if !world.trust.unmet(node) {
            continue;
        }
        if let Err(failure) = world.trust.meet(&world.dialler, node).await {
            handle.note(message("stages.vip.unmet", &[("node", &node.address), ("why", &reason(&failure))]));
        }
    }
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let started = world.fisheye(handle).set_vip(world.plan().cluster.vip.value).await?;
    jobs::remember(handle, &started)
}
