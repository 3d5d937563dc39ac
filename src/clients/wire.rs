//! The transcript: one redacted JSON line per exchange, because a real site's answers are worth more
//! than our description of them.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde::Serialize;

use super::{dial::Endpoint, redact::Redactor};

/// Bodies longer than this are cut in the transcript.
const LONGEST: usize = 64 * 1024;

/// How a call may be repeated (DESIGN §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Reads only: repeated freely.
    Read,
    /// Sent once; after a lost answer the caller looks at the site.
    Probed,
    /// Sent once; not repeatable at all.
    Once,
}

/// One exchange as it is recorded: already redacted, bodies cut. Field order is the order on the line.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// When the request left, wall time.
    pub time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// `fisheye.deploy`, `ssh.run`: the names that a simulated site uses in its faults.
    pub operation: String,
    pub address: String,
    /// `GET`, `POST`, …, or `SSH`.
    pub method: String,
    /// Path and query, or the command.
    pub path: String,
    /// HTTP status or exit code; absent when no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Why no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub ms: u64,
    /// From 1.
    pub attempt: u32,
    pub class: Class,
    /// Whether the request is one that changes the site.
    pub changes: bool,
}

/// One exchange as the client saw it, secrets and all; `Wire::record` redacts it.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    pub operation: &'a str,
    pub endpoint: Endpoint,
    pub method: &'a str,
    pub path: &'a str,
    pub request: Body<'a>,
    pub outcome: Outcome<'a>,
    pub started: Timestamp,
    pub took: Duration,
    pub attempt: u32,
    pub class: Class,
    pub changes: bool,
}

/// A request body as far as it is worth recording.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    None,
    Bytes(&'a [u8]),
    /// Not recorded itself (a chunk): what it was.
    Described(&'a str),
}

/// What came of a request.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    Answered { status: u32, body: &'a [u8] },
    Failed(&'a str),
}

/// Where records go.
pub trait Sink: Send + Sync {
    fn write(&self, record: &Record) -> io::Result<()>;
}

/// Records into a file of the run folder, appended line by line.
pub struct WireFile(Mutex<File>);

impl WireFile {
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)))
    }
}

impl Sink for WireFile {
    fn write(&self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

/// Keeps records in memory: a dry run's list of requests, tests.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Vec<Record>>>);

impl Memory {
    pub fn records(&self) -> Vec<Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sink for Memory {
    fn write(&self, record: &Record) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
        Ok(())
    }
}

/// A handle on the transcript, labelled with the step it writes for. Cheap to clone.
#[derive(Clone)]
pub struct Wire {
    sink: Option<Arc<dyn Sink>>,
    redactor: Redactor,
    step: Option<Arc<str>>,
}

impl Wire {
    pub fn new(sink: impl Sink + 'static, redactor: Redactor) -> Self {
        Self { sink: Some(Arc::new(sink)), redactor, step: None }
    }

    /// No transcript; the redactor is still the one that failures go through.
    pub fn none(redactor: Redactor) -> Self {
        Self { sink: None, redactor, step: None }
    }

    /// The same transcript for another step, `config-cluster.vip`.
    pub fn for_step(&self, step: &str) -> Self {
        Self { step: Some(step.into()), ..self.clone() }
    }

    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Writes one exchange.
    ///
    /// # Errors
    /// The transcript cannot be written. A run must not go on unrecorded without saying so.
    pub fn record(&self, exchange: &Exchange<'_>) -> io::Result<()> {
        let Some(sink) = &self.sink else { return Ok(()) };
        let body = |bytes: &[u8]| (!bytes.is_empty()).then(|| cut(self.redactor.body(bytes)));
        let (status, response, error) = match exchange.outcome {
            Outcome::Answered { status, body: bytes } => (Some(status), body(bytes), None),
            Outcome::Failed(why) => (None, None, Some(self.redactor.text(why))),
        };
        sink.write(&Record {
            time: exchange.started,
            step: self.step.as_deref().map(str::to_owned),
            operation: exchange.operation.to_owned(),
            address: exchange.endpoint.to_string(),
            method: exchange.method.to_owned(),
            path: self.redactor.text(exchange.path),
            status,
            request: match exchange.request {
                Body::None => None,
                Body::Bytes(bytes) => body(bytes),
                Body::Described(what) => Some(what.to_owned()),
            },
            response,
            error,
            ms: u64::try_from(exchange.took.as_millis()).unwrap_or(u64::MAX),
            attempt: exchange.attempt,
            class: exchange.class,
            changes: exchange.changes,
        })
    }
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let whole = text.len();
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str(&format!("… ({whole} bytes)"));
    }
    text
}
