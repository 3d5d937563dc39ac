//! What a remote command gave back: how it ended, and its two streams within bounds.

use crate::units;

/// How much of each stream is kept; the rest is read and counted, so that a flood costs no memory.
pub const KEPT: usize = 1 << 20;

/// How a remote command ended. A command that did not end (connection lost, limit) is a failure instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Status(u32),
    /// Killed at the host by this signal.
    Signal(String),
}

impl End {
    pub fn is_success(&self) -> bool {
        *self == Self::Status(0)
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(code) => write!(f, "exit {code}"),
            Self::Signal(name) => write!(f, "SIG{name}"),
        }
    }
}

/// One stream of a remote command: its first [`KEPT`] bytes and the count of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    kept: Vec<u8>,
    omitted: u64,
}

impl Stream {
    pub(super) fn push(&mut self, data: &[u8]) {
        let room = KEPT - self.kept.len();
        let (kept, omitted) = data.split_at(room.min(data.len()));
        self.kept.extend_from_slice(kept);
        self.omitted += omitted.len() as u64;
    }

    /// The kept part; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }

    pub(super) fn strike_out(&mut self, secret: &str) {
        let secret = secret.as_bytes();
        let mut from = 0;
        while let Some(at) = find(&self.kept[from..], secret) {
            self.kept.splice(from + at..from + at + secret.len(), *b"***");
            from += at + 3;
        }
    }

    /// How many bytes came beyond the kept part.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// The last `count` lines of the kept part, for a message, with a note of what was left out.
    pub fn last_lines(&self, count: usize) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let mut tail = lines[lines.len().saturating_sub(count)..].join("\n");
        if self.omitted > 0 {
            tail.push_str(&format!(" … (+{})", units::bytes(self.omitted)));
        }
        tail
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() { None } else { haystack.windows(needle.len()).position(|window| window == needle) }
}

/// The result of a command that ran to its end, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub end: End,
    pub stdout: Stream,
    pub stderr: Stream,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_but_not_kept() {
        let mut stream = Stream::default();
        for _ in 0..3 {
            stream.push(&vec![b'x'; KEPT / 2 + 10]);
        }
        assert_eq!(stream.text().len(), KEPT);
        assert_eq!(stream.omitted(), KEPT as u64 / 2 + 30);
    }

    #[test]
    fn a_secret_in_the_output_is_struck_out_everywhere() {
        let mut stream = Stream::default();
        stream.push("bad: pässword! (pässword!)".as_bytes());
        stream.strike_out("pässword!");
        stream.strike_out("");
        assert_eq!(stream.text(), "bad: *** (***)");
    }

    #[test]
    fn only_exit_status_zero_is_success() {
        assert!(End::Status(0).is_success());
        assert!(!End::Status(1).is_success());
        assert!(!End::Signal("KILL".into()).is_success());
    }
}
