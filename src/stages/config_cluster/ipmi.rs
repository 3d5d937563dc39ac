//! `config-cluster.ipmi`: BMC accounts (api-fisheye §6.3). The call succeeds even when every account is wrong.

use crate::{
    clients::fisheye::{IpmiAccount, IpmiResult},
    engine::{Facts, Sent, handle::Handle},
    failure::Result,
    messages::message,
    plan::Plan,
    stages::{facts::HOSTS, hardware::Hardware, world::World},
};

pub async fn act(world: &World, handle: &Handle) -> Result<Sent> {
    let accounts = accounts(world.plan(), &handle.need(&HOSTS)?);
    if accounts.is_empty() {
        return Ok(Sent::NotNeeded(message("stages.ipmi.none", &[])));
    }
    let outcome = world.fisheye(handle).upsert_ipmi(&accounts).await?;
    let unusable = outcome.success.iter().filter(|result| !result.is_valid);
    for IpmiResult { hostname, address, .. } in outcome.failure.iter().chain(unusable) {
        handle.warn(message("stages.ipmi.invalid", &[("host", hostname), ("address", address)]));
    }
    let valid = outcome.success.iter().filter(|result| result.is_valid).count();
    handle.note(message("stages.ipmi.valid", &[("valid", &valid), ("total", &accounts.len())]));
    Ok(Sent::Sent(Facts::none()))
}

/// Hosts without complete BMC data are left out (PLAN-112).
fn accounts(plan: &Plan, hosts: &[Hardware]) -> Vec<IpmiAccount> {
    let pairs = plan.hosts.iter().zip(hosts);
    let complete = pairs.filter_map(|(host, hardware)| Some((host, host.bmc()?, hardware)));
    complete
        .map(|(host, bmc, hardware)| IpmiAccount {
            host_uuid: hardware.host_uuid.clone(),
            hostname: host.hostname.value.clone(),
            address: bmc.ip.value,
            user: bmc.user.value.clone(),
            password: bmc.password.value.clone(),
        })
        .collect()
}
