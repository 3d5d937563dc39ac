//! The journal of a site: `journal.jsonl`, append-only, one line per event that matters, runs as sections of it.

pub mod line;
pub mod state;
pub mod storage;

use std::io;

pub use line::Line;
pub use state::{RunRecord, State, StepRecord};
pub use storage::{Disk, FileStorage, MemoryStorage, Storage};

use super::{
    event::{Event, EventKind},
    inputs::Inputs,
};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
};

/// When a line must be able to survive a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Before the append returns.
    Flushed,
    /// With the next flushed line, or never.
    Buffered,
}

/// An open journal: its state, and where new lines go.
pub struct Journal {
    storage: Box<dyn Storage>,
    site: String,
    run: String,
    prev: String,
    /// Bytes of whole lines; what lies beyond is a torn piece of a failed append.
    len: u64,
    state: State,
    torn: Option<usize>,
    /// A write failed in a way that leaves open what is on disk.
    unsure: bool,
}

impl Journal {
    /// Reads the journal of `site` and makes it ready for the lines of run `run`. A torn last line is cut off
    /// (see `torn`); a broken chain, another site's lines or an impossible order are `Kind::Checkpoint` failures.
    pub fn open(mut storage: Box<dyn Storage>, site: &str, run: &str) -> Result<Self> {
        let Content { lines, whole, bytes } = read(&mut *storage)?;
        let (state, prev) = fold(&lines, site, &storage.place())?;
        let torn = (whole < bytes).then_some(bytes - whole);
        if torn.is_some() {
            storage.truncate(whole as u64).map_err(|error| local(&*storage, &error))?;
        }
        let len = whole as u64;
        Ok(Self {
            storage,
            site: site.to_owned(),
            run: run.to_owned(),
            prev,
            len,
            state,
            torn,
            unsure: false,
        })
    }

    /// A journal that is gone with the process.
    pub fn in_memory(site: &str, run: &str) -> Result<Self> {
        Self::open(Box::new(MemoryStorage::default()), site, run)
    }

