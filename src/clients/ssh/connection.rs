//! One SSH connection: dialled, greeted, its host key trusted; nobody logged in yet.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use russh::{
    Preferred, cipher,
    client::{self, DisconnectReason, Handle, Handler},
    kex,
    keys::{Algorithm, PublicKeyOrCertificate},
    mac,
};
use tokio::time::{Instant, sleep, timeout};

use super::record::{Noted, brief};
use crate::{
    clients::{
        dial::{Dialler, Endpoint},
        trust::{Fingerprint, Protocol, Refusal, TrustStore},
        wire::{Body, Class, Wire},
    },
    failure::{Failure, Kind, Result},
    messages::message,
    text::Text,
    units,
};

/// A silent peer is given up after four unanswered keepalives, a minute in all (libraries §7).
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVES: usize = 4;

/// How often a connection that breaks before anybody logs in is opened, in all: hosts that drop their first
/// connections are known (site-behaviour §10 SSH-BANNER).
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// One SSH service of the site and how to reach it.
#[derive(Clone)]
pub(super) struct Service {
    pub dialler: Dialler,
    pub endpoint: Endpoint,
    pub trust: TrustStore,
    pub wire: Wire,
}

/// A connection whose host is known.
pub(super) struct Connection {
    pub handle: Handle<Peer>,
    /// The trusted host key: algorithm and fingerprint.
    identity: String,
    farewell: Words,
}

/// Words that the library's task leaves for us.
type Words = Arc<Mutex<String>>;

