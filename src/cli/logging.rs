//! The log of a run: everything that happened, in the run folder; with `-vv` on standard error too. Never a secret.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::Dispatch;
use tracing_subscriber::{EnvFilter, fmt};

use super::{platform, session::Session};
use crate::{
    clients::redact::Redactor,
    engine::event::{Event, Sink},
    failure::{Failure, Result},
    messages::message,
};

/// Our own modules in full; of libraries warnings only, since they know requests before they are redacted.
const FILTER: &str = "voyager=debug,warn";

/// The log of one run.
pub struct Log(Dispatch);

/// Opens the log.
pub fn open(session: &Session, path: &Path, redactor: &Redactor) -> Result<Log> {
    let file = platform::new_private_file(path)
        .map_err(|error| Failure::on_disk(message("cli.log.doing", &[]), path.display(), &error))?;
    let writer = Redacting {
        file: Arc::new(Mutex::new(file)),
        redactor: redactor.clone(),
        loud: session.global.verbose > 1,
    };
    let lines = fmt().with_ansi(false).with_env_filter(EnvFilter::new(FILTER));
    Ok(Log(Dispatch::new(lines.with_writer(move || writer.clone()).finish())))
}

impl Log {
    /// For a future to run under: what it says goes here.
    pub fn subscriber(&self) -> Dispatch {
        self.0.clone()
    }

    /// Takes what libraries say on other threads too: of the only run of this process.
    pub fn everywhere(&self) {
        // A second one would be a second run that has the process to itself, which does not happen.
        let _ = tracing::dispatcher::set_global_default(self.0.clone());
    }
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
