//! A log that grows at the machine, read on from where the last look ended, over any number of sessions.

use std::time::Duration;

use super::{
    command::Command,
    look::{Looker, RemoteFile},
};
use crate::{clients::wire::Class, failure::Result};

/// Bytes of one look; the rest waits for the next one.
const PIECE: usize = 256 << 10;
/// Before the status of the search for the process.
const STATUS: &str = "pgrep=";
const LIMIT: Duration = Duration::from_secs(60);

/// What one look at a log has shown.
#[derive(Debug)]
pub struct Piece {
    /// Whether the process was there when it began.
    pub running: bool,
    /// At most [`PIECE`] bytes; none while there is no log.
    pub lines: Vec<String>,
    /// There was more than one look takes.
    pub more: bool,
}

/// How far a log has been read. The offset alone is worth keeping: a resumed run goes on behind it.
#[derive(Clone, Debug)]
pub struct LogTail {
    file: RemoteFile,
    /// Bytes of the file that were read, whole lines only.
    offset: u64,
}

impl LogTail {
    /// Reading goes on at `offset`, 0 for the start.
    pub fn new(file: RemoteFile, offset: u64) -> Self {
        Self { file, offset }
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the process that writes it runs, and the whole lines that came since the last look: one command, so that
    /// a look costs one request.
    ///
    /// `process` is a regular expression without quotes, as [`Looker::processes`] takes it. It is looked for before the
    /// log is read: a process which is gone has written all of it. A look that fails has read nothing: the next one,
    /// over another session, begins at the same byte.
    pub async fn read(&mut self, machine: &Looker, process: &'static str) -> Result<Piece> {
        // `head` ends the pipe without a fuss, so that a log which is not there yet reads like an empty one.
        let read = format!("tail -c +{} {} | head -c {PIECE}", self.offset + 1, self.file);
        let line = format!("pgrep -f '{process}' > /dev/null; echo {STATUS}$?; {read}");
        let command = Command::new("ssh.log", &line, Class::Read, LIMIT);
        let (output, raw) = machine.0.run_raw(&command).await?;
        let (running, raw) = split(&raw).ok_or_else(|| machine.odd(&line, &output))?;
        let whole = whole_lines(raw);
        self.offset += whole.len() as u64;
        let text = machine.0.masked(&String::from_utf8_lossy(whole));
        Ok(Piece { running, lines: text.lines().map(plain).collect(), more: raw.len() >= PIECE })
    }
}

/// Whether the process was found, and what follows. A login may say something of its own before.
fn split(raw: &[u8]) -> Option<(bool, &[u8])> {
    let mut rest = raw;
    loop {
        let (line, behind) = rest.split_at(rest.iter().position(|byte| *byte == b'\n')? + 1);
        match line.strip_prefix(STATUS.as_bytes()) {
            Some(b"0\n") => return Some((true, behind)),
            Some(b"1\n") => return Some((false, behind)),
            Some(_) => return None,
            None => rest = behind,
        }
    }
}

/// Up to and including the last line break; a piece that is all one line is taken as it is.
fn whole_lines(raw: &[u8]) -> &[u8] {
    match raw.iter().rposition(|byte| *byte == b'\n') {
        Some(last) => &raw[..=last],
        None if raw.len() >= PIECE => raw,
        None => &[],
    }
}

/// A line as it would stand on a terminal: what a carriage return overwrites is gone, and so are colours.
pub(super) fn plain(line: &str) -> String {
    let line = line.trim_end().rsplit('\r').next().unwrap_or_default();
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            // ECMA-48: parameters end with a character from @ to ~.
            '\u{1b}' if chars.as_str().starts_with('[') => {
                chars.next();
                chars.find(|c| ('@'..='~').contains(c));
            }
            '\t' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_still_being_written_waits_for_its_end() {
        assert_eq!(whole_lines(b"one\ntwo\nthr"), b"one\ntwo\n");
        assert_eq!(whole_lines(b"thr"), b"");
        assert_eq!(whole_lines(b""), b"");
        assert_eq!(whole_lines(&vec![b'x'; PIECE]).len(), PIECE);
    }

    #[test]
    fn the_log_begins_behind_the_status_whatever_a_login_says_before() {
        assert_eq!(split(b"pgrep=0\none\n"), Some((true, &b"one\n"[..])));
        assert_eq!(split(b"Welcome\npgrep=1\n"), Some((false, &b""[..])));
        assert_eq!(split(b"pgrep=2\none\n"), None, "a pgrep that failed");
        assert_eq!(split(b"bash: no such command\n"), None);
        assert_eq!(split(b""), None);
    }

    #[test]
    fn a_line_is_shown_as_a_terminal_would_show_it() {
        assert_eq!(plain("10%\r50%\r100% done\r"), "100% done");
        assert_eq!(plain("\u{1b}[1;32mOK\u{1b}[0m\tnext\u{7}"), "OK next");
    }

    /// What an installer writes, and what a terminal, a login or a disk makes of it.
    const PIECES: [&str; 16] = [
        "\n",
        "\r",
        "\r\n",
        "\u{1b}[",
        "\u{1b}[1;32m",
        "\u{1b}",
        "m",
        "pgrep=",
        "pgrep=0\n",
        "pgrep=1\n",
        "\t",
        "\u{0}",
        "集群",
        "TASK [install] ****",
        "PLAY RECAP",
        " ",
    ];

    #[test]
    fn no_log_makes_its_reader_panic_or_lose_a_whole_line_however_it_is_cut() {
        use rand::{RngExt, SeedableRng, rngs::StdRng};
        let runs = std::env::var("VOYAGER_FUZZ_RUNS").map_or(5_000, |runs| runs.parse().unwrap());
        let mut random = StdRng::seed_from_u64(20_261_130);
        for run in 0..runs {
            let mut log: Vec<u8> = Vec::new();
            for _ in 0..random.random_range(0..24) {
                match random.random_range(0..4) {
                    0 => log.push(random.random()),
                    _ => log.extend(PIECES[random.random_range(0..PIECES.len())].as_bytes()),
                }
            }
            let (mut offset, mut read) = (0, Vec::new());
            let mut there = 0;
            while there < log.len() {
                there = (there + random.random_range(1..16)).min(log.len());
                let raw = [b"Welcome\npgrep=1\n", &log[offset..there]].concat();
                let (running, raw) = split(&raw).unwrap_or_else(|| panic!("run {run}: {log:?}"));
                assert!(!running, "run {run}: {log:?}");
                let whole = whole_lines(raw);
                offset += whole.len();
                read.extend_from_slice(whole);
                for line in String::from_utf8_lossy(whole).lines().map(plain) {
                    assert!(!line.contains(char::is_control), "run {run}: {line:?}");
                }
            }
            let end = log.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            assert_eq!(read, log[..end], "run {run}: {log:?}");
            // A log can say what the answer begins with, where a login said nothing of its own.
            let _ = split(&log);
        }
    }
}
