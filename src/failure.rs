//! What went wrong, told to the operator: what was attempted, where, what came back, what it means,
//! what to do next.

use std::{error::Error, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{messages::message, text::Text};

/// The kind of a failure. It decides the exit code of the process; the numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// 1: a bug of voyager.
    Bug = 1,
    /// 2: the command line was wrong.
    Usage = 2,
    /// 3: the plan is invalid, also when the hosts prove it so.
    Plan = 3,
    /// 4: the site refused or failed, or an earlier stage is lacking; resumable.
    Site = 4,
    /// 5: a limit passed; resumable.
    TimedOut = 5,
    /// 6: media missing or damaged.
    Media = 6,
    /// 7: the checkpoint belongs to another plan or site, or is locked by another run.
    Checkpoint = 7,
    /// 8: a local disk or permission problem.
    Local = 8,
    /// 9: a decision of the operator is needed.
    Decision = 9,
    /// 10: `diff` found differences.
    Differences = 10,
    /// 11: the maintenance window left no room for the next step, or has ended; resumable.
    Window = 11,
    /// 129: the terminal hung up; resumable.
    HungUp = 129,
    /// 130: interrupted by Ctrl-C; resumable.
    Interrupted = 130,
    /// 143: terminated; resumable.
    Terminated = 143,
}

impl Kind {
    /// Whether it only says that the run was stopped, by the operator or by the end of the maintenance window.
    pub fn is_stop(self) -> bool {
        matches!(self, Kind::Interrupted | Kind::Terminated | Kind::HungUp | Kind::Window)
    }

    pub fn exit_code(self) -> u8 {
        self as u8
    }
}

/// Whether a failed request may have taken effect at the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It certainly did not: never sent, or refused by the site.
    None,
    /// Nobody knows: the answer was lost. Only a second look at the site can tell.
    Unknown,
}

/// A failure as the operator will read it. Never holds a secret: who builds one redacts first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    pub kind: Kind,
    /// What was being done, as a noun phrase or gerund ("deploying the cluster").
    pub doing: Text,
    /// The planned address, file or cell it concerned.
    pub at: Option<String>,
    /// What came back: status and the site's own words.
    pub answer: Option<Text>,
    /// What that means.
    pub meaning: Option<Text>,
    /// What to do next; commands are literal.
    pub advice: Vec<Text>,
    /// The technical cause chain, outermost first.
    pub causes: Vec<String>,
    pub effect: Effect,
    pub log: Option<PathBuf>,
}

impl Failure {
    pub fn new(kind: Kind, doing: Text) -> Box<Self> {
        Box::new(Self {
            kind,
            doing,
            at: None,
            answer: None,
            meaning: None,
            advice: Vec::new(),
            causes: Vec::new(),
            effect: Effect::None,
            log: None,
        })
    }

    /// A file or folder of this machine that could not be read or written: always with what helps.
    pub fn on_disk(doing: Text, place: impl ToString, error: &dyn Error) -> Box<Self> {
        Self::new(Kind::Local, doing).at(place).because(error).make_room()
    }

    /// Advises what helps where this machine could not keep something.
    pub fn make_room(self: Box<Self>) -> Box<Self> {
        self.advise(message("failure.disk.make_room", &[]))
    }

    pub fn at(mut self: Box<Self>, place: impl ToString) -> Box<Self> {
        self.at = Some(place.to_string());
        self
    }

    pub fn answer(mut self: Box<Self>, answer: Text) -> Box<Self> {
        self.answer = Some(answer);
        self
    }

    pub fn meaning(mut self: Box<Self>, meaning: Text) -> Box<Self> {
        self.meaning = Some(meaning);
        self
    }

    pub fn advise(mut self: Box<Self>, advice: Text) -> Box<Self> {
        self.advice.push(advice);
        self
    }

    /// Appends the whole source chain of `error`.
    pub fn because(mut self: Box<Self>, error: &dyn Error) -> Box<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            self.causes.push(error.to_string());
            next = error.source();
        }
        self
    }

    /// Marks that the answer was lost, so that the effect is unknown.
    pub fn answer_lost(mut self: Box<Self>) -> Box<Self> {
        self.effect = Effect::Unknown;
        self
    }

    pub fn logged_at(mut self: Box<Self>, log: impl Into<PathBuf>) -> Box<Self> {
        self.log = Some(log.into());
        self
    }
}

/// The result of everything that may end in front of the operator. Boxed: the error is large and rare.
pub type Result<T, E = Box<Failure>> = std::result::Result<T, E>;
