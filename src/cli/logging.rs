//! The log of a run: everything that happened, in the run folder; with `-vv` on standard error too. Never a secret.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tracing_subscriber::{EnvFilter, fmt};

use super::{platform, session::Session};
use crate::{
    clients::redact::Redactor,
    engine::event::{Event, Sink},
    failure::{Failure, Kind, Result},
    messages::message,
};

/// Our own modules in full; of libraries warnings only, since they know requests before they are redacted.
const FILTER: &str = "voyager=debug,warn";

/// Opens the log. Only the first call of a process has an effect, and there is only one.
pub fn open(session: &Session, path: &Path, redactor: &Redactor) -> Result<()> {
    let file = platform::new_private_file(path).map_err(|error| {
        Failure::new(Kind::Local, message("cli.log.doing", &[])).at(path.display()).because(&error)
    })?;
    let writer = Redacting {
        file: Arc::new(Mutex::new(file)),
        redactor: redactor.clone(),
        loud: session.global.verbose > 1,
    };
    // A second subscriber would be a second run within one process, which does not happen.
    let _ = fmt()
        .with_ansi(false)
        .with_env_filter(EnvFilter::new(FILTER))
        .with_writer(move || writer.clone())
        .try_init();
    Ok(())
}

/// Writes every event to the log.
pub struct EventLog;

impl Sink for EventLog {
    fn event(&self, event: &Event) {
        let event = serde_json::to_string(event).unwrap_or_default();
        tracing::debug!(target: "voyager::event", "{event}");
    }
}

/// A writer that masks what the redactor knows; the formatter hands it whole lines.
#[derive(Clone)]
struct Redacting {
    file: Arc<Mutex<File>>,
    redactor: Redactor,
    /// On standard error too.
    loud: bool,
}

impl Write for Redacting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = self.redactor.text(&String::from_utf8_lossy(bytes));
        if self.loud {
            // Whoever closed it must not cost the log its lines.
            let _ = io::stderr().write_all(text.as_bytes());
        }
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
