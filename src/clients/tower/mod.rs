//! CloudTower: REST under `/v2/api` and GraphQL at `/api` (api-cloudtower, graphql-operations).
//!
//! One file per group of operations. `TowerReader` holds what only looks, logins included; `Tower` adds what
//! changes CloudTower and is handed to acts alone. Everything travels over https: port 80 redirects, and a
//! redirected POST becomes a GET (api-cloudtower §1.1).

mod alerts;
mod applications;
mod backup;
mod clusters;
mod dashboards;
mod datacenters;
mod graphql;
mod networks;
mod observability;
mod package_upload;
mod packages;
mod presence;
mod racks;
mod rest;
mod sessions;
mod set_up;
mod settings;
mod task_search;
mod tasks;
#[cfg(test)]
mod tests;
mod upload_tasks;
mod web;

use std::{net::Ipv4Addr, ops::Deref, sync::Arc, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};

pub use self::web::WebAccess;
pub use self::{
    alerts::{AlertRule, GlobalAlertRule, Severity, Threshold},
    applications::{Application, ApplicationState},
    backup::{
        BackupService, Leg, NetworkStatus, NewBackupService, RunningService, ServiceApplication,
        ServicePackage, ServiceStatus, StorageLeg, application_name,
    },
    clusters::{Cluster, ConnectState, Find, Host},
    dashboards::{Graph, Metric, NewGraph, NewView, View},
    datacenters::{Datacenter, Organization},
    networks::{Vds, Vlan},
    observability::{
        AlertingRule, BundlePackage, Committed, ConnectedCluster, Instance, InstancePackage, NewInstance,
        Observability, OvmSink, SystemServiceInstance,
    },
    package_upload::{PackageSink, Rejection},
    packages::ApplicationPackage,
    racks::{Chassis, NewChassis, NewRack, Node, Rack, Zone},
    sessions::{Entry, InForce},
    set_up::{Licence, Readiness, SetUp},
    settings::{ClusterSettings, thin_policy},
    task_search::DescribedTask,
    tasks::TaskState,
    upload_tasks::{UploadStatus, UploadTask},
};
use self::{rest::Made, sessions::TowerSession, web::WebSession};
use super::{
    download::{Broken, Receiver, Wanted},
    http::{Answer, Call, Http, Target},
    lenient,
    problem::{Problem, Refused},
    retry::{Auth, Route},
    wire::Receipt,
};
use crate::{failure::Result, messages::message, secret::Secret, text::Text};

/// The operations that only look. Cheap to clone.
#[derive(Clone)]
pub struct TowerReader {
    http: Http,
    site: Arc<Site>,
}

/// All operations. Cheap to clone.
#[derive(Clone)]
pub struct Tower(TowerReader);

struct Site {
    address: Ipv4Addr,
    route: Route,
    session: TowerSession,
    web: WebSession,
}

/// Something that another object names: id and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Named {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
}

/// What an asynchronous call began: nothing, where CloudTower did it at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Begun {
    /// Tasks to be followed (api-cloudtower §1.5).
    pub tasks: Vec<String>,
    /// Ids of the objects, in the order they were asked for.
    pub ids: Vec<String>,
}

impl From<Vec<Made>> for Begun {
    fn from(made: Vec<Made>) -> Self {
        let tasks = made.iter().filter_map(|made| made.task_id.clone()).collect();
        Self { tasks, ids: made.into_iter().filter_map(|made| made.id).collect() }
    }
}

/// Pause before a write that met a locked resource is sent again (api-cloudtower §1.4).
const LOCK_PACE: Duration = Duration::from_secs(5);
/// How long a lock is waited for: the cap of a task (api-cloudtower §1.5).
const LONGEST_LOCK: Duration = Duration::from_secs(300);

