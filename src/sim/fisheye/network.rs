//! Switches (VDS) and the networks on them (api-fisheye §6.5, 6.6; initial objects: site-behaviour §5.1).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        clock::Moment,
        durations,
        exchange::{Answer, Outcome, Refused},
        random,
        site::State,
        strict,
        variants::VlanIds,
    },
    Visit,
    deploy_body::DeployBody,
    jobs::Effect,
    settings::Licence,
    storage::StoragePolicy,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vds {
    pub uuid: String,
    pub name: String,
    /// Absent with one NIC per host.
    pub bond_mode: Option<String>,
    pub ovsbr_name: String,
    /// By host UUID.
    pub hosts: BTreeMap<String, VdsHost>,
    pub networks: Vec<Network>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VdsHost {
    pub nics: Vec<String>,
    /// The storage address; not given for the switches of the deployment.
    pub data_ip: Option<Ipv4Addr>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    pub uuid: String,
    pub name: String,
    pub vlan_id: u16,
    pub since: Moment,
}

impl State {
    /// The switches that exist now: name → UUID.
    pub fn vds_uuids(&self) -> BTreeMap<String, String> {
        self.cluster.vdses.iter().map(|vds| (vds.name.clone(), vds.uuid.clone())).collect()
    }

    fn new_vds(&mut self, name: &str, bond_mode: Option<String>, hosts: BTreeMap<String, VdsHost>) -> Vds {
        let uuid = self.new_uuid();
        const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let ovsbr_name = format!("ovsbr-{}", random::text(self.seed(), ALPHABET, 9, &["ovsbr", &uuid]));
        Vds { uuid, name: name.to_owned(), bond_mode, ovsbr_name, hosts, networks: Vec::new() }
    }

    /// A network that is on no switch yet.
    pub fn new_network(&mut self, name: &str, vlan_id: u16, since: Moment) -> Network {
        Network { uuid: self.new_uuid(), name: name.to_owned(), vlan_id, since }
    }

    /// What exists right after the deployment (site-behaviour §5.1).
    pub(super) fn create_initial_objects(&mut self, body: &DeployBody, signed: Moment) {
        for deployed in &body.vdses {
            let hosts = deployed.hosts_associated.iter().map(|host| {
                (host.host_uuid.clone(), VdsHost { nics: host.nics_associated.clone(), data_ip: None })
            });
            let mut vds = self.new_vds(&deployed.name, deployed.bond_mode.clone(), hosts.collect());
            for network in body.networks.iter().filter(|network| network.attached_vds == deployed.name) {
                let vlan_id = network.mode.network_identities.first().copied().unwrap_or(0);
                vds.networks.push(self.new_network(&network.name, vlan_id, signed));
                if network.network_type == "mgt" {
                    vds.networks.push(self.new_network("default", vlan_id, signed));
                }
            }
            self.cluster.vdses.push(vds);
        }
        let mut internal = self.new_vds("vds-ovsbr-internal", None, BTreeMap::new());
        internal.ovsbr_name = "ovsbr-internal".to_owned();
        internal.networks.push(self.new_network("ovsbr-internal-default-network", 0, signed));
        self.cluster.vdses.push(internal);
        self.cluster.licence = Some(Licence { serial: self.new_uuid(), sign_date: signed.epoch_seconds() });
        self.cluster.policy = Some(StoragePolicy { uuid: self.new_uuid(), since: signed });
        self.add_old_images(signed);
        self.cluster.cpu_model = "host_passthrough".to_owned();
        self.cluster.dns = vec!["127.0.0.1".to_owned()];
        self.cluster.ntp = ("internal".to_owned(), Vec::new());
    }

    fn show_vds(&self, vds: &Vds, now: Moment) -> Value {
        let lag = durations::seconds(self.durations.vlans_count_lag);
        let counted = vds.networks.iter().filter(|network| network.since.plus(lag) <= now).count();
        json!({
            "uuid": vds.uuid, "name": vds.name, "bond_mode": vds.bond_mode,
            "bond_name": format!("bond-m-{}", vds.uuid.get(..8).unwrap_or_default()), "bond_type": "ovs_bond",
            "ovsbr_name": vds.ovsbr_name, "work_mode": "single", "qos_enable": false, "rb_interval": null,
            "type": 1, "description": "", "hosts_associated": [], "vlans_count": counted,
        })
    }
}

/// `GET network/vds`.
pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let state = &*visit.state;
    let all: Vec<Value> = state.cluster.vdses.iter().map(|vds| state.show_vds(vds, visit.now)).collect();
    Ok(Answer::eok(json!(all)))
}

