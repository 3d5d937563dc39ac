//! `sudo` as the simulated machines have it; its words are those of sudo 1.8 and 1.9 in the C locale.

use crate::sim::host::Ran;

/// What is left to run as root, and the input that is left for it; or what `sudo` says instead.
///
/// `asks`: it wants the account's password, which `right` knows.
pub fn sudo<'a>(
    asks: bool,
    right: &dyn Fn(&str) -> bool,
    words: &[&'a str],
    stdin: &'a [u8],
) -> Result<(Vec<&'a str>, &'a [u8]), Ran> {
    let (mut never_ask, mut from_stdin) = (false, false);
    let mut words = words.iter().copied();
    let command = loop {
        match words.next() {
            Some("-n") => never_ask = true,
            Some("-S") => from_stdin = true,
            Some("-k" | "--") => {}
            Some("-p") => drop(words.next()),
            Some(word) => break std::iter::once(word).chain(words).collect(),
            None => return Err(failed("usage: sudo command")),
        }
    };
    match (asks, never_ask, from_stdin) {
        // Without a question the input is the command's, password line or not.
        (false, _, _) => Ok((command, stdin)),
        (true, true, _) => Err(failed("sudo: a password is required")),
        (true, false, false) => Err(failed("sudo: a terminal is required to read the password")),
        (true, false, true) => authenticate(right, stdin).map(|rest| (command, rest)),
    }
}

/// `sudo -S` takes up to three lines of its input for passwords; the rest is the command's.
fn authenticate<'a>(right: &dyn Fn(&str) -> bool, stdin: &'a [u8]) -> Result<&'a [u8], Ran> {
    let mut rest = stdin;
    for tries in 0..3 {
        if rest.is_empty() {
            let words = if tries == 0 { "sudo: no password was provided" } else { "Sorry, try again." };
            return Err(failed(&format!("{words}\nsudo: {tries} incorrect password attempt")));
        }
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let password = String::from_utf8_lossy(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        if right(&password) {
            return Ok(rest);
        }
    }
    Err(failed("sudo: 3 incorrect password attempts"))
}

fn failed(words: &str) -> Ran {
    Ran { stderr: format!("{words}\n").into_bytes(), status: 1, ..Ran::default() }
}
