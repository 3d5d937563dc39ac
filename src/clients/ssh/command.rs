//! A remote command and what it gave back: how it ended, and its two streams within bounds.

use std::{fmt, time::Duration};

use crate::{
    clients::{redact::Redactor, wire::Class},
    secret::Secret,
    text::Text,
    units,
};

/// How much of each stream is kept; the rest is read and counted, so that a flood costs no memory.
pub const KEPT: usize = 1 << 20;

/// A command for a host's shell. Its line is shown and recorded, so nothing secret may be in it; its standard
/// input is neither.
#[derive(Clone, Debug)]
pub struct Command<'a> {
    /// The client's own name for it, as the transcript shows it: `ssh.chpasswd`.
    pub operation: &'static str,
    pub line: &'a str,
    pub class: Class,
    pub limit: Duration,
    /// Followed by end-of-file.
    pub stdin: Secret<Vec<u8>>,
}

impl<'a> Command<'a> {
    /// A command of `class` without input; it must end within `limit`. All but [`Class::Read`] change the host.
    pub fn new(operation: &'static str, line: &'a str, class: Class, limit: Duration) -> Self {
        Self { operation, line, class, limit, stdin: Secret::new(Vec::new()) }
    }

    pub fn fed(self, stdin: Vec<u8>) -> Self {
        Self { stdin: Secret::new(stdin), ..self }
    }
}

/// How a remote command ended. One that did not end (connection lost, limit passed) is a failure instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Status(u32),
    /// Killed at the host by this signal, named without `SIG`.
    Signal(String),
}

impl End {
    pub fn is_success(&self) -> bool {
        *self == Self::Status(0)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(f, "exit {code}"),
            Self::Signal(name) => write!(f, "SIG{name}"),
        }
    }
}

/// The result of a command that ran to its end, whatever its status. Known secrets are masked in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub end: End,
    pub stdout: Stream,
    pub stderr: Stream,
}

impl Output {
    /// The end and the last words on standard error, as the answer of a failure.
    pub fn said(&self) -> Text {
        Text::same(format_args!("{}: {}", self.end, self.stderr.last_lines(3)))
    }
}

/// One stream of a remote command. Bytes that are not UTF-8 are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The first [`KEPT`] bytes.
    pub text: String,
    /// How many bytes came beyond them.
    pub omitted: u64,
}

impl Stream {
    /// The last `count` lines that are not blank, with a note of what was left out.
    pub fn last_lines(&self, count: usize) -> String {
        let lines: Vec<&str> = self.text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let mut tail = lines[lines.len().saturating_sub(count)..].join("\n");
        if self.omitted > 0 {
            tail.push_str(&format!(" … (+{})", units::bytes(self.omitted)));
        }
        tail
    }
}

/// Collects a stream within its bound.
#[derive(Default)]
pub(super) struct Collector {
    kept: Vec<u8>,
    omitted: u64,
}

impl Collector {
    pub fn push(&mut self, data: &[u8]) {
        let (kept, omitted) = data.split_at(data.len().min(KEPT - self.kept.len()));
        self.kept.extend_from_slice(kept);
        self.omitted += omitted.len() as u64;
    }

    pub fn kept(&self) -> &[u8] {
        &self.kept
    }

    pub fn finish(self, redactor: &Redactor) -> Stream {
        Stream { text: redactor.text(&String::from_utf8_lossy(&self.kept)), omitted: self.omitted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_but_not_kept() {
        let mut collector = Collector::default();
        for _ in 0..3 {
            collector.push(&vec![b'x'; KEPT / 2 + 10]);
        }
        let stream = collector.finish(&Redactor::new());
        assert_eq!(stream.text.len(), KEPT);
        assert_eq!(stream.omitted, KEPT as u64 / 2 + 30);
        assert!(stream.last_lines(1).ends_with("… (+512.0 KiB)"));
    }

    #[test]
    fn only_exit_status_zero_is_success() {
        assert!(End::Status(0).is_success());
        assert!(!End::Status(1).is_success());
        assert!(!End::Signal("KILL".into()).is_success());
    }
}