/// `GET network/vds/{uuid}`: `hosts_associated` stays empty whatever was posted (S).
pub fn detail(visit: &mut Visit<'_>) -> Outcome {
    let index = find(visit)?;
    Ok(Answer::eok(visit.state.show_vds(&visit.state.cluster.vdses[index], visit.now)))
}

fn find(visit: &Visit<'_>) -> Result<usize, Refused> {
    let uuid = visit.call.param(0);
    let found = visit.state.cluster.vdses.iter().position(|vds| vds.uuid == uuid);
    found.ok_or_else(|| Refused::With(Answer::failure(404, "SIM_VDS_NOT_FOUND", "no such VDS", &json!(""))))
}

#[derive(Serialize, Deserialize)]
struct VdsBody {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bond_mode: Option<String>,
    hosts_associated: Vec<VdsHostBody>,
}

#[derive(Serialize, Deserialize)]
struct VdsHostBody {
    host_uuid: String,
    nics_associated: Vec<String>,
    data_ip: Ipv4Addr,
}

/// `POST network/vds`: a job; the switch is listed only when it is done.
pub fn create(visit: &mut Visit<'_>) -> Outcome {
    let body: VdsBody = strict::body(visit.call, visit.state.quirks.lenient)?;
    check_vds(visit, &body)?;
    let hosts = body
        .hosts_associated
        .into_iter()
        .map(|host| (host.host_uuid, VdsHost { nics: host.nics_associated, data_ip: Some(host.data_ip) }));
    let vds = visit.state.new_vds(&body.name, body.bond_mode, hosts.collect());
    visit.state.ledger.vds.entry(body.name.clone()).or_default().add(visit.now);
    let associated: serde_json::Map<String, Value> = vds
        .hosts
        .iter()
        .map(|(uuid, host)| (uuid.clone(), json!({"nics_associated": host.nics, "data_ip": host.data_ip})))
        .collect();
    let resource = json!({
        "type": "NETWORK_VDS", "uuid": vds.uuid, "name": vds.name, "bond_mode": vds.bond_mode,
        "ovsbr_name": vds.ovsbr_name, "hosts_associated": associated,
    });
    let resources = json!({vds.uuid.clone(): resource});
    let seconds = visit.state.durations.vds_job;
    let message = (format!("创建虚拟分布式交换机 {}", vds.name), format!("Create VDS {}", vds.name));
    let effect = Effect::CreateVds(Box::new(vds));
    Ok(visit.start_job("NETWORK_CREATE_VDS", seconds, effect, resources, (&message.0, &message.1)))
}

