//! The few files of the guest: text, and perhaps a process that goes on writing to it.

use serde::{Deserialize, Serialize};

use super::{super::clock::Moment, Guest};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct File {
    text: String,
    writer: Option<Writer>,
}

/// What a process writes from this moment on follows the text.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Writer {
    pid: u32,
    from: Moment,
}

impl Guest {
    /// The content of a file as it is now.
    pub fn read(&self, path: &str, now: Moment) -> Option<String> {
        let file = self.files.get(path)?;
        let more = file.writer.and_then(|writer| {
            let run = self.runs.iter().find(|run| run.pid == writer.pid)?;
            Some(run.written(writer.from, now))
        });
        Some(file.text.clone() + &more.unwrap_or_default())
    }

    /// Opens a file for writing, as a redirection does. A process that has it open goes on writing to it.
    pub fn open(&mut self, path: &str, append: bool, now: Moment) {
        let text = if append { self.read(path, now).unwrap_or_default() } else { String::new() };
        let writer = self.files.get(path).and_then(|file| file.writer);
        let writer = writer.map(|writer| Writer { from: now, ..writer });
        self.files.insert(path.to_owned(), File { text, writer });
    }

    pub fn append(&mut self, path: &str, text: &str) {
        self.files.entry(path.to_owned()).or_default().text.push_str(text);
    }

    /// From now on a process writes to the file; none: nobody does.
    pub fn hand_over(&mut self, path: &str, pid: Option<u32>, now: Moment) {
        let text = self.read(path, now).unwrap_or_default();
        let writer = pid.map(|pid| Writer { pid, from: now });
        self.files.insert(path.to_owned(), File { text, writer });
    }
}