impl TowerReader {
    /// `password` is the planned one of the account `root`.
    pub fn new(http: Http, address: Ipv4Addr, password: Secret<String>, web: WebAccess) -> Self {
        http.wire().redactor().learn(password.expose());
        http.wire().redactor().learn(web.operator_password.expose());
        let (route, session) = (Route::to(Target::https(address)), TowerSession::new(password));
        Self { http, site: Arc::new(Site { address, route, session, web: WebSession::new(web) }) }
    }

    /// The same client, with the transcript labelled for another step.
    pub fn for_step(&self, step: &str) -> Self {
        Self { http: self.http.for_step(step), site: self.site.clone() }
    }

    pub fn address(&self) -> Ipv4Addr {
        self.site.address
    }

    /// Where the newest answer to a read of this step is in the transcript.
    pub fn last_read(&self) -> Option<Receipt> {
        self.http.wire().last_read()
    }

    /// A call with the session's token.
    async fn call<T>(&self, call: Call, read: impl Fn(&Answer) -> Result<T, Problem>) -> Result<T> {
        let result = self.call_raw(&call, read).await;
        self.told(&call, result)
    }

    /// The same for callers that have to tell refusals apart, and for the services that take CloudTower's token.
    pub(in crate::clients) async fn call_raw<T>(
        &self,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.http.call(call, &self.site.route, Auth::Session(&self.site.session), read).await
    }

    /// A call of the time before there is an account.
    async fn call_openly<T>(&self, call: Call, read: impl Fn(&Answer) -> Result<T, Problem>) -> Result<T> {
        let result = self.http.call(&call, &self.site.route, Auth::None, read).await;
        self.told(&call, result)
    }

    /// A whole list: without `first` CloudTower sends all of it (api-cloudtower §1.5).
    async fn list<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>> {
        self.call(call, rest::list).await
    }

    /// Streams the answer of `call`, with the session's token.
    pub(in crate::clients) async fn download(
        &self,
        call: &Call,
        wanted: Wanted<'_>,
        into: &mut dyn Receiver,
    ) -> Result<(), Broken> {
        self.http.download(call, &self.site.route, &self.site.session, wanted, into).await
    }

    /// Waits, as the site's time goes.
    pub(in crate::clients) async fn pause(&self, time: Duration) {
        self.http.pause(time).await;
    }

    /// Words of the site's, without secrets.
    fn masked(&self, words: &str) -> String {
        super::problem::clip(&self.http.wire().redactor().text(words))
    }

    /// A refusal on one line, without secrets.
    pub(in crate::clients) fn words(&self, refused: &Refused) -> Text {
        sessions::words(refused, self.http.wire().redactor())
    }

    /// Turns what came of `call` into what the operator reads.
    pub(in crate::clients) fn told<T>(&self, call: &Call, result: Result<T, Problem>) -> Result<T> {
        result.map_err(|problem| {
            let starting = rest::is_starting(&problem);
            let failure = problem.failure(call.doing.clone(), call.class, self.http.wire().redactor());
            if starting && failure.meaning.is_none() {
                return failure.meaning(message("clients.tower.not_ready", &[]));
            }
            failure
        })
    }
}

impl Tower {
    pub fn new(http: Http, address: Ipv4Addr, password: Secret<String>, web: WebAccess) -> Self {
        Self(TowerReader::new(http, address, password, web))
    }

    pub fn for_step(&self, step: &str) -> Self {
        Self(self.0.for_step(step))
    }

    /// What probes may have of it.
    pub fn reader(&self) -> &TowerReader {
        &self.0
    }

    /// A write by REST. One that met a locked resource had no effect: it is sent again until the lock is gone.
    async fn mutate(&self, call: Call) -> Result<Begun> {
        let mut waited = Duration::ZERO;
        loop {
            let result = self.call_raw(&call, rest::made).await;
            if !rest::is_locked(&result) || waited >= LONGEST_LOCK {
                return self.told(&call, result).map(Begun::from);
            }
            self.http.pause(LOCK_PACE).await;
            waited += LOCK_PACE;
        }
    }
}

impl Deref for Tower {
    type Target = TowerReader;

    fn deref(&self) -> &TowerReader {
        &self.0
    }
}