fn check_vds(visit: &Visit<'_>, body: &VdsBody) -> Result<(), Refused> {
    let state = &*visit.state;
    let planned = state.cluster.jobs.values().filter_map(|job| match &job.effect {
        Effect::CreateVds(vds) if job.state_is_open(visit.now) => Some(&**vds),
        _ => None,
    });
    let others: Vec<&Vds> = state.cluster.vdses.iter().chain(planned).collect();
    if body.name.is_empty() || others.iter().any(|vds| vds.name.eq_ignore_ascii_case(&body.name)) {
        return Err(Refused::form("name", "empty or taken"));
    }
    let widest = body.hosts_associated.iter().map(|host| host.nics_associated.len()).max().unwrap_or(0);
    let known = ["active-backup", "balance-slb", "balance-tcp", "lacp"];
    // One of the two names of LACP is refused; which one is a quirk (BOND-NAME).
    let refused = state.quirks.refused_bond_mode.as_deref().unwrap_or("lacp");
    let mode_fits = match &body.bond_mode {
        None => widest == 1,
        Some(mode) => widest > 1 && known.contains(&mode.as_str()) && mode != refused,
    };
    if !mode_fits {
        return Err(Refused::form("bond_mode", "unknown, or does not fit the number of NICs"));
    }
    let members: BTreeSet<&str> = body.hosts_associated.iter().map(|host| host.host_uuid.as_str()).collect();
    let deployed = state.cluster.deployment.member().map_or(0, |progress| progress.body.hosts.len());
    if members.len() != body.hosts_associated.len() || members.len() != deployed {
        return Err(Refused::form("hosts_associated", "must name every host of the cluster once"));
    }
    for associated in &body.hosts_associated {
        let uuid = &associated.host_uuid;
        let host = state.twin.host(uuid).filter(|_| state.cluster.deployment.is_member(uuid));
        let host = host.ok_or_else(|| Refused::form("host_uuid", "unknown host"))?;
        let taken = |nic: &String| {
            others.iter().any(|vds| vds.hosts.get(uuid).is_some_and(|used| used.nics.contains(nic)))
        };
        let there = |nic: &String| host.ifaces.iter().any(|iface| iface.name == *nic);
        let nics = &associated.nics_associated;
        if nics.is_empty() || !nics.iter().all(there) || nics.iter().any(taken) {
            return Err(Refused::form("nics_associated", "a NIC is not there, or taken by another VDS"));
        }
        if associated.data_ip != host.storage_ip {
            return Err(Refused::form("data_ip", "is not the storage address of the host"));
        }
    }
    Ok(())
}

/// `GET network/vds/{uuid}/vlans`.
pub fn vlans(visit: &mut Visit<'_>) -> Outcome {
    let index = find(visit)?;
    let vds = &visit.state.cluster.vdses[index];
    let mut entities: Vec<Value> = vds.networks.iter().map(|network| show_network(vds, network)).collect();
    if matches!(visit.state.variants.vlan_ids, VlanIds::Text) {
        entities.iter_mut().for_each(|entity| entity["vlan_id"] = json!(entity["vlan_id"].to_string()));
    }
    Ok(Answer::eok(json!({"entities": entities})))
}

fn show_network(vds: &Vds, network: &Network) -> Value {
    json!({
        "uuid": network.uuid, "name": network.name, "vds_uuid": vds.uuid, "vlan_id": network.vlan_id, "type": 3,
        "enable_dhcp": false, "dhcp_config": null, "vms_count": 0, "vm_snapshots_count": 0,
        "vm_templates_count": 0,
    })
}

#[derive(Serialize, Deserialize)]
struct VlanBody {
    name: String,
    vlan_id: u16,
    vds_uuid: String,
}

/// `POST network/vds/{uuid}/vlans`: at once.
pub fn create_vlan(visit: &mut Visit<'_>) -> Outcome {
    let body: VlanBody = strict::body(visit.call, visit.state.quirks.lenient)?;
    let index = find(visit)?;
    let vds = &visit.state.cluster.vdses[index];
    if body.vds_uuid != vds.uuid {
        return Err(Refused::form("vds_uuid", "is not the VDS of the path"));
    }
    if body.name.is_empty() || vds.networks.iter().any(|network| network.name == body.name) {
        return Err(Refused::form("name", "empty or taken"));
    }
    if body.vlan_id > 4094 {
        return Err(Refused::form("vlan_id", "out of range"));
    }
    let network = visit.state.new_network(&body.name, body.vlan_id, visit.now);
    let vds = &mut visit.state.cluster.vdses[index];
    let shown = show_network(vds, &network);
    vds.networks.push(network);
    let name = format!("{}/{}", vds.name, body.name);
    visit.state.ledger.networks.entry(name).or_default().add(visit.now);
    Ok(Answer::eok(shown))
}
