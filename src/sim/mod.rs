//! The simulated site: an independent second implementation of the contract, for rehearsals and tests.

mod appended;
pub mod clock;
mod control;
mod durations;
mod exchange;
pub mod fault;
mod fisheye;
mod garble;
pub mod guest;
pub mod hold;
mod host;
mod landing;
pub mod ledger;
mod multipart;
mod pipeline;
mod random;
mod reach;
mod serve;
pub mod site;
mod snapshot;
mod socks;
mod ssh;
mod store;
mod stream;
mod strict;
mod tls;
mod tower;
pub mod twin;
mod variants;
mod wire;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

pub use durations::Durations;
pub use fault::FaultFile;
pub use host::Ran;
pub use ledger::Ledger;
pub use site::{Request, Site};
pub use ssh::HostKeys;
pub use tower::SECRET_CANARY;
pub use twin::{Account, PlannedHost, PlannedNetwork, PlannedSwitch, Role, Twin, TwinPlan};
pub use variants::Variants;

use site::State;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The SOCKS user of every simulated site; its password is `<twin id>-x<speed>`.
pub const USER: &str = "simulated";

/// What a simulated site starts from.
#[derive(Debug)]
pub enum Start {
    /// A fresh twin of this plan.
    Fresh(Box<TwinPlan>),
    /// A snapshot written by [`Running::save`] or `POST /save`.
    Snapshot(String),
}

/// How a simulated site runs.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// Where the proxy listens; loopback, port 0 for any.
    pub listen: SocketAddr,
    /// Site seconds per wall second.
    pub speed: f64,
    /// Makes identifiers and draws; a scenario's own seed wins.
    pub seed: u64,
    /// Faults, durations, quirks. With a snapshot: only its faults are added, the rest is in the snapshot.
    pub scenario: FaultFile,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 0).into(), speed: 1.0, seed: 1, scenario: FaultFile::default() }
    }
}

/// A site in operation; it ends with [`Running::shutdown`] or when dropped.
#[derive(Debug)]
pub struct Running {
    site: Arc<Site>,
    address: SocketAddr,
    twin_id: String,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

/// Starts a site on the current tokio runtime. Errors: the address cannot be bound, the snapshot is damaged.
pub async fn start(from: Start, options: SimOptions) -> io::Result<Running> {
    if !options.speed.is_finite() || options.speed <= 0.0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the speed must be positive"));
    }
    let state = state(from, options.scenario, options.seed)?;
    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    let twin_id = state.twin_id.clone();
    let login = (USER.to_owned(), format!("{twin_id}-x{}", options.speed));
    let site = Arc::new(Site::new(state, options.speed));
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve::listen(listener, site.clone(), login, stop.clone()));
    Ok(Running { site, address, twin_id, stop, serving })
}

fn state(from: Start, scenario: FaultFile, seed: u64) -> io::Result<State> {
    let seed = scenario.seed.unwrap_or(seed);
    let plan = match from {
        Start::Fresh(plan) => *plan,
        Start::Snapshot(text) => {
            let mut state = snapshot::load(&text)?;
            state.faults.extend(scenario.faults);
            return Ok(state);
        }
    };
    let twin = Twin::new(plan, seed, &scenario.site.hosts);
    // Random on purpose: a rehearsal is always a new site, whatever its seed.
    let twin_id = random::hex(&uuid::Uuid::new_v4().as_bytes()[..6]);
    let variants = match scenario.variants {
        Some(variants) => variants,
        None if scenario.site.draw_variants => Variants::drawn(seed),
        None => Variants::default(),
    };
    Ok(State::new(twin_id, twin, scenario.site, scenario.durations, variants, scenario.faults))
}

impl Running {
    /// The proxy with its login: `socks5://simulated:<twin id>-x<speed>@127.0.0.1:<port>`.
    pub fn proxy_url(&self) -> String {
        let speed = self.site.clock.speed();
        format!("socks5://{USER}:{}-x{speed}@{}", self.twin_id, self.address)
    }

    /// The identity of this site: random, kept in snapshots.
    pub fn twin_id(&self) -> &str {
        &self.twin_id
    }

    /// The effects so far.
    pub fn ledger(&self) -> Ledger {
        self.site.with(|state, _| state.ledger.clone())
    }

    /// The requests received, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.site.with(|state, _| state.requests.clone())
    }

    /// The end state: comparable between runs, volatile identifiers and times left out.
    pub fn site_state(&self) -> serde_json::Value {
        self.site.with(|state, now| state.end_state(now))
    }

    /// The whole state as a snapshot holds it, passwords and all.
    pub fn whole_state(&self) -> serde_json::Value {
        self.site.with(|state, _| serde_json::json!(state))
    }

    /// Changes the site behind everybody's back: `value` at a JSON pointer into [`Running::whole_state`].
    pub fn patch(&self, pointer: &str, value: serde_json::Value) -> io::Result<()> {
        snapshot::patch(&self.site, pointer, value)
    }

    /// Replaces all faults.
    pub fn set_faults(&self, faults: Vec<fault::Fault>) {
        self.site.with(|state, _| state.faults = faults);
    }

    /// Writes a snapshot.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        snapshot::save(&self.site, path)
    }

    pub fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// Stops serving; open connections end.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        // It ends by itself; a panic inside has nothing to do with who stops it.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