    /// A copy in memory of what another journal holds: what a survey works with. A torn last line is left out.
    pub fn snapshot(mut storage: Box<dyn Storage>, site: &str, run: &str) -> Result<Self> {
        let bytes = storage.load().map_err(|error| local(&*storage, &error))?;
        Self::open(Box::new(MemoryStorage::new(bytes)), site, run)
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn site(&self) -> &str {
        &self.site
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    /// How many bytes of a torn last line were cut off at opening.
    pub fn torn(&self) -> Option<usize> {
        self.torn
    }

    /// Appends one event. Progress is not journaled. The state moves on only when the line is written.
    pub(super) fn append(
        &mut self,
        event: &Event,
        inputs: Option<Inputs>,
        durability: Option<Durability>,
    ) -> Result<()> {
        let Some(usual) = durability_of(&event.kind) else { return Ok(()) };
        let mut next = self.state.clone();
        next.apply(&self.run, event.at, &event.kind, inputs.as_ref())
            .map_err(|rule| order(&self.storage.place(), &rule, Kind::Bug))?;
        let line = Line {
            format: line::FORMAT,
            prev: self.prev.clone(),
            site: self.site.clone(),
            run: self.run.clone(),
            inputs,
            record: event.clone(),
        };
        let mut bytes = serde_json::to_vec(&line).map_err(|error| {
            Failure::new(Kind::Bug, message("engine.journal.writing", &[])).because(&error)
        })?;
        let digest = line::digest(&bytes);
        bytes.push(b'\n');
        self.write(&bytes, durability.unwrap_or(usual)).map_err(|error| local(&*self.storage, &error))?;
        self.prev = digest;
        self.state = next;
        Ok(())
    }

    /// What arrived of a line that failed is taken back, since the next one must not stand behind a piece. Where that
    /// fails, and where a sync fails (after which nobody knows what is on disk), nothing more is written: the next
    /// process reads what there is and goes on from there.
    fn write(&mut self, bytes: &[u8], durability: Durability) -> io::Result<()> {
        if self.unsure {
            return Err(io::Error::other("an earlier line may not be on disk"));
        }
        if let Err(error) = self.storage.append(bytes) {
            self.unsure = self.storage.truncate(self.len).is_err();
            return Err(error);
        }
        if durability == Durability::Flushed
            && let Err(error) = self.storage.sync()
        {
            self.unsure = true;
            // So that the next process need not ask about an act that never began.
            let _ = self.storage.truncate(self.len);
            return Err(error);
        }
        self.len += bytes.len() as u64;
        Ok(())
    }
}

/// `None`: progress, which is not journaled.
fn durability_of(event: &EventKind) -> Option<Durability> {
    match event {
        EventKind::Waiting { .. } | EventKind::Transfer { .. } => None,
        EventKind::Intent { .. }
        | EventKind::Remembered { .. }
        | EventKind::Forgotten { .. }
        | EventKind::Answered { .. }
        | EventKind::StepFinished { .. }
        | EventKind::RunStarted(_)
        | EventKind::RunFinished(_) => Some(Durability::Flushed),
        _ => Some(Durability::Buffered),
    }
}

struct Content {
    lines: Vec<(Line, String)>,
    /// Bytes of whole lines, and of everything.
    whole: usize,
    bytes: usize,
}

/// All whole lines of a journal, of whatever site, in their order; the chain is checked, a torn end left out.
pub fn read_lines(storage: &mut dyn Storage) -> Result<Vec<Line>> {
    Ok(read(storage)?.lines.into_iter().map(|(line, _)| line).collect())
}

/// Reads lines, each with its digest, and finds where a torn end begins.
fn read(storage: &mut dyn Storage) -> Result<Content> {
    let bytes = storage.load().map_err(|error| local(storage, &error))?;
    let place = storage.place();
    let mut content = Content { lines: Vec::new(), whole: 0, bytes: bytes.len() };
    let mut prev = String::new();
    for raw in bytes.split_inclusive(|byte| *byte == b'\n') {
        let number = content.lines.len() + 1;
        let Some(text) = raw.strip_suffix(b"\n") else { break };
        let line: Line = match serde_json::from_slice(text) {
            Ok(line) => line,
            Err(_) if lost_blocks(&bytes[content.whole..]) => break,
            Err(error) => {
                let meaning = message("engine.journal.unreadable", &[]);
                return Err(broken(&place, number, meaning).because(&error));
            }
        };
        if line.format != line::FORMAT {
            let found = line.format;
            return Err(broken(&place, number, message("engine.journal.format", &[("found", &found)])));
        }
        if line.prev != prev {
            return Err(broken(&place, number, message("engine.journal.chain", &[])));
        }
        prev = line::digest(text);
        content.lines.push((line, prev.clone()));
        content.whole += raw.len();
    }
    Ok(content)
}

/// Whether the rest of a journal is an end that a power loss tore: its first line holds zeros, as a block that
/// never reached the disk does, and nothing after it was flushed. A flushed line is the last of what may be lost
/// with it, so one in front of others was on disk, zeros and all, and that is damage of another kind.
fn lost_blocks(rest: &[u8]) -> bool {
    let mut lines = rest.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    if !lines.next().is_some_and(|line| line.contains(&0)) {
        return false;
    }
    let flushed = |line: &[u8]| {
        let line = serde_json::from_slice::<Line>(line);
        line.is_ok_and(|line| durability_of(&line.record.kind) == Some(Durability::Flushed))
    };
    let after: Vec<&[u8]> = lines.collect();
    after.iter().rev().skip(1).all(|line| !flushed(line))
}

/// Folds lines into a state and the chain value of the last one.
fn fold(lines: &[(Line, String)], site: &str, place: &str) -> Result<(State, String)> {
    let mut state = State::default();
    for (at, (line, _)) in lines.iter().enumerate() {
        let number = at + 1;
        if line.site != site {
            let text = message("engine.journal.site", &[("found", &line.site), ("expected", &site)]);
            return Err(broken(place, number, text));
        }
        state
            .apply(&line.run, line.record.at, &line.record.kind, line.inputs.as_ref())
            .map_err(|rule| order(&format!("{place}:{number}"), &rule, Kind::Checkpoint))?;
    }
    Ok((state, lines.last().map(|(_, digest)| digest.clone()).unwrap_or_default()))
}

fn broken(place: &str, line: usize, meaning: crate::text::Text) -> Box<Failure> {
    Failure::new(Kind::Checkpoint, message("engine.journal.reading", &[]))
        .at(format_args!("{place}:{line}"))
        .meaning(meaning)
        .advise(message("engine.journal.keep", &[]))
}

fn order(place: &str, rule: &str, kind: Kind) -> Box<Failure> {
    let mut failure = Failure::new(kind, message("engine.journal.reading", &[]))
        .at(place)
        .meaning(message("engine.journal.order", &[]))
        .advise(message("engine.journal.keep", &[]));
    failure.causes.push(rule.to_owned());
    failure
}

fn local(storage: &dyn Storage, error: &io::Error) -> Box<Failure> {
    Failure::on_disk(message("engine.journal.writing", &[]), storage.place(), error)
        .meaning(message("engine.journal.local", &[]))
}
