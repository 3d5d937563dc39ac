//! Who answers: identities of TLS and SSH servers, pinned per site, because every certificate of a site
//! is self-signed.

mod meeting;
mod pins;
mod verifier;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::pins::{InMemory, PinFile, PinStore, Pins};
pub use super::dial::Endpoint;
use crate::{
    failure::{Failure, Kind},
    messages::message,
    text::Text,
};

/// The two kinds of server identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    Tls,
    Ssh,
}

/// SHA-256 of an end certificate (DER) or of an SSH host key (wire form).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    /// Accepts `sha256:` and hex digits, colons between bytes allowed, as `openssl x509` prints them.
    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.trim().to_ascii_lowercase();
        let hex: String = bare.strip_prefix("sha256:").unwrap_or(&bare).replace(':', "");
        let wrong = || format!("`{text}` is not a SHA-256 fingerprint");
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// How identities are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Trust on first use: the first identity of a target is kept, another one later is refused.
    #[default]
    Tofu,
    /// Only identities already kept for this site by an earlier run.
    Strict,
    /// Only fingerprints the operator has listed.
    Pin,
    /// Anything; nothing is kept.
    Insecure,
}

/// Why an identity was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{endpoint} shows {found}, pinned is {pinned}")]
    Changed { endpoint: Endpoint, pinned: Fingerprint, found: Fingerprint },
    #[error("{endpoint} shows {found}, which is not known")]
    Unknown { endpoint: Endpoint, found: Fingerprint },
    #[error("the identity of {endpoint} could not be kept: {why}")]
    NotKept { endpoint: Endpoint, why: String },
}

impl Refusal {
    /// The failure to show for `doing`. Its effect is `None`: the connection was not used. Never retried.
    pub fn failure(&self, doing: Text) -> Box<Failure> {
        match self {
            Self::Changed { endpoint, pinned, found } => Failure::new(Kind::Site, doing)
                .at(endpoint)
                .answer(message("clients.trust.changed", &[("pinned", pinned), ("found", found)]))
                .meaning(message("clients.trust.changed_means", &[]))
                .advise(message("clients.trust.changed_advice", &[("endpoint", endpoint)])),
            Self::Unknown { endpoint, found } => Failure::new(Kind::Site, doing)
                .at(endpoint)
                .answer(message("clients.trust.unknown", &[("found", found)]))
                .advise(message("clients.trust.unknown_advice", &[("found", found)])),
            Self::NotKept { endpoint, why } => Failure::new(Kind::Local, doing)
                .at(endpoint)
                .answer(message("clients.trust.not_kept", &[("why", why)]))
                .make_room(),
        }
    }
}

/// The identities of one site. Shared by every connection of a run; cheap to clone.
#[derive(Clone)]
pub struct TrustStore(Arc<Inner>);

struct Inner {
    mode: Mode,
    listed: BTreeSet<Fingerprint>,
    store: Box<dyn PinStore>,
    state: Mutex<State>,
}

struct State {
    pins: Pins,
    expected: BTreeSet<(Protocol, Endpoint)>,
    shared: BTreeMap<Endpoint, Vec<Endpoint>>,
}

impl TrustStore {
    /// `listed` are the operator's fingerprints, judged in mode `Pin` only.
    ///
    /// # Errors
    /// The store cannot be read, or holds something else than pins.
    pub fn open(
        mode: Mode,
        listed: impl IntoIterator<Item = Fingerprint>,
        store: impl PinStore + 'static,
    ) -> io::Result<Self> {
        let pins = store.load()?;
        let state = State { pins, expected: BTreeSet::new(), shared: BTreeMap::new() };
        let listed = listed.into_iter().collect();
        Ok(Self(Arc::new(Inner { mode, listed, store: Box::new(store), state: Mutex::new(state) })))
    }

    /// Announces that `endpoint` is about to show another identity (a stage that deploys or resets it
    /// knows): the next identity that differs from the pin replaces it.
    pub fn expect_change(&self, protocol: Protocol, endpoint: Endpoint) {
        self.state().expected.insert((protocol, endpoint));
    }

    /// Announces that `address` is served by one of `members` at a time (a VIP by its nodes), so that it
    /// may show the pinned identity of any of them.
    pub fn share(&self, address: Endpoint, members: impl IntoIterator<Item = Endpoint>) {
        self.state().shared.insert(address, members.into_iter().collect());
    }

    /// Judges an identity without keeping anything.
    pub fn judge(&self, protocol: Protocol, endpoint: Endpoint, found: Fingerprint) -> Result<(), Refusal> {
        let state = self.state();
        let pinned = state.pins.get(protocol, endpoint);
        match (self.0.mode, pinned) {
            (Mode::Insecure, _) => Ok(()),
            (Mode::Pin, _) if self.0.listed.contains(&found) => Ok(()),
            (Mode::Tofu | Mode::Strict, Some(pinned)) if pinned == found => Ok(()),
            (Mode::Tofu | Mode::Strict, _) if state.is_expected(protocol, endpoint, found) => Ok(()),
            (Mode::Tofu, None) => Ok(()),
            (Mode::Tofu | Mode::Strict, Some(pinned)) => Err(Refusal::Changed { endpoint, pinned, found }),
            (Mode::Strict, None) | (Mode::Pin, _) => Err(Refusal::Unknown { endpoint, found }),
        }
    }

    /// Judges an identity whose owner has proved to hold its key, and keeps it where the mode says so.
    pub fn accept(&self, protocol: Protocol, endpoint: Endpoint, found: Fingerprint) -> Result<(), Refusal> {
        self.judge(protocol, endpoint, found)?;
        if matches!(self.0.mode, Mode::Insecure | Mode::Pin) {
            return Ok(());
        }
        let mut state = self.state();
        let replaced = state.pins.get(protocol, endpoint);
        if replaced == Some(found) || (replaced.is_some() && state.is_members(protocol, endpoint, found)) {
            return Ok(());
        }
        let mut pins = state.pins.clone();
        pins.set(protocol, endpoint, found);
        // Held while writing: a handshake is rare, and two writers must not undo each other.
        self.0.store.save(&pins).map_err(|error| Refusal::NotKept { endpoint, why: error.to_string() })?;
        state.pins = pins;
        if replaced.is_some() {
            state.expected.remove(&(protocol, endpoint));
        }
        Ok(())
    }

    /// The TLS configuration for connections to `endpoint` and nothing else.
    pub fn tls(&self, endpoint: Endpoint) -> Result<rustls::ClientConfig, rustls::Error> {
        verifier::config(self.clone(), endpoint)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is replaced as a whole, so that a panic elsewhere cannot leave it half-written.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_expected(&self, protocol: Protocol, endpoint: Endpoint, found: Fingerprint) -> bool {
        self.expected.contains(&(protocol, endpoint)) || self.is_members(protocol, endpoint, found)
    }

    fn is_members(&self, protocol: Protocol, endpoint: Endpoint, found: Fingerprint) -> bool {
        let members = self.shared.get(&endpoint).into_iter().flatten();
        members.into_iter().any(|member| self.pins.get(protocol, *member) == Some(found))
    }
}

#[cfg(test)]
mod tests;
