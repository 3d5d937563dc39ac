//! A host behind SSH: its accounts, its host key and the commands it understands (site-behaviour §4).
//!
//! The seam for `sim::ssh`, which speaks the protocol and asks here. Operation names for
//! `Site::before` and `Site::after`: `ssh.connect`, `ssh.login`, `ssh.run`.

use std::net::Ipv4Addr;

use rand::{SeedableRng, rngs::StdRng};
use russh::keys::ssh_key::{
    EcdsaCurve, PrivateKey,
    private::{EcdsaKeypair, Ed25519Keypair},
};

use super::{
    clock::Moment,
    site::{Site, State},
    ssh::HostKeys,
};

/// What a command left behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ran {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub status: u32,
    /// The operation whose effect it had, if any.
    pub effect: Option<&'static str>,
    /// Something in it is outside the contract.
    pub outside: bool,
    pub lasting: Lasting,
    /// The process that ends with the session.
    pub hangs_up: Option<u32>,
}

/// How long a command lasts after what it did at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Lasting {
    #[default]
    No,
    /// Seconds of site time.
    Seconds(f64),
    /// As long as this process of the guest, whose output is the command's.
    Process(u32),
}

impl Site {
    /// The host keys of a host; the same for the same seed and address.
    pub fn host_keys(&self, address: Ipv4Addr) -> Result<Vec<PrivateKey>, russh::keys::ssh_key::Error> {
        let (kinds, modern, old) = self.with(|state, _| {
            let edition = state.quirks.ssh.host_key_edition;
            let seed = |kind: &str| state.identity(&format!("{kind} {edition}"), address);
            (state.quirks.ssh.host_keys, seed("ssh"), seed("ssh-ecdsa"))
        });
        let mut keys = Vec::new();
        if matches!(kinds, HostKeys::Ed25519 | HostKeys::Both) {
            keys.push(PrivateKey::from(Ed25519Keypair::from_seed(&modern)));
        }
        if matches!(kinds, HostKeys::Ecdsa | HostKeys::Both) {
            let pair = EcdsaKeypair::random(&mut StdRng::from_seed(old), EcdsaCurve::NistP256)?;
            keys.push(PrivateKey::from(pair));
        }
        Ok(keys)
    }

    /// Counts a connection that reached the SSH banner.
    pub fn ssh_connected(&self, address: Ipv4Addr) {
        self.with(|state, now| state.ledger.ssh_connections.entry(address).or_default().add(now));
    }

    /// Whether the host lets `user` in with `password` now.
    pub fn check_password(&self, address: Ipv4Addr, user: &str, password: &str) -> bool {
        self.with(|state, _| {
            state.accounts.get(&address).and_then(|accounts| accounts.get(user)).map(String::as_str)
                == Some(password)
        })
    }

    /// Runs a command as `user` with everything that stdin will bring.
    ///
    /// Understood: `true`, `chpasswd` (as root, or through `sudo -n`), with or without its folder.
    pub fn run(&self, address: Ipv4Addr, user: &str, command: &str, stdin: &[u8]) -> Ran {
        let words: Vec<&str> = command.split_whitespace().collect();
        let (words, root) = match words.as_slice() {
            ["sudo", "-n", rest @ ..] => (rest, true),
            all => (all, user == "root"),
        };
        match words {
            ["true"] => Ran::default(),
            ["chpasswd" | "/usr/sbin/chpasswd"] if root => {
                self.with(|state, now| chpasswd(state, now, address, stdin))
            }
            ["chpasswd" | "/usr/sbin/chpasswd"] => failed(1, "chpasswd: Permission denied."),
            _ => {
                self.with(|state, now| {
                    state.breach(now, address, "ssh.run", "a command outside the contract")
                });
                failed(127, "command not found")
            }
        }
    }
}

/// Sets every `account:password` line, or none when one line is wrong, as chpasswd does.
fn chpasswd(state: &mut State, now: Moment, address: Ipv4Addr, stdin: &[u8]) -> Ran {
    let Ok(text) = str::from_utf8(stdin) else { return failed(1, "chpasswd: invalid text") };
    let lines: Option<Vec<(&str, &str)>> = text.lines().map(|line| line.split_once(':')).collect();
    let Some(lines) = lines.filter(|lines| !lines.is_empty()) else {
        return failed(1, "chpasswd: line 1: missing new password");
    };
    let Some(accounts) = state.accounts.get_mut(&address) else {
        return failed(1, "chpasswd: cannot open /etc/passwd");
    };
    if let Some((user, _)) = lines.iter().find(|(user, new)| !accounts.contains_key(*user) || new.is_empty())
    {
        return failed(1, &format!("chpasswd: line for '{user}' refused, no changes made"));
    }
    for (user, new) in lines {
        accounts.insert(user.to_owned(), new.to_owned());
        state.ledger.password_changes.entry(format!("{address} {user}")).or_default().add(now);
    }
    state.ledger.changes.entry("ssh.chpasswd".into()).or_default().add(now);
    Ran { effect: Some("ssh.chpasswd"), ..Ran::default() }
}

fn failed(status: u32, message: &str) -> Ran {
    Ran { stderr: format!("{message}\n").into_bytes(), status, ..Ran::default() }
}
