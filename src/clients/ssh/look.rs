//! What a probe may see inside a machine: files, logs and processes, by fixed commands that change nothing.

use std::{fmt, time::Duration};

use super::{
    command::{Command, End, Output},
    login::SshReader,
    session::Session,
};
use crate::{
    clients::wire::{Class, Receipt},
    failure::{Failure, Kind, Result},
    secret::Secret,
};

/// Every look is short; a machine that takes longer has other troubles.
const LIMIT: Duration = Duration::from_secs(60);

/// A file of the remote machine. Its name comes from the contract, never from a plan or a site, and has no quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteFile(&'static str);

impl RemoteFile {
    pub const fn new(path: &'static str) -> Self {
        Self(path)
    }
}

impl fmt::Display for RemoteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An open login that only looks.
pub struct Looker(pub(super) Session);

impl SshReader {
    /// Logs in to look around; `None`: the machine refuses every candidate. Each is tried once.
    pub async fn look(&self, user: &str, candidates: &[&Secret<String>]) -> Result<Option<Looker>> {
        Ok(self.session(user, candidates).await?.map(|(session, _)| Looker(session)))
    }
}

impl Looker {
    /// The last command, or the login where none was run yet.
    pub fn last_read(&self) -> Option<Receipt> {
        self.0.last_read()
    }

    /// The content of a file, or `None` when it is not there.
    pub async fn file(&self, file: RemoteFile) -> Result<Option<String>> {
        let line = format!("cat {file}");
        let output = self.run("ssh.file", &line).await?;
        match output.end {
            End::Status(0) => Ok(Some(output.stdout.text)),
            End::Status(1) if output.stderr.text.contains("No such file") => Ok(None),
            _ => Err(self.odd(&line, &output)),
        }
    }

    /// Whether a file holds `words` (no quotes in them); `false` also when there is no such file.
    pub async fn holds(&self, file: RemoteFile, words: &'static str) -> Result<bool> {
        let line = format!("grep -c -F '{words}' {file}");
        let output = self.run("ssh.grep", &line).await?;
        match output.end {
            End::Status(0) => Ok(true),
            End::Status(1) => Ok(false),
            End::Status(2) if output.stderr.text.contains("No such file") => Ok(false),
            _ => Err(self.odd(&line, &output)),
        }
    }

    /// PIDs of the processes whose command line matches `pattern` (a regular expression without quotes).
    ///
    /// Put one letter of it in brackets, else the shell that runs the search finds itself.
    pub async fn processes(&self, pattern: &'static str) -> Result<Vec<u32>> {
        let line = format!("pgrep -f '{pattern}'");
        let output = self.run("ssh.pgrep", &line).await?;
        match output.end {
            End::Status(0) => {
                Ok(output.stdout.text.lines().filter_map(|pid| pid.trim().parse().ok()).collect())
            }
            End::Status(1) => Ok(Vec::new()),
            _ => Err(self.odd(&line, &output)),
        }
    }

    /// The last `count` lines of a file; none when there is no such file.
    pub async fn last_lines(&self, file: RemoteFile, count: usize) -> Result<Vec<String>> {
        let line = format!("tail -n {count} {file}");
        let output = self.run("ssh.tail", &line).await?;
        Ok(output.stdout.text.lines().map(super::log::plain).collect())
    }

    /// Ends the session politely; dropping it also closes the connection.
    pub async fn close(self) {
        self.0.close().await;
    }

    async fn run(&self, operation: &'static str, line: &str) -> Result<Output> {
        self.0.run(&Command::new(operation, line, Class::Read, LIMIT)).await
    }

    pub(super) fn odd(&self, line: &str, output: &Output) -> Box<Failure> {
        self.0.failure(Kind::Site, line).answer(output.said())
    }
}
