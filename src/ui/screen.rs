//! Where words go: standard output for results, standard error for failures, each written exactly once.

use std::{
    io::{self, ErrorKind, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use super::columns;
use crate::text::{Lang, Text};

/// The language, the shape and the writers of one run of the program.
pub struct Screen {
    pub lang: Lang,
    /// Columns of the terminal; `None` where nothing limits a line (a pipe, a file).
    pub width: Option<usize>,
    pub colour: bool,
    /// A person sits in front: bars and prompts are possible.
    pub interactive: bool,
    /// The cluster that every line is about, where a run has several.
    label: Option<String>,
    out: Arc<Stream>,
    err: Arc<Stream>,
}

/// A record that names its cluster.
#[derive(Serialize)]
struct Named<'a, T> {
    cluster: &'a str,
    #[serde(flatten)]
    record: &'a T,
}

/// A writer whose reader may go away. What it then misses is no failure; any other error is.
struct Stream {
    to: Mutex<Box<dyn Write + Send>>,
    broken: Mutex<Option<io::Error>>,
}

/// A colour that only repeats what the words beside it say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tint {
    Good,
    Warn,
    Bad,
    Dim,
}

impl Screen {
    pub fn new(lang: Lang, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        let (out, err) = (Arc::new(Stream::new(out)), Arc::new(Stream::new(err)));
        Self { lang, width: None, colour: false, interactive: false, label: None, out, err }
    }

    /// The same screen for one of several clusters: every line begins with its name, every record holds it.
    pub fn labelled(&self, cluster: &str) -> Self {
        let taken = columns::width(cluster) + 3;
        Self {
            lang: self.lang,
            width: self.width.map(|width| width.saturating_sub(taken)),
            colour: self.colour,
            interactive: self.interactive,
            label: Some(cluster.to_owned()),
            out: self.out.clone(),
            err: self.err.clone(),
        }
    }

    /// `[cluster] ` before every line of `text`.
    pub fn marked(&self, text: &str) -> String {
        match &self.label {
            None => text.to_owned(),
            Some(label) => {
                let lines = text.split('\n').map(|line| format!("[{label}] {line}"));
                lines.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// The words of `text` in the operator's language.
    pub fn say<'a>(&self, text: &'a Text) -> &'a str {
        text.get(self.lang)
    }

    /// A line of result, on standard output.
    pub fn line(&self, line: &str) {
        self.out.line(&self.marked(line));
    }

    /// A record of ours as one line of JSON, on standard output.
    pub fn record(&self, record: &impl Serialize) {
        // Records are plain data with text keys: they always serialise.
        let line = match &self.label {
            None => serde_json::to_string(record),
            Some(cluster) => serde_json::to_string(&Named { cluster, record }),
        };
        self.out.line(&line.unwrap_or_default());
    }

    /// A line about the run itself (failures, warnings of the tool), on standard error.
    pub fn aside(&self, line: &str) {
        self.err.line(&self.marked(line));
    }

    /// Result without a line end of its own: scripts, manual pages.
    pub fn raw(&self, bytes: &[u8]) {
        self.out.write(bytes);
    }

    /// `text` wrapped to the terminal, continued under `indent` blanks.
    pub fn wrapped(&self, text: &str, indent: usize) -> String {
        match self.width {
            Some(width) if width > indent + 8 => {
                columns::wrap(text, width - indent).join(&format!("\n{}", " ".repeat(indent)))
            }
            _ => text.to_owned(),
        }
    }

    pub fn tint(&self, tint: Tint, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match tint {
            Tint::Good => 32,
            Tint::Warn => 33,
            Tint::Bad => 31,
            Tint::Dim => 2,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Whether whoever read standard output has closed it.
    pub fn reader_gone(&self) -> bool {
        lock(&self.out.broken).as_ref().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    }

    /// The first write error of standard output that was not a reader gone away.
    pub fn output_error(&self) -> Option<io::Error> {
        lock(&self.out.broken).take().filter(|error| error.kind() != ErrorKind::BrokenPipe)
    }
}

impl Stream {
    fn new(to: Box<dyn Write + Send>) -> Self {
        Self { to: Mutex::new(to), broken: Mutex::new(None) }
    }

    fn line(&self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    fn write(&self, bytes: &[u8]) {
        let mut broken = lock(&self.broken);
        if broken.is_some() {
            return;
        }
        let mut to = lock(&self.to);
        *broken = to.write_all(bytes).and_then(|()| to.flush()).err();
    }
}

/// A panic elsewhere must not silence the message about it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn screen(kind: ErrorKind) -> Screen {
        Screen::new(Lang::En, Box::new(Failing(kind)), Box::new(io::sink()))
    }

    #[test]
    fn of_several_clusters_every_line_and_every_record_names_its_own() {
        let written = crate::ui::testing::Written::default();
        let screen = Screen::new(Lang::En, Box::new(written.clone()), Box::new(io::sink()));
        let labelled = screen.labelled("Cls01");
        labelled.line("one\n  two");
        labelled.record(&serde_json::json!({"schema": "1.0"}));
        screen.line("both");
        let expected = "[Cls01] one\n[Cls01]   two\n{\"cluster\":\"Cls01\",\"schema\":\"1.0\"}\nboth\n";
        assert_eq!(written.text(), expected);
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is_one() {
        let closed = screen(ErrorKind::BrokenPipe);
        closed.line("nobody reads this");
        assert!(closed.reader_gone());
        assert!(closed.output_error().is_none());

        let full = screen(ErrorKind::StorageFull);
        full.line("no room for this");
        assert!(!full.reader_gone());
        assert_eq!(full.output_error().map(|error| error.kind()), Some(ErrorKind::StorageFull));
    }
}
