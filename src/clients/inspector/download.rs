//! The download of a report: streamed to a file, resumed where the site allows it (api-inspection §3.5).

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    time::Duration,
};

use super::{InspectorReader, ReportName};
use crate::{
    clients::{
        download::{Broken, Head, Receiver, Resume, Wanted},
        http::Call,
        problem::Problem,
    },
    failure::{Failure, Result},
    messages::message,
};

/// Tries in a row that failed on the way; the pauses between them double.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Right after it was written, a report may not be found yet.
const ABSENT_LOOKS: u32 = 3;
const ABSENT_PAUSE: Duration = Duration::from_secs(2);
/// How a zip begins.
const ZIP: &[u8] = b"PK";

/// What is fetched, and where to.
pub struct Download<'a> {
    pub name: &'a ReportName,
    /// Readable and writable; what an earlier run left in it counts only with the `validator`.
    pub part: File,
    /// What named the content of that part.
    pub validator: Option<String>,
    /// Bytes so far, and of the whole where that is known.
    pub progress: &'a dyn Fn(u64, Option<u64>),
    /// Keeps the validator of what is about to come, for a later run.
    pub remember: &'a dyn Fn(Option<&str>) -> Result<()>,
}

impl InspectorReader {
    /// Fetches a report to its end and answers its length in bytes. Whether it is whole, its content must tell.
    ///
    /// # Errors
    /// The site refuses, or the way broke down five times. `Kind::Local`: the file cannot be written.
    pub async fn download(&self, download: Download<'_>) -> Result<u64> {
        let doing = message("clients.inspector.download", &[("file", &download.name)]);
        // v1, while everything else is v3.
        let path = "/api/inspector/api/v1/export/download";
        let call =
            Call::read("tower.inspector.download", doing, path).query("filename", download.name.asked());
        let mut part = Part::new(download)?;
        let (mut attempt, mut absent) = (1, 0);
        loop {
            let before = part.length;
            let validator = part.validator.clone().filter(|_| before > 0);
            if validator.is_none() {
                part.empty()?;
            }
            let resume = validator.as_deref().map(|validator| Resume { from: before, validator });
            let problem = match self.0.download(&call, Wanted { signature: ZIP, resume }, &mut part).await {
                Ok(()) => return part.finish(),
                Err(Broken::Local(failure)) => return Err(failure),
                Err(Broken::Site(problem)) => problem,
            };
            let status = if let Problem::Refused(refused) = &problem { refused.status } else { 0 };
            if status == 404 && absent < ABSENT_LOOKS {
                absent += 1;
                self.0.pause(ABSENT_PAUSE).await;
                continue;
            }
            // A rest that the site refuses is no way on: from the start, then. While nobody answers the part stays.
            let refused = matches!(&problem, Problem::Refused(refused) if refused.means_absent());
            let useless = refused && resume.is_some() && part.length == before;
            if status == 416 || useless {
                part.empty()?;
            } else if !problem.passes() {
                return self.0.told(&call, Err(problem));
            }
            if attempt == ATTEMPTS {
                return self.0.told(&call, Err(problem));
            }
            self.0.pause(problem.pause(FIRST_PAUSE * 2u32.pow(attempt - 1))).await;
            attempt += 1;
        }
    }
}

/// The file being filled.
struct Part<'a> {
    file: File,
    length: u64,
    whole: Option<u64>,
    validator: Option<String>,
    download: Way<'a>,
}

/// The caller's part in it.
struct Way<'a> {
    name: &'a ReportName,
    progress: &'a dyn Fn(u64, Option<u64>),
    remember: &'a dyn Fn(Option<&str>) -> Result<()>,
}

impl<'a> Part<'a> {
    fn new(download: Download<'a>) -> Result<Self> {
        let Download { name, part: mut file, validator, progress, remember } = download;
        let length = file.seek(SeekFrom::End(0)).map_err(|error| local(name, &error))?;
        Ok(Self { file, length, whole: None, validator, download: Way { name, progress, remember } })
    }

    /// Nothing of it counts any more.
    fn empty(&mut self) -> Result<()> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.rewind());
        cleared.map_err(|error| local(self.download.name, &error))?;
        (self.length, self.validator) = (0, None);
        Ok(())
    }

    fn finish(self) -> Result<u64> {
        self.file.sync_all().map_err(|error| local(self.download.name, &error))?;
        Ok(self.length)
    }
}

impl Receiver for Part<'_> {
    fn begin(&mut self, head: &Head) -> Result<(), Box<Failure>> {
        if head.from != self.length {
            self.empty()?;
        }
        self.validator.clone_from(&head.validator);
        self.whole = head.length;
        (self.download.remember)(head.validator.as_deref())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Box<Failure>> {
        self.file.write_all(bytes).map_err(|error| local(self.download.name, &error))?;
        self.length += bytes.len() as u64;
        (self.download.progress)(self.length, self.whole);
        Ok(())
    }
}

fn local(name: &ReportName, error: &io::Error) -> Box<Failure> {
    Failure::on_disk(message("clients.inspector.keeping", &[]), name, error)
}
