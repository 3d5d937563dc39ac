//! The site: one state behind a lock, its clock and the requests being held.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{
    clock::{Clock, Moment},
    durations::Durations,
    fault::{Fault, Quirks},
    fisheye::Cluster,
    guest::Guest,
    hold::Holds,
    ledger::{Breach, Ledger},
    random,
    tower::{Contract, Tower},
    twin::Twin,
    variants::Variants,
};

/// Everything that a snapshot keeps.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    pub twin_id: String,
    pub twin: Twin,
    /// When the site was started, and up to when it has lived; the running clock is in `Site`.
    pub started: Moment,
    pub saved_at: Moment,
    pub quirks: Quirks,
    pub durations: Durations,
    pub variants: Variants,
    pub faults: Vec<Fault>,
    pub cluster: Cluster,
    /// The machine at the CloudTower address.
    pub guest: Guest,
    pub tower: Tower,
    /// SSH accounts, of the hosts and the CloudTower guest: address → account → password.
    pub accounts: BTreeMap<Ipv4Addr, BTreeMap<String, String>>,
    pub ledger: Ledger,
    pub requests: Vec<Request>,
    /// Identifiers drawn so far, so that each is new.
    draws: u64,
    /// How often the identity (certificate, host key) of an address was changed by a fault.
    pub changed_identities: BTreeMap<Ipv4Addr, u64>,
    /// Requests in flight, by operation.
    #[serde(skip)]
    pub in_flight: BTreeMap<String, u32>,
    /// Changing requests in flight that are no chunks: the service of each, by its place in the log.
    #[serde(skip)]
    pub mutating: BTreeMap<usize, &'static str>,
}

/// One received request, with nothing in it that depends on time or on drawn identifiers but the path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    pub operation: String,
    pub method: String,
    pub scheme: String,
    pub address: Ipv4Addr,
    /// Path and query as sent.
    pub target: String,
    pub changing: bool,
    /// Whether it had its effect.
    pub effective: bool,
    /// The answer's status; 0 when none was sent.
    pub status: u16,
    /// JSON with secrets masked, or a note on size; null without a body.
    pub body: serde_json::Value,
}

impl State {
    /// A fresh site.
    pub fn new(
        twin_id: String,
        twin: Twin,
        quirks: Quirks,
        durations: Durations,
        variants: Variants,
        faults: Vec<Fault>,
    ) -> Self {
        let now = Moment::by_the_wall();
        Self {
            twin_id,
            cluster: Cluster::default(),
            guest: Guest::default(),
            tower: Tower::default(),
            accounts: BTreeMap::new(),
            twin,
            started: now,
            saved_at: now,
            quirks,
            durations,
            variants,
            faults,
            ledger: Ledger::default(),
            requests: Vec::new(),
            draws: 0,
            changed_identities: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            mutating: BTreeMap::new(),
        }
    }

    pub fn seed(&self) -> u64 {
        self.twin.seed
    }

    /// A name for the next identifier of a kind.
    fn draw(&mut self) -> String {
        self.draws += 1;
        self.draws.to_string()
    }

    /// A new version-4 UUID.
    pub fn new_uuid(&mut self) -> String {
        let draw = self.draw();
        random::uuid(self.seed(), 4, &["uuid", &self.twin_id, &draw])
    }

    /// A new session token: 32 hexadecimal digits (site-behaviour §12).
    pub fn new_token(&mut self) -> String {
        let draw = self.draw();
        random::hex(&random::bytes(self.seed(), &["token", &self.twin_id, &draw])[..16])
    }
}

impl State {
    /// Takes over what a lie answered with: the identifiers that were drawn, and jobs and tasks that will be said to
    /// have ended well.
    pub fn adopt(&mut self, lie: Self) {
        self.draws = lie.draws;
        self.cluster.adopt_jobs(lie.cluster);
        self.tower.adopt_tasks(lie.tower);
        // What was outside the contract was so all the same.
        self.ledger.breaches = lie.ledger.breaches;
    }
}

/// A running site, shared by all its connections.
#[derive(Debug)]
pub struct Site {
    pub clock: Clock,
    pub holds: Holds,
    pub contract: Contract,
    state: Mutex<State>,
}

impl Site {
    pub fn new(state: State, speed: f64) -> Self {
        let clock = Clock::start(speed, state.saved_at);
        Self { clock, holds: Holds::default(), contract: Contract::default(), state: Mutex::new(state) }
    }

    /// Looks at, or changes, the state as it is now: what is due by now has happened.
    pub fn with<T>(&self, act: impl FnOnce(&mut State, Moment) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        state.settle(now);
        act(&mut state, now)
    }
}

impl State {
    /// Records a request outside the contract.
    pub fn breach(&mut self, now: Moment, address: Ipv4Addr, request: &str, what: &str) {
        self.ledger.breaches.push(Breach {
            at: now,
            address: address.to_string(),
            request: request.to_owned(),
            what: what.to_owned(),
        });
    }

    /// Records a connect to a place that the plan does not know.
    pub fn outside_plan(&mut self, now: Moment, place: &str, port: u16) {
        self.ledger.outside_plan.entry(format!("{place}:{port}")).or_default().add(now);
    }

    /// The node that answers at an address: the VIP is held by one of them.
    pub fn node_at(&self, address: Ipv4Addr) -> Ipv4Addr {
        let holder =
            self.twin.hosts.get(self.quirks.vip_holder).filter(|_| self.twin.plan.vip == Some(address));
        holder.map_or(address, |host| host.mgmt_ip)
    }

    /// The secret behind the certificate or host key of an address; the same for the life of a twin.
    pub fn identity(&self, kind: &str, address: Ipv4Addr) -> [u8; 32] {
        let age = self.changed_identities.get(&address).copied().unwrap_or(0).to_string();
        random::bytes(self.seed(), &[kind, &self.twin_id, &address.to_string(), &age])
    }
}
