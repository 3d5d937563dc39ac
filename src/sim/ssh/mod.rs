//! The SSH side of the simulated hosts and of the CloudTower guest (site-behaviour §4, 6).
//!
//! The operations that faults and holds can name: `ssh.connect` (before the greeting), `ssh.login` (each
//! password), `ssh.chpasswd`, `ssh.resolv_conf`, `ssh.preinstall`, `ssh.installer`, `ssh.restart` (the changes) and `ssh.run`
//! (every other command, see `shell`).

mod channel;
mod peer;
mod reply;
mod shell;
mod sudo;

#[cfg(test)]
mod tests;

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use russh::{
    MethodKind, MethodSet,
    server::{self, Config},
};
use serde::{Deserialize, Serialize};
use tokio::io::{copy, copy_bidirectional, duplex, sink};
use tokio_util::sync::CancellationToken;

use super::{
    hold::Cut,
    site::Site,
    wire::{Reset, Wire},
};
use peer::Peer;

pub use shell::{INSTALLER, PREINSTALL, RESOLV_CONF, RESTART};
pub use sudo::sudo;

/// The names that faults may use.
pub const OPERATIONS: [&str; 8] =
    ["ssh.connect", "ssh.login", "ssh.run", shell::CHPASSWD, RESOLV_CONF, PREINSTALL, INSTALLER, RESTART];

/// The types of host key that a host has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeys {
    #[default]
    Ed25519,
    Ecdsa,
    /// As after an update of an old host: the key it had, and a newer one that clients prefer.
    Both,
}

/// How the hosts' SSH servers differ from the usual.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SshQuirks {
    pub login: Login,
    /// `sudo` asks for the account's password.
    pub sudo_asks: bool,
    /// Another number is another host key, as after a reinstallation.
    pub host_key_edition: u32,
    pub host_keys: HostKeys,
    /// So many bytes of noise before the output of each command.
    pub flood: u64,
}

/// The login method that a server offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Login {
    #[default]
    Password,
    KeyboardInteractive,
    /// Keys only: no password is accepted.
    PublicKey,
}

impl Login {
    fn methods(self) -> MethodSet {
        let method = match self {
            Self::Password => MethodKind::Password,
            Self::KeyboardInteractive => MethodKind::KeyboardInteractive,
            Self::PublicKey => MethodKind::PublicKey,
        };
        MethodSet::from([method].as_slice())
    }
}

/// Serves one SSH connection to the planned `address`.
pub async fn serve(mut wire: Wire, site: Arc<Site>, address: Ipv4Addr) {
    let line = Line { reset: wire.reset(), ended: CancellationToken::new() };
    // Whatever still waits inside the session is told when this connection is over.
    let _end = line.ended.clone().drop_guard();
    match site.before("ssh.connect", address, None).await {
        Err(Cut::Hang) => {
            // Swallows what the peer sends until it gives up, which is also how this ends.
            let _ = copy(&mut wire, &mut sink()).await;
            return;
        }
        Err(Cut::Reset) => return line.reset.arm(),
        Err(Cut::Close) => return,
        Ok(_) => {}
    }
    let (greeting, limit) = site.with(|state, _| (state.greeting(address), state.connection_limit(address)));
    match greeting {
        Some(delay) => site.clock.sleep(delay).await,
        None => return line.reset.arm(),
    }
    site.ssh_connected(address);
    let Some(config) = config(&site, address) else { return };
    let (mut near, far) = duplex(64 * 1024);
    let peer = Peer::new(site.clone(), address, line.clone());
    let session = async {
        if let Ok(running) = server::run_stream(Arc::new(config), far, peer).await {
            // How a session ended is the peer's business; the ledger has what it did.
            let _ = running.await;
        }
    };
    // The relay stands between, so that a cut ends the connection at once, whatever the session has to say.
    let relay = async move {
        let _ = copy_bidirectional(&mut wire, &mut near).await;
    };
    let limit = async {
        match limit {
            Some(limit) => site.clock.sleep(limit).await,
            None => std::future::pending().await,
        }
        line.reset.arm();
    };
    tokio::select! {
        biased;
        () = line.ended.cancelled() => {}
        () = limit => {}
        _ = async { tokio::join!(session, relay) } => {}
    }
}

/// The connection as its session sees it.
#[derive(Clone, Debug)]
struct Line {
    reset: Reset,
    ended: CancellationToken,
}

impl Line {
    /// Ends the connection as the fault says. Returns only when it is over.
    async fn cut(&self, cut: Cut) {
        match cut {
            Cut::Reset => {
                self.reset.arm();
                self.ended.cancel();
            }
            Cut::Close => self.ended.cancel(),
            Cut::Hang => self.ended.cancelled().await,
        }
    }
}

fn config(site: &Site, address: Ipv4Addr) -> Option<Config> {
    // Keys made from a seed are always well formed; without one there is no server.
    let keys = site.host_keys(address).ok()?;
    let login = site.with(|state, _| state.quirks.ssh.login);
    Some(Config {
        methods: login.methods(),
        keys,
        // PAM delays a refusal by about two seconds.
        auth_rejection_time: Duration::from_secs(2).div_f64(site.clock.speed()),
        auth_rejection_time_initial: Some(Duration::ZERO),
        max_auth_attempts: 6,
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    })
}
