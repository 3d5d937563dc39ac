//! The transcript: one redacted JSON line per exchange, because a real site's answers are worth more
//! than our description of them.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

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
    /// The site's own name for the request, where it gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    pub ms: u64,
    /// From 1.
    pub attempt: u32,
    pub class: Class,
    /// Whether the request is one that changes the site.
    pub changes: bool,
}

impl Record {
    /// The record as it stands on its line of the transcript.
    fn line(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    fn receipt(&self) -> Option<Receipt> {
        let digest = Sha256::digest(self.line().ok()?);
        Some(Receipt {
            operation: self.operation.clone(),
            address: self.address.clone(),
            method: self.method.clone(),
            path: self.path.clone(),
            time: self.time,
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }
}

/// What proves a reading: which exchange, and the digest of its line in the transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub operation: String,
    pub address: String,
    pub method: String,
    pub path: String,
    pub time: Timestamp,
    /// SHA-256 (hex) of the redacted record, as it stands in the transcript without its line feed.
    pub sha256: String,
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
    pub request_id: Option<&'a str>,
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

/// Records into a file of the run folder, appended line by line; with the bytes of whole lines.
pub struct WireFile(Mutex<(File, u64)>);

impl WireFile {
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let len = file.metadata()?.len();
        Ok(Self(Mutex::new((file, len))))
    }
}

impl Sink for WireFile {
    fn write(&self, record: &Record) -> io::Result<()> {
        let mut line = record.line()?;
        line.push(b'\n');
        let (file, len) = &mut *lock(&self.0);
        if let Err(error) = file.write_all(&line) {
            // A piece of a line would spoil the next one; that it cannot be taken back is no other failure.
            let _ = file.set_len(*len);
            return Err(error);
        }
        *len += line.len() as u64;
        Ok(())
    }
}

/// Keeps records in memory: a dry run's list of requests, tests.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Vec<Record>>>);

impl Memory {
    pub fn records(&self) -> Vec<Record> {
        lock(&self.0).clone()
    }
}

impl Sink for Memory {
    fn write(&self, record: &Record) -> io::Result<()> {
        lock(&self.0).push(record.clone());
        Ok(())
    }
}

/// The last exchange of one handle that changed nothing.
type Slot = Arc<Mutex<Option<Record>>>;

/// A handle on the transcript, labelled with the step it writes for. Cheap to clone; a clone shares what was last
/// read, a handle for another step (or for the same step once more) does not.
#[derive(Clone)]
pub struct Wire {
    sink: Option<Arc<dyn Sink>>,
    redactor: Redactor,
    step: Option<Arc<str>>,
    last: Slot,
    /// The newest handle of every step.
    newest: Arc<Mutex<BTreeMap<Arc<str>, Slot>>>,
}

impl Wire {
    pub fn new(sink: impl Sink + 'static, redactor: Redactor) -> Self {
        Self { sink: Some(Arc::new(sink)), ..Self::none(redactor) }
    }

    /// No transcript; the redactor is still the one that failures go through.
    pub fn none(redactor: Redactor) -> Self {
        Self { sink: None, redactor, step: None, last: Slot::default(), newest: Arc::default() }
    }

    /// The same transcript for another step, `config-cluster.vip`.
    pub fn for_step(&self, step: &str) -> Self {
        let (step, last): (Arc<str>, Slot) = (step.into(), Slot::default());
        lock(&self.newest).insert(step.clone(), last.clone());
        Self { step: Some(step), last, ..self.clone() }
    }

    /// The last exchange through this handle (or a clone of it) that read from the site and changed nothing.
    pub fn last_read(&self) -> Option<Receipt> {
        lock(&self.last).as_ref()?.receipt()
    }

    /// The last reading exchange of a step, through its newest handle; asked again it is not told again.
    pub fn take_last_read(&self, step: &str) -> Option<Receipt> {
        let slot = lock(&self.newest).get(step).cloned()?;
        let record = lock(&slot).take()?;
        record.receipt()
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
        let body = |bytes: &[u8]| (!bytes.is_empty()).then(|| self.redactor.body(bytes, LONGEST));
        let (status, response, error) = match exchange.outcome {
            Outcome::Answered { status, body: bytes } => (Some(status), body(bytes), None),
            Outcome::Failed(why) => (None, None, Some(self.redactor.text(why))),
        };
        let record = Record {
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
            request_id: exchange.request_id.map(|id| self.redactor.text(id)),
            ms: u64::try_from(exchange.took.as_millis()).unwrap_or(u64::MAX),
            attempt: exchange.attempt,
            class: exchange.class,
            changes: exchange.changes,
        };
        sink.write(&record)?;
        if !record.changes {
            *lock(&self.last) = Some(record);
        }
        Ok(())
    }
}

/// A panic elsewhere leaves whole records behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange<'a>(path: &'a str, changes: bool) -> Exchange<'a> {
        Exchange {
            operation: "fisheye.vds.list",
            endpoint: Endpoint::new(std::net::Ipv4Addr::LOCALHOST, 443),
            method: "GET",
            path,
            request: Body::None,
            outcome: Outcome::Answered { status: 200, body: b"{\"data\":[]}" },
            started: Timestamp::UNIX_EPOCH,
            took: Duration::from_millis(3),
            request_id: None,
            attempt: 1,
            class: Class::Read,
            changes,
        }
    }

    #[test]
    fn a_reading_is_proved_by_the_digest_of_its_line_in_the_transcript() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wire.jsonl");
        let wire = Wire::new(WireFile::create(&path).unwrap(), Redactor::new()).for_step("verify.fisheye");
        wire.record(&exchange("/a", false)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let digest: String =
            Sha256::digest(text.trim_end()).iter().map(|byte| format!("{byte:02x}")).collect();
        let receipt = wire.last_read().unwrap();
        assert_eq!((receipt.path.as_str(), receipt.sha256), ("/a", digest));
    }

    #[test]
    fn a_write_proves_nothing_and_a_handle_of_its_own_has_a_memory_of_its_own() {
        let wire = Wire::new(Memory::default(), Redactor::new());
        let step = wire.for_step("config-cluster.vip");
        step.record(&exchange("/write", true)).unwrap();
        assert_eq!(step.last_read(), None);
        step.clone().record(&exchange("/read", false)).unwrap();
        assert_eq!(step.last_read().unwrap().path, "/read");
        assert_eq!(wire.last_read(), None);
        assert_eq!(wire.take_last_read("config-cluster.vip").unwrap().path, "/read");
        assert_eq!(wire.take_last_read("config-cluster.vip"), None);
        assert_eq!(step.for_step("config-cluster.vip").last_read(), None);
    }
}
