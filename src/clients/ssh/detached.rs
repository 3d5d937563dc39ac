//! Programs that outlive the session which starts them (api-cloudtower §2).

use std::time::Duration;

use super::{command::Command, look::RemoteFile, session::Session};
use crate::{
    clients::wire::Class,
    failure::{Kind, Result},
    messages::message,
};

/// Starting is a matter of a moment, however long the program runs.
const LIMIT: Duration = Duration::from_secs(60);

/// A program to be started as root, with both its streams in a log.
#[derive(Clone, Copy, Debug)]
pub struct Detached {
    /// The client's own name for it, as the transcript shows it.
    pub operation: &'static str,
    /// Path and arguments, without quotes.
    pub program: &'static str,
    /// Emptied first.
    pub log: RemoteFile,
}

impl Session {
    /// Starts it and returns its PID at once.
    ///
    /// # Errors
    /// As [`Session::sudo`]. An answer that is no PID has an unknown effect.
    pub async fn start(&self, detached: &Detached) -> Result<u32> {
        let Detached { operation, program, log } = detached;
        // A background job of a shell without job control leads no process group: `setsid` does not fork, and the
        // PID is the program's own. Whoever may log in may read the log.
        let line = format!("sh -c 'umask 022; setsid nohup {program} < /dev/null > {log} 2>&1 & echo $!'");
        let output = self.sudo(&Command::new(operation, &line, Class::Once, LIMIT)).await?;
        let pid = output.stdout.text.lines().last().and_then(|pid| pid.trim().parse().ok());
        match pid.filter(|_| output.end.is_success()) {
            Some(pid) => Ok(pid),
            None => Err(self
                .failure(Kind::Site, program)
                .answer(output.said())
                .meaning(message("clients.ssh.no_pid", &[]))
                .answer_lost()),
        }
    }
}
