//! Commands as root: `sudo` without a prompt where the host allows it, else with the password on its input.

use super::{
    command::{Command, End, Output},
    session::Session,
};
use crate::{
    clients::wire::Class,
    failure::{Kind, Result},
    messages::message,
};

impl Session {
    /// Runs `command` as root and reads it to its end, whatever its status.
    ///
    /// `sudo -n` is tried with the command itself, because rules may allow one command without a password and
    /// not another. Where it wants one, the password is proved once with a harmless command first: a wrong one
    /// would let `sudo` read the command's own input as further guesses, and accounts may lock.
    ///
    /// # Errors
    /// As [`Session::run`]; also when `sudo` refuses: a wrong password, no terminal, no rule. Nothing has run then.
    pub async fn sudo(&self, command: &Command<'_>) -> Result<Output> {
        // The words that are recognised below exist in this locale only.
        let line = format!("LC_ALL=C sudo -n {}", command.line);
        let output = self.run(&Command { line: &line, ..command.clone() }).await?;
        match Refusal::of(&output) {
            None => Ok(output),
            Some(Refusal::NoPassword | Refusal::WrongPassword) => {
                self.prompted(&Command::new("ssh.sudo", "true", Class::Read, command.limit)).await?;
                self.prompted(command).await
            }
            Some(refusal) => Err(self.sudo_refused(&line, &output, refusal)),
        }
    }

    async fn prompted(&self, command: &Command<'_>) -> Result<Output> {
        // `-k` makes `sudo` read the password even when it remembers one; else the line would reach the command.
        let line = format!("LC_ALL=C sudo -k -S -p '' {}", command.line);
        let password = self.password();
        let stdin = [password.expose().as_bytes(), b"\n", command.stdin.expose()].concat();
        let output = self.run(&Command { line: &line, ..command.clone() }.fed(stdin)).await?;
        match Refusal::of(&output) {
            None => Ok(output),
            Some(refusal) => Err(self.sudo_refused(&line, &output, refusal)),
        }
    }

    fn sudo_refused(&self, line: &str, output: &Output, refusal: Refusal) -> Box<crate::failure::Failure> {
        let user: &str = self.user();
        let meaning = match refusal {
            Refusal::NoTerminal => message("clients.ssh.sudo_terminal", &[]),
            Refusal::NotAllowed => message("clients.ssh.sudo_not_allowed", &[("user", &user)]),
            Refusal::NoPassword | Refusal::WrongPassword => {
                message("clients.ssh.sudo_password", &[("user", &user)])
            }
        };
        self.failure(Kind::Site, line)
            .answer(output.said())
            .meaning(meaning)
            .advise(message("clients.ssh.sudo_rule", &[("user", &user)]))
    }
}

/// What `sudo` itself refused; the command has not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    NoPassword,
    WrongPassword,
    NoTerminal,
    NotAllowed,
}

impl Refusal {
    /// Exit status 1 and `sudo`'s own words; the same status without them is the command's.
    fn of(output: &Output) -> Option<Self> {
        if output.end != End::Status(1) {
            return None;
        }
        output.stderr.text.lines().map(str::trim).find_map(|line| {
            let words = line.strip_prefix("sudo").unwrap_or_default();
            if words.contains("incorrect password") || words.contains("no password was provided") {
                Some(Self::WrongPassword)
            } else if words.contains("password is required") || words.contains("authentication is required") {
                Some(Self::NoPassword)
            } else if words.contains("must have a tty") || words.contains("a terminal is required") {
                Some(Self::NoTerminal)
            } else if line.contains("is not in the sudoers file")
                || line.starts_with("Sorry, user ") && line.contains(" is not allowed to ")
            {
                Some(Self::NotAllowed)
            } else {
                None
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::command::Stream, *};

    fn ended(code: u32, words: &str) -> Output {
        let stderr = Stream { text: words.to_owned(), omitted: 0 };
        Output { end: End::Status(code), stdout: Stream::default(), stderr }
    }

    #[test]
    fn the_words_of_old_and_new_sudo_are_recognised() {
        let of = |words| Refusal::of(&ended(1, words));
        assert_eq!(of("sudo: a password is required\n"), Some(Refusal::NoPassword));
        assert_eq!(of("sudo-rs: interactive authentication is required\n"), Some(Refusal::NoPassword));
        assert_eq!(of("noise\nsudo: 1 incorrect password attempt\n"), Some(Refusal::WrongPassword));
        assert_eq!(
            of("sudo: no password was provided\nsudo: 1 incorrect password attempt"),
            Some(Refusal::WrongPassword)
        );
        assert_eq!(of("sudo: sorry, you must have a tty to run sudo"), Some(Refusal::NoTerminal));
        assert_eq!(
            of("Sorry, user smartx is not allowed to execute '/usr/sbin/chpasswd' as root on n1."),
            Some(Refusal::NotAllowed)
        );
        assert_eq!(
            of("smartx is not in the sudoers file.  This incident will be reported."),
            Some(Refusal::NotAllowed)
        );
    }

    #[test]
    fn a_command_that_fails_by_itself_is_not_taken_for_a_refusal() {
        assert_eq!(Refusal::of(&ended(1, "chpasswd: a password is required")), None);
        assert_eq!(Refusal::of(&ended(2, "sudo: 1 incorrect password attempt")), None);
        assert_eq!(Refusal::of(&ended(1, "")), None);
    }
}
