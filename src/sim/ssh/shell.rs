//! The shell of a simulated machine: just the commands that the tool sends, anything else is a breach.

use std::net::Ipv4Addr;

use super::sudo::sudo;
use crate::sim::{guest, guest::InstallerFate, host::Ran, site::Site};

/// The operation of a command that sets passwords.
pub(super) const CHPASSWD: &str = "ssh.chpasswd";
/// Those of the CloudTower guest that change it.
pub const RESOLV_CONF: &str = "ssh.resolv_conf";
pub const PREINSTALL: &str = "ssh.preinstall";
pub const INSTALLER: &str = "ssh.installer";
/// Containers of the Observability VM being restarted.
pub const RESTART: &str = "ssh.restart";

pub(super) const CHANGING: [&str; 5] = [CHPASSWD, RESOLV_CONF, PREINSTALL, INSTALLER, RESTART];

/// The operation under which faults and holds meet this command.
pub(super) fn operation(line: &str) -> &'static str {
    let writes = line.contains('>') || names(line, "tee");
    if names(line, "chpasswd") {
        CHPASSWD
    } else if line.contains("preinstall.sh") {
        PREINSTALL
    } else if line.contains("binary/installer") {
        INSTALLER
    } else if line.contains("nerdctl restart") {
        RESTART
    } else if line.contains("/etc/resolv.conf") && writes {
        RESOLV_CONF
    } else {
        "ssh.run"
    }
}

/// Whether the command waits for the end of its input before it does anything.
pub(super) fn reads_input(line: &str) -> bool {
    names(line, "chpasswd") || names(line, "tee") || words(line).iter().any(|word| word == "-S")
}

fn names(line: &str, program: &str) -> bool {
    words(line).iter().any(|word| word.rsplit('/').next() == Some(program))
}

/// Runs a command line as `user`, on a machine with a shell of its own or on a host.
pub(super) fn run(
    site: &Site,
    address: Ipv4Addr,
    user: &str,
    line: &str,
    stdin: &[u8],
    fate: InstallerFate,
) -> Ran {
    let on_guest = site.with(|state, now| guest::run(state, now, address, line, stdin, fate));
    on_guest.unwrap_or_else(|| host(site, address, user, line, stdin))
}

/// A host knows no more than optional `NAME=value` words, then `sudo` or a plain command.
fn host(site: &Site, address: Ipv4Addr, user: &str, line: &str, stdin: &[u8]) -> Ran {
    let words = words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| is_assignment(word)).collect();
    match words.as_slice() {
        ["sudo", rest @ ..] => {
            let asks = user != "root" && site.with(|state, _| state.quirks.ssh.sudo_asks);
            let right = |password: &str| site.check_password(address, user, password);
            match sudo(asks, &right, rest, stdin) {
                Ok((command, stdin)) => plain(site, address, "root", &command, stdin),
                Err(refused) => refused,
            }
        }
        all => plain(site, address, user, all, stdin),
    }
}

fn plain(site: &Site, address: Ipv4Addr, user: &str, command: &[&str], stdin: &[u8]) -> Ran {
    match command {
        ["id", "-un"] => Ran { stdout: format!("{user}\n").into_bytes(), ..Ran::default() },
        command => site.run(address, user, &command.join(" "), stdin),
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.contains('/'))
}

/// Words at white space; single quotes hold a word together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
