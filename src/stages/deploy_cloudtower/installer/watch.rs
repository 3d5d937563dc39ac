//! One installer being watched: its process and its log, through sessions that come and go.

use std::time::Duration;

use super::{MARKER, PROCESS, SHOWN};
use crate::{
    clients::ssh::{LogTail, Looker},
    engine::{Facts, WaitProbe, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        deploy_cloudtower::guest::{self, LOG},
        facts::reason,
        world::WorldRead,
    },
    text::Text,
};

/// New lines become a note of their own at most once in this time (site time); the wait shows the last one anyway.
const NOTE_PACE: Duration = Duration::from_secs(30);
/// Lines shown when the installer has died (api-cloudtower §2).
const LAST_LINES: usize = 50;
/// Pieces of the log read at one look; more of them wait for the next.
const PIECES: usize = 64;

pub(super) struct Watch {
    pid: u32,
    tail: LogTail,
    /// The session in use, if there is one.
    machine: Option<Looker>,
    /// The last line that says something.
    last: String,
    /// Lines that no note has told about yet, and when the last note was.
    untold: usize,
    noted: Option<Duration>,
}

impl Watch {
    /// Goes on behind the bytes of the log that were `shown` before.
    pub fn new(pid: u32, shown: u64) -> Self {
        Self {
            pid,
            tail: LogTail::new(LOG, shown),
            machine: None,
            last: String::new(),
            untold: 0,
            noted: None,
        }
    }

    /// One look.
    pub async fn look(&mut self, world: &WorldRead, handle: &Handle) -> Result<WaitProbe> {
        let machine = match self.machine.take() {
            Some(machine) => machine,
            None => match guest::look(world, handle).await? {
                Ok(machine) => machine,
                Err(why) => return Ok(self.not_yet(Some(&why))),
            },
        };
        match self.judge(&machine, handle).await {
            Ok(probe) => {
                self.machine = Some(machine);
                Ok(probe)
            }
            // The session is gone; the installer needs none. What was read stays read.
            Err(Stop::Look(failure)) if guest::for_now(&failure) => Ok(self.not_yet(Some(&reason(&failure)))),
            Err(Stop::Look(failure) | Stop::Died(failure)) => Err(failure),
        }
    }

    async fn judge(&mut self, machine: &Looker, handle: &Handle) -> Result<WaitProbe, Stop> {
        let mut running = true;
        for _ in 0..PIECES {
            let piece = self.tail.read(machine, PROCESS).await?;
            let done = piece.lines.iter().any(|line| line.contains(MARKER));
            if !piece.lines.is_empty() {
                self.show(&piece.lines, done, handle);
            }
            if done {
                return Ok(WaitProbe::Ready(Facts::none()));
            }
            running = piece.running;
            if !piece.more {
                break;
            }
        }
        if running {
            return Ok(self.not_yet(None));
        }
        if machine.holds(LOG, MARKER).await? {
            return Ok(WaitProbe::Ready(Facts::none()));
        }
        let last = machine.last_lines(LOG, LAST_LINES).await?;
        handle.forget_remembered().map_err(Stop::Died)?;
        Err(Stop::Died(self.died(&last)))
    }

    /// New lines in one note: the last of them, and how many there are.
    fn show(&mut self, lines: &[String], done: bool, handle: &Handle) {
        self.untold += lines.len();
        if let Some(line) = lines.iter().rev().find(|line| !line.trim().is_empty()) {
            self.last.clone_from(line);
        }
        let now = handle.clock().elapsed();
        if done || self.noted.is_none_or(|last| now >= last + NOTE_PACE) {
            handle.note(message("stages.installer.log", &[("line", &self.last), ("count", &self.untold)]));
            (self.untold, self.noted) = (0, Some(now));
        }
        handle.hint(&SHOWN, &self.tail.offset());
    }

    fn not_yet(&self, trouble: Option<&Text>) -> WaitProbe {
        WaitProbe::NotYet(match trouble {
            Some(why) => message("stages.installer.out_of_sight", &[("pid", &self.pid), ("why", why)]),
            None if self.last.is_empty() => message("stages.installer.no_log", &[("pid", &self.pid)]),
            None => message("stages.installer.running", &[("pid", &self.pid), ("line", &self.last)]),
        })
    }

    fn died(&self, last: &[String]) -> Box<Failure> {
        let answer = match last.is_empty() {
            true => message("stages.installer.empty_log", &[]),
            false => Text::same(last.join("\n")),
        };
        Failure::new(Kind::Site, message("stages.installer.doing", &[]))
            .at(LOG)
            .answer(answer)
            .meaning(message("stages.installer.died", &[("pid", &self.pid), ("count", &last.len())]))
            .advise(message("stages.installer.died_advice", &[]))
    }

    /// Ends the session politely.
    pub async fn close(self) {
        if let Some(machine) = self.machine {
            machine.close().await;
        }
    }
}

/// Why a look ended early.
enum Stop {
    /// Nothing was learnt.
    Look(Box<Failure>),
    /// The installer is no more.
    Died(Box<Failure>),
}

impl From<Box<Failure>> for Stop {
    fn from(failure: Box<Failure>) -> Self {
        Self::Look(failure)
    }
}
