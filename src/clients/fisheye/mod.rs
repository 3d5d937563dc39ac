//! The cluster API of SMTX OS ("fisheye"), before and after the cluster exists (api-fisheye §§1-7).
//!
//! One file per group of operations. `Reader` holds what only looks; `Fisheye` adds what changes the
//! site and is handed to acts alone.

mod bond;
mod cpu;
mod deploy;
mod deployment;
mod envelope;
mod images;
mod ipmi;
mod jobs;
mod licence;
mod network;
mod scan;
mod sessions;
mod settings;
mod storage_policies;
#[cfg(test)]
mod tests;
mod vms;
mod volumes;

use std::{net::Ipv4Addr, ops::Deref, sync::Arc};

use self::sessions::FisheyeSession;
pub use self::{
    bond::BondMode,
    deploy::{
        Associated, Deploy, DeployDisk, DeployHost, DeployNetwork, DeployVds, DiskFlags, HostPassword, Iface,
        Mode, NetworkConfig, Ntp, Route as Gateway, Service,
    },
    deployment::{DeployStatus, Deployed, Verdict},
    images::Image,
    ipmi::{IpmiAccount, IpmiOutcome, IpmiResult},
    jobs::{Job, JobState, Started},
    licence::Licence,
    network::{BusinessHost, NewVds, Vds, VdsCreated, Vlan},
    scan::{Cpu, Disk, Host, Medium, Nic},
    sessions::Login,
    storage_policies::StoragePolicy,
    vms::{GuestInfo, GuestNetwork, NewVm, Vm, VmNetwork, VmNic},
    volumes::VolumeSink,
};
use super::{
    http::{Answer, Call, Http, Target},
    problem::Problem,
    retry::{Auth, Route},
    wire::Receipt,
};
use crate::{failure::Result, secret::Secret};

/// Where the cluster is: the management addresses in row order, and the VIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Management address of host row 1, which is asked for everything before the VIP exists.
    pub first: Ipv4Addr,
    /// Those of the other rows.
    pub others: Vec<Ipv4Addr>,
    pub vip: Ipv4Addr,
}

/// The operations that only look, logins included. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    http: Http,
    cluster: Arc<Cluster>,
}

/// All operations. Cheap to clone.
#[derive(Clone)]
pub struct Fisheye(Reader);

struct Cluster {
    addresses: Addresses,
    /// VIP first, then each management address in row order (api-fisheye §1).
    vip: Route,
    /// Host row 1 over https.
    first: Route,
    session: FisheyeSession,
}

impl Reader {
    /// `password` is the planned one of the account `root`.
    pub fn new(http: Http, addresses: Addresses, password: Secret<String>) -> Self {
        http.wire().redactor().learn(password.expose());
        let nodes = std::iter::once(addresses.first).chain(addresses.others.iter().copied());
        let nodes: Vec<Target> = nodes.map(Target::https).collect();
        let vip = Target::https(addresses.vip);
        // The VIP is one of the nodes, and moves.
        http.trust().share(vip.endpoint, nodes.iter().map(|node| node.endpoint));
        let cluster = Cluster {
            vip: Route::new(vip, nodes),
            first: Route::to(Target::https(addresses.first)),
            session: FisheyeSession::new(password),
            addresses,
        };
        Self { http, cluster: Arc::new(cluster) }
    }

    /// The same client, with the transcript labelled for another step.
    pub fn for_step(&self, step: &str) -> Self {
        Self { http: self.http.for_step(step), cluster: self.cluster.clone() }
    }

    /// The last exchange that this client, or a clone of it, read with.
    pub fn last_read(&self) -> Option<Receipt> {
        self.http.wire().last_read()
    }

    pub fn addresses(&self) -> &Addresses {
        &self.cluster.addresses
    }

    /// Waits on the injected clock.
    pub(in crate::clients) async fn pause(&self, time: std::time::Duration) {
        self.http.pause(time).await;
    }

    /// A call with the session's token, VIP first.
    async fn cluster<T>(&self, call: Call, read: impl Fn(&Answer) -> Result<T, Problem>) -> Result<T> {
        let result = self.cluster_raw(&call, read).await;
        self.told(&call, result)
    }

    /// The same for callers that have to tell refusals apart.
    async fn cluster_raw<T>(
        &self,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.http.call(call, &self.cluster.vip, Auth::Session(&self.cluster.session), read).await
    }

    /// Turns what came of `call` into what the operator reads.
    fn told<T>(&self, call: &Call, result: Result<T, Problem>) -> Result<T> {
        result.map_err(|problem| problem.failure(call.doing.clone(), call.class, self.http.wire().redactor()))
    }
}

impl Fisheye {
    pub fn new(http: Http, addresses: Addresses, password: Secret<String>) -> Self {
        Self(Reader::new(http, addresses, password))
    }

    pub fn for_step(&self, step: &str) -> Self {
        Self(self.0.for_step(step))
    }

    /// What probes may have of it.
    pub fn reader(&self) -> &Reader {
        &self.0
    }
}

impl Deref for Fisheye {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.0
    }
}
