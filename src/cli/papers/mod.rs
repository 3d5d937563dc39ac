//! The papers of a run: made from the site's journal and the transcripts in its run folders.

pub mod bundle;
mod evidence;
mod identity;
pub mod report;
pub mod seal;
mod whose;

use std::{fs, io::ErrorKind, path::PathBuf};

use super::site_folder::SiteFolder;
use crate::{
    engine::{
        event::{StageOutline, StepOutline},
        journal::{FileStorage, read_lines},
    },
    failure::{Failure, Kind, Result},
    messages::message,
    report::{Acceptance, Logged, Sources, Transfer, transfers},
    stages::{
        handover::{PACK, Paper, Papers},
        registry,
    },
    text::Lang,
};

pub use self::identity::identity;

/// Where the papers lie in a run folder.
pub const FOLDER: &str = "acceptance";

/// One run of a site, seen from its folder.
#[derive(Clone, Debug)]
pub struct PastRun {
    pub site: SiteFolder,
    pub run: String,
    /// The languages its papers are made in.
    pub languages: Vec<Lang>,
}

impl PastRun {
    pub fn new(site: SiteFolder, run: &str) -> Self {
        Self { site, run: run.to_owned(), languages: vec![Lang::Zh, Lang::En] }
    }

    pub fn folder(&self) -> PathBuf {
        self.site.runs().join(&self.run)
    }

    /// Every event of the site's journal; its chain is checked.
    pub fn log(&self) -> Result<Vec<Logged>> {
        let lines = read_lines(&mut FileStorage::new(self.site.journal()))?;
        Ok(lines.into_iter().map(|line| Logged { run: line.run, event: line.record }).collect())
    }

    /// What the log adds up to, as the papers of this run tell it.
    ///
    /// # Errors
    /// [`Kind::Checkpoint`]: a broken journal. [`Kind::Usage`]: the run is not in it.
    pub fn acceptance(&self) -> Result<Acceptance> {
        let log = self.log()?;
        let unknown = || Failure::new(Kind::Usage, message("cli.report.finding", &[])).at(&self.run);
        let log = Sources::until(&log, &self.run, PACK).ok_or_else(unknown)?;
        let transfers = self.transfers(log)?;
        let sources = Sources { site: &self.site.key, log, runbook: &runbook()?, transfers };
        sources.acceptance().ok_or_else(unknown)
    }

    fn transfers(&self, log: &[Logged]) -> Result<Vec<Transfer>> {
        let mut all = Vec::new();
        for lines in log.chunk_by(|one, next| one.run == next.run) {
            let Some(last) = lines.last() else { continue };
            if let Some(text) = self.transcript(&last.run)? {
                all.extend(transfers::of_transcript(&last.run, &text, last.event.at));
            }
        }
        Ok(all)
    }

    /// The transcript of a run of this site; `None` when it is gone.
    fn transcript(&self, run: &str) -> Result<Option<String>> {
        let path = self.site.runs().join(run).join("wire.jsonl");
        match fs::read(&path) {
            // A byte that is no text any more is somebody's change: it is found by its digest.
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let doing = message("cli.report.reading", &[]);
                Err(Failure::on_disk(doing, path.display(), &error))
            }
        }
    }
}

impl Papers for PastRun {
    fn folder(&self) -> PathBuf {
        PastRun::folder(self).join(FOLDER)
    }

    fn make(&self) -> Result<Vec<Paper>> {
        let acceptance = self.acceptance()?;
        let mut papers = Vec::new();
        for lang in &self.languages {
            let document = acceptance.document(*lang);
            let name = match lang {
                Lang::Zh => "acceptance-zh",
                Lang::En => "acceptance-en",
            };
            papers.push(Paper { name: format!("{name}.html"), content: document.html().into_bytes() });
            papers.push(Paper { name: format!("{name}.xlsx"), content: document.workbook()? });
        }
        Ok(papers)
    }
}

/// Every stage but the one that writes the papers: what never ran is named in them too.
fn runbook() -> Result<Vec<StageOutline>> {
    let manifests = registry::manifests()?.into_iter();
    let others = manifests.filter(|stage| PACK.strip_prefix(&stage.id).is_none());
    let outline = |stage: crate::engine::StageManifest| StageOutline {
        number: stage.number,
        title: stage.title,
        selected: true,
        steps: stage
            .steps
            .into_iter()
            .map(|step| StepOutline {
                id: format!("{}.{}", stage.id, step.id),
                title: step.title,
                expected_ms: None,
                past: 0,
                limit_ms: 0,
            })
            .collect(),
        id: stage.id,
    };
    Ok(others.map(outline).collect())
}
