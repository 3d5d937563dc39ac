//! What CloudTower learns from the cluster it attaches (site-behaviour §7.4).

use std::net::Ipv4Addr;

use super::{
    super::{clock::Moment, site::State, twin::Host},
    Cluster,
    deployment::Progress,
    network::{Network, Vds},
    settings::Licence,
};

/// A deployed cluster as its API shows it to who has logged in.
#[derive(Debug)]
pub struct SeenCluster<'a> {
    pub licence: &'a Licence,
    pub dns: &'a [String],
    /// Mode and servers.
    pub ntp: &'a (String, Vec<String>),
    pub cpu_model: &'a str,
    pub cpu_models: Vec<String>,
    pub vhost_enabled: bool,
    pub rdma_enabled: bool,
    /// The switches, with their networks.
    pub vdses: &'a [Vds],
    /// With their hostnames.
    pub hosts: Vec<(&'a Host, String)>,
    /// Subnet mask and gateway of the management network.
    pub mgt: Option<(Ipv4Addr, Option<Ipv4Addr>)>,
    pub storage: Option<SeenStorage<'a>>,
}

/// The storage network of the deployment.
#[derive(Clone, Copy, Debug)]
pub struct SeenStorage<'a> {
    /// Name of its switch.
    pub vds: &'a str,
    pub mask: Ipv4Addr,
    pub vlan_id: u16,
}

impl Cluster {
    pub fn is_root_password(&self, password: &str) -> bool {
        self.root_password.as_deref() == Some(password)
    }

    /// The address of the VIP, when it answers.
    pub fn live_vip(&self, now: Moment) -> Option<Ipv4Addr> {
        self.vip.filter(|_| self.vip_is_up(now)).map(|(address, _)| address)
    }
}

impl State {
    /// Serial and name of the cluster, once deployed.
    pub fn seen_identity(&self) -> Option<(&str, &str)> {
        let body = &self.cluster.deployment.member()?.body;
        Some((&self.cluster.licence.as_ref()?.serial, &body.cluster_name))
    }

    /// The cluster, once deployed.
    pub fn seen_cluster(&self) -> Option<SeenCluster<'_>> {
        let body = &self.cluster.deployment.member()?.body;
        let named = |host: &Host| body.hosts.iter().any(|deployed| deployed.host_uuid == host.uuid);
        let hosts = self.twin.hosts.iter().filter(|host| named(host));
        Some(SeenCluster {
            licence: self.cluster.licence.as_ref()?,
            dns: &self.cluster.dns,
            ntp: &self.cluster.ntp,
            cpu_model: &self.cluster.cpu_model,
            cpu_models: self.recommended_cpu_models(),
            vhost_enabled: body.vhost_enabled,
            rdma_enabled: body.rdma_enabled,
            vdses: &self.cluster.vdses,
            hosts: hosts.map(|host| (host, self.hostname(host))).collect(),
            mgt: self.cluster.deployment.member().and_then(management_network),
            storage: self.cluster.deployment.member().and_then(storage_network),
        })
    }
}

fn storage_network(progress: &Progress) -> Option<SeenStorage<'_>> {
    let network = progress.body.networks.iter().find(|network| network.network_type == "storage")?;
    let mask = network.network_config.service.first()?.netmask;
    let vlan_id = network.mode.network_identities.first().copied().unwrap_or(0);
    Some(SeenStorage { vds: &network.attached_vds, mask, vlan_id })
}

impl State {
    /// A network that CloudTower made on a switch of the cluster. It counts here as one of CloudTower's.
    pub fn add_network(&mut self, vds: &str, network: Network) {
        let found = self.cluster.vdses.iter_mut().find(|one| one.uuid == vds);
        found.into_iter().for_each(|vds| vds.networks.push(network.clone()));
    }
}

fn management_network(progress: &Progress) -> Option<(Ipv4Addr, Option<Ipv4Addr>)> {
    let network = progress.body.networks.iter().find(|network| network.network_type == "mgt")?;
    let mask = network.network_config.service.first()?.netmask;
    let gateway = network.network_config.route.as_ref().and_then(|routes| routes.first());
    Some((mask, gateway.map(|route| route.gateway)))
}
