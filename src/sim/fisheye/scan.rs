//! The host and cluster scans (api-fisheye §3.1, 3.2).

use serde_json::{Value, json};

use super::{
    super::{
        exchange::{Answer, Outcome, Refused},
        site::State,
        twin::{Host, Iface},
        variants::ScanAfter,
    },
    Visit,
    deployment::Deployment,
};

/// `GET deployment/host`.
pub fn host(visit: &mut Visit<'_>) -> Outcome {
    refuse_after_deployment(visit)?;
    let Some(host) = visit.state.twin.host_at(visit.call.address) else {
        return Err(Refused::With(Answer::html(404, "Not Found")));
    };
    Ok(Answer::eok(show(visit.state, host, &host.mgmt_ip.to_string())))
}

/// `GET deployment/cluster`: the asked node and its neighbours, by link-local address.
pub fn cluster(visit: &mut Visit<'_>) -> Outcome {
    refuse_after_deployment(visit)?;
    let state = &*visit.state;
    let Some(zone) = state.twin.host_at(visit.call.address).and_then(mgmt_iface).map(|iface| &iface.name)
    else {
        return Err(Refused::With(Answer::html(404, "Not Found")));
    };
    // With LACP or a tagged VLAN below it the discovery finds nobody.
    let blind =
        state.twin.plan.switches.iter().any(|switch| switch.bond_mode.as_deref() == Some("balance-tcp"));
    let found = state.twin.hosts.iter().filter(|_| !blind).filter_map(|host| {
        let link_local = mgmt_iface(host)?.ipv6.as_ref()?;
        Some(show(state, host, &format!("{link_local}%{zone}")))
    });
    Ok(Answer::eok(json!({"hosts": found.collect::<Vec<_>>()})))
}

fn refuse_after_deployment(visit: &Visit<'_>) -> Result<(), Refused> {
    let after = visit.state.cluster.deployment.member().is_some();
    match visit.state.variants.scan_after {
        ScanAfter::Unauthorized if after => Err(Refused::With(visit.state.unauthorized())),
        _ => Ok(()),
    }
}

fn mgmt_iface(host: &Host) -> Option<&Iface> {
    host.ifaces.iter().find(|iface| iface.ipv4 == Some(host.mgmt_ip))
}

fn show(state: &State, host: &Host, host_ip: &str) -> Value {
    let plan = &state.twin.plan;
    let all_flash = host.disks.iter().all(|disk| disk.kind == "SSD");
    let mut ifaces: Vec<Value> = host.ifaces.iter().enumerate().map(show_iface).collect();
    if state.cluster.deployment.is_member(&host.uuid) {
        ifaces.extend(virtual_ports(state, host));
    }
    json!({
        "arch": plan.arch,
        "cgroup_profile_env": {
            "cpu_arch": plan.arch, "is_rdma": false, "is_vhost": true, "memory_total": 274_877_906_944_u64,
            "node_role": null, "numa_info": {"numa_nodes": []}, "platform": "kvm", "zbs_spec": "normal",
        },
        "cpu": {
            "arch": plan.arch, "brand": "SIM 7000 16-Core Processor", "vendor": "AuthenticAMD", "sockets": 2,
            "cores_per_socket": 16, "num_cores": 32, "physical_cores": 32, "logical_cores": 64,
            "threads_per_core": 2, "hz_advertised": "2.5000 GHz",
            "hz_advertised_raw": [2_500_000_000_u64, 0], "flags": "fpu,vme,svm",
        },
        "disks": host.disks,
        "distribution": "openeuler",
        "host_ip": host_ip,
        "host_uuid": host.uuid,
        "hostname": state.hostname(host),
        "ifaces": ifaces,
        "ipmi_ip": host.bmc_ip,
        "is_all_flash": all_flash,
        "is_os_in_raid1": false,
        "is_os_in_single_disk": true,
        "patch_version": plan.patch,
        "product": "SMTXOS",
        "sn": host.serial,
        "status": "disabled",
        "version": plan.version,
        "zbs_spec": "normal",
        "zbs_spec_valid": true,
    })
}

fn show_iface((index, iface): (usize, &Iface)) -> Value {
    json!({
        "name": iface.name, "hwaddr": iface.hwaddr, "ipv4": iface.ipv4, "ipv6": iface.ipv6, "mtu": 1500,
        "speed": 10_000_000_000_u64, "up": true, "running": true, "physical_link_up": true, "rdma": false,
        "ibdev": null, "pci_slot_name": format!("0000:{:02x}:00.0", 11 + index),
    })
}

/// What a deployed node shows besides: the ports of its own services.
fn virtual_ports<'a>(state: &'a State, host: &'a Host) -> impl Iterator<Item = Value> + 'a {
    let services = match &state.cluster.deployment {
        Deployment::Member(progress) => progress.body.networks.as_slice(),
        _ => &[],
    };
    services
        .iter()
        .flat_map(|network| &network.network_config.service)
        .filter(|service| service.host_uuid == host.uuid)
        .map(|service| {
            json!({
                "name": service.service_interface_name, "hwaddr": host.ifaces.first().map(|i| &i.hwaddr),
                "ipv4": service.service_interface_ip, "ipv6": null, "mtu": 1500, "speed": null, "up": true,
                "running": true, "physical_link_up": true, "rdma": false, "ibdev": null, "pci_slot_name": null,
            })
        })
}

impl State {
    /// Fresh hosts carry no name of their own.
    pub(super) fn hostname(&self, host: &Host) -> String {
        let deployed = self.cluster.deployment.member().map(|progress| progress.body.hosts.as_slice());
        let named = deployed.unwrap_or_default().iter().find(|deployed| deployed.host_uuid == host.uuid);
        named.map_or_else(|| "localhost.localdomain".to_owned(), |deployed| deployed.hostname.clone())
    }
}
