//! The shell of a simulated host: just the commands that the tool sends, anything else is a breach.

use std::net::Ipv4Addr;

use crate::sim::{host::Ran, site::Site};

/// The operation of a command that sets passwords.
pub(super) const CHPASSWD: &str = "ssh.chpasswd";

/// The operation under which faults and holds meet this command.
pub(super) fn operation(line: &str) -> &'static str {
    if names(line, "chpasswd") { CHPASSWD } else { "ssh.run" }
}

/// Whether the command waits for the end of its input before it does anything.
pub(super) fn reads_input(line: &str) -> bool {
    names(line, "chpasswd") || words(line).iter().any(|word| word == "-S")
}

fn names(line: &str, program: &str) -> bool {
    words(line).iter().any(|word| word.rsplit('/').next() == Some(program))
}

/// Runs a command line as `user`: optional `NAME=value` words, then `sudo` or a plain command.
pub(super) fn run(site: &Site, address: Ipv4Addr, user: &str, line: &str, stdin: &[u8]) -> Ran {
    let words = words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| is_assignment(word)).collect();
    match words.as_slice() {
        ["sudo", rest @ ..] => match sudo(site, address, user, rest, stdin) {
            Ok((command, stdin)) => plain(site, address, "root", &command, stdin),
            Err(refused) => refused,
        },
        all => plain(site, address, user, all, stdin),
    }
}

fn plain(site: &Site, address: Ipv4Addr, user: &str, command: &[&str], stdin: &[u8]) -> Ran {
    match command {
        ["id", "-un"] => Ran { stdout: format!("{user}\n").into_bytes(), ..Ran::default() },
        command => site.run(address, user, &command.join(" "), stdin),
    }
}

/// What is left to run as root, and the input that is left for it; or what `sudo` says instead.
///
/// The words are those of sudo 1.8 and 1.9 in the C locale.
fn sudo<'a>(
    site: &Site,
    address: Ipv4Addr,
    user: &str,
    words: &[&'a str],
    stdin: &'a [u8],
) -> Result<(Vec<&'a str>, &'a [u8]), Ran> {
    let (mut never_ask, mut from_stdin) = (false, false);
    let mut words = words.iter().copied();
    let command = loop {
        match words.next() {
            Some("-n") => never_ask = true,
            Some("-S") => from_stdin = true,
            Some("-k") => {}
            Some("-p") => drop(words.next()),
            Some(word) => break std::iter::once(word).chain(words).collect(),
            None => return Err(failed("usage: sudo command")),
        }
    };
    let asks = user != "root" && site.with(|state, _| state.quirks.ssh.sudo_asks);
    match (asks, never_ask, from_stdin) {
        // Without a question the input is the command's, password line or not.
        (false, _, _) => Ok((command, stdin)),
        (true, true, _) => Err(failed("sudo: a password is required")),
        (true, false, false) => Err(failed("sudo: a terminal is required to read the password")),
        (true, false, true) => authenticate(site, address, user, stdin).map(|rest| (command, rest)),
    }
}

/// `sudo -S` takes up to three lines of its input for passwords; the rest is the command's.
fn authenticate<'a>(site: &Site, address: Ipv4Addr, user: &str, stdin: &'a [u8]) -> Result<&'a [u8], Ran> {
    let mut rest = stdin;
    for tries in 0..3 {
        if rest.is_empty() {
            let words = if tries == 0 { "sudo: no password was provided" } else { "Sorry, try again." };
            return Err(failed(&format!("{words}\nsudo: {tries} incorrect password attempt")));
        }
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let password = String::from_utf8_lossy(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        if site.check_password(address, user, &password) {
            return Ok(rest);
        }
    }
    Err(failed("sudo: 3 incorrect password attempts"))
}

fn failed(words: &str) -> Ran {
    Ran { stderr: format!("{words}\n").into_bytes(), status: 1, ..Ran::default() }
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
