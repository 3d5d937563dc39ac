//! Setting account passwords at a host (api-fisheye §6.8).

use std::time::Duration;

use super::{command::Command, session::Session};
use crate::{
    clients::wire::Class,
    failure::{Failure, Kind, Result},
    messages::message,
    secret::Secret,
};

impl Session {
    /// Sets the password of each named account, in order; returns when the host has confirmed them. Setting the
    /// same password again is harmless. The pairs travel on standard input only.
    ///
    /// # Errors
    /// A failing `chpasswd` may have set some of the pairs, so its effect is unknown: prove it by a login.
    pub async fn set_passwords(&self, pairs: &[(&str, &Secret<String>)], limit: Duration) -> Result<()> {
        if let Some((user, _)) = pairs.iter().find(|(user, password)| !fits_a_line(user, password)) {
            let unfit = message("clients.ssh.password_unfit", &[("user", user)]);
            return Err(self.passwords_failed(Kind::Plan, pairs).meaning(unfit));
        }
        let mut lines = Vec::new();
        for (user, password) in pairs {
            self.learn(password);
            lines.extend([user.as_bytes(), b":", password.expose().as_bytes(), b"\n"].concat());
        }
        let command = Command::new("ssh.chpasswd", "/usr/sbin/chpasswd", Class::Probed, limit).fed(lines);
        let output = self.sudo(&command).await?;
        if !output.end.is_success() {
            return Err(self
                .passwords_failed(Kind::Site, pairs)
                .answer(output.said())
                .meaning(message("clients.ssh.password_refused", &[]))
                .advise(message("clients.ssh.password_policy", &[]))
                .answer_lost());
        }
        if let Some((_, password)) = pairs.iter().rev().find(|(user, _)| *user == self.user()) {
            self.password_is_now(password);
        }
        Ok(())
    }

    fn passwords_failed(&self, kind: Kind, pairs: &[(&str, &Secret<String>)]) -> Box<Failure> {
        let users = pairs.iter().map(|(user, _)| *user).collect::<Vec<_>>().join(", ");
        self.failing(kind, message("clients.ssh.doing_passwords", &[("users", &users)]))
    }
}

/// `chpasswd` reads lines of `user:password`, and an empty password would open the account.
fn fits_a_line(user: &str, password: &Secret<String>) -> bool {
    let password = password.expose();
    !user.is_empty()
        && !user.contains([':', '\n'])
        && !password.is_empty()
        && !password.contains(['\n', '\r', '\0'])
}