fn read(words: &Words) -> String {
    words.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn leave(words: &Words, text: String) {
    *words.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

impl Service {
    pub fn failing(&self, kind: Kind, doing: Text) -> Box<Failure> {
        Failure::new(kind, doing).at(self.endpoint)
    }

    /// Connects, again when the connection breaks early: nothing was sent that could count against an account.
    pub async fn connect(&self) -> Result<Connection> {
        let mut attempt = 1;
        // Key types that the host offers beside the pinned key, and what was said of the first.
        let (mut others, mut changed) = (Vec::new(), None);
        loop {
            let (started, clock) = (Timestamp::now(), Instant::now());
            let result = self.connect_once(&others).await;
            let outcome = match &result {
                Ok(connection) => Ok((0, connection.identity.clone())),
                Err(Early::Broken(failure) | Early::Refused(failure) | Early::OtherKey(failure, _)) => {
                    Err(brief(failure))
                }
            };
            self.record(&Noted {
                operation: "ssh.connect",
                path: "",
                request: Body::None,
                outcome,
                started,
                took: clock.elapsed(),
                attempt,
                class: Class::Read,
            })?;
            match result {
                Ok(connection) => return Ok(connection),
                Err(Early::Broken(_)) if attempt < ATTEMPTS => sleep(PAUSE * attempt).await,
                Err(Early::OtherKey(failure, kind)) if !others.contains(&kind) => {
                    // A host that got a further key still has the pinned one. It is asked for that one; whoever
                    // cannot show it is not that host.
                    others.push(kind);
                    changed.get_or_insert(failure);
                    continue;
                }
                Err(Early::Broken(failure) | Early::Refused(failure) | Early::OtherKey(failure, _)) => {
                    return Err(changed.unwrap_or(failure));
                }
            }
            attempt += 1;
        }
    }

    /// Offers to take host keys of every type but `others`.
    async fn connect_once(&self, others: &[Algorithm]) -> Result<Connection, Early> {
        let doing = || message("clients.ssh.doing_connect", &[]);
        let to = self.endpoint;
        let stream =
            self.dialler.stream(to).await.map_err(|error| Early::Refused(error.failure(doing(), to)))?;
        let peer = Peer { service: self.clone(), identity: Arc::default(), farewell: Arc::default() };
        let (identity, farewell) = (peer.identity.clone(), peer.farewell.clone());
        let limit = self.dialler.limits().first_byte;
        let advice = message("clients.ssh.check_sshd", &[("address", &to.address)]);
        match timeout(limit, client::connect_stream(Arc::new(config(others)), stream, peer)).await {
            Ok(Ok(handle)) => Ok(Connection { handle, identity: read(&identity), farewell }),
            Ok(Err(Broken::Untrusted(refusal, kind))) => {
                let failure = refusal.failure(doing());
                Err(match refusal {
                    Refusal::Changed { .. } => Early::OtherKey(failure, kind),
                    Refusal::Unknown { .. } | Refusal::NotKept { .. } => Early::Refused(failure),
                })
            }
            Ok(Err(Broken::Ssh(error @ russh::Error::NoCommonAlgo { .. }))) => {
                let meaning = message("clients.ssh.no_common_algorithm", &[]);
                Err(Early::Refused(self.failing(Kind::Site, doing()).meaning(meaning).because(&error)))
            }
            Ok(Err(Broken::Ssh(error))) => {
                let meaning = message("clients.ssh.broken_early", &[]);
                let failure = self.failing(Kind::Site, doing()).meaning(meaning);
                Err(Early::Broken(failure.advise(advice).because(&error)))
            }
            Err(_) => {
                let answer = message("clients.ssh.no_greeting", &[("limit", &units::duration(limit))]);
                Err(Early::Refused(self.failing(Kind::TimedOut, doing()).answer(answer).advise(advice)))
            }
        }
    }
}

/// Why there is no connection: worth another attempt, or not.
enum Early {
    Broken(Box<Failure>),
    Refused(Box<Failure>),
    /// The host shows another key than the pinned one, of this type.
    OtherKey(Box<Failure>, Algorithm),
}

impl Connection {
    /// The host's last words as the answer of `failure`, if it had any.
    pub fn farewell_of(&self, failure: Box<Failure>) -> Box<Failure> {
        match read(&self.farewell) {
            words if words.is_empty() => failure.answer(message("clients.ssh.connection_ended", &[])),
            words => failure.answer(Text::same(words)),
        }
    }
}

/// Judges the host key and listens for the host's last words.
pub(super) struct Peer {
    service: Service,
    identity: Words,
    farewell: Words,
}

/// Why the library ended a connection.
#[derive(Debug)]
pub(super) enum Broken {
    Ssh(russh::Error),
    Untrusted(Refusal, Algorithm),
}

impl From<russh::Error> for Broken {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl Handler for Peer {
    type Error = Broken;

    /// Called after the host has proved to hold the key.
    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Broken> {
        let key = key.public_key();
        let wire_form = key.to_bytes().map_err(russh::Error::from)?;
        let found = Fingerprint::of(&wire_form);
        leave(&self.identity, format!("{} {found}", key.algorithm()));
        let service = &self.service;
        match service.trust.accept(Protocol::Ssh, service.endpoint, found) {
            Ok(()) => Ok(true),
            Err(refusal) => Err(Broken::Untrusted(refusal, key.algorithm())),
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Broken>) -> Result<(), Broken> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                leave(&self.farewell, info.message);
                Ok(())
            }
            DisconnectReason::Error(error) => Err(error),
        }
    }
}

/// The library's safe defaults, then what old hosts speak, last in order (libraries §3 "Old servers").
fn config(other_keys: &[Algorithm]) -> client::Config {
    let mut preferred = Preferred::DEFAULT;
    let wanted = preferred.key.iter().filter(|kind| !other_keys.iter().any(|other| same_type(kind, other)));
    preferred.key = Cow::Owned(wanted.cloned().collect());
    preferred.kex = also(preferred.kex, &[kex::ECDH_SHA2_NISTP256, kex::DH_G14_SHA1]);
    preferred.cipher = also(preferred.cipher, &[cipher::AES_256_CBC, cipher::AES_128_CBC]);
    preferred.mac = also(preferred.mac, &[mac::HMAC_SHA1]);
    client::Config {
        preferred,
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVES,
        nodelay: true,
        ..client::Config::default()
    }
}

/// One RSA key signs with several hashes, each an algorithm of its own.
fn same_type(one: &Algorithm, other: &Algorithm) -> bool {
    let rsa = |kind: &Algorithm| matches!(kind, Algorithm::Rsa { .. });
    one == other || (rsa(one) && rsa(other))
}

fn also<T: Clone>(known: Cow<'static, [T]>, more: &[T]) -> Cow<'static, [T]> {
    Cow::Owned(known.iter().chain(more).cloned().collect())
}
