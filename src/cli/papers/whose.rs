//! Finds the run that a command line names: by its id, by its folder, or the newest one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::PastRun;
use crate::{
    cli::{
        runs::{self, RunsOptions},
        site_folder::{self, SiteFolder},
    },
    failure::{Failure, Kind, Result},
    messages::message,
};

/// The run, and where to look for it.
#[derive(Args, Debug)]
pub struct WhichRun {
    #[arg(value_name = "RUN", help = "cli.option.past-run")]
    run: Option<String>,
    #[command(flatten)]
    places: RunsOptions,
}

impl WhichRun {
    /// The plan, when it was named.
    pub fn plan(&self) -> Option<&Path> {
        self.places.plan.as_deref()
    }

    /// # Errors
    /// [`Kind::Usage`]: there is no such run, or more than one.
    pub fn find(&self) -> Result<PastRun> {
        if let Some(found) = self.run.as_deref().and_then(of_folder) {
            return Ok(found);
        }
        let mut known = Vec::new();
        for base in runs::bases(&self.places) {
            for path in site_folder::all(&base)? {
                let site = SiteFolder::at(&path);
                known.extend(run_names(&site).into_iter().map(|run| PastRun::new(site.clone(), &run)));
            }
        }
        // Ids are times: the greatest is the newest.
        let newest = known.iter().map(|past| past.run.clone()).max();
        let wanted = self.run.clone().or(newest).unwrap_or_default();
        let mut named: Vec<PastRun> = known.into_iter().filter(|past| past.run == wanted).collect();
        let failure = || Failure::new(Kind::Usage, message("cli.report.finding", &[])).at(&wanted);
        match (named.pop(), named.is_empty()) {
            (Some(only), true) => Ok(only),
            (None, _) => Err(failure()
                .answer(message("cli.report.no-run", &[]))
                .advise(message("cli.report.no-run-advice", &[]))),
            (Some(last), false) => {
                let folders: Vec<String> =
                    named.iter().chain([&last]).map(|past| past.folder().display().to_string()).collect();
                Err(failure().answer(message("cli.report.several", &[("folders", &folders.join(", "))])))
            }
        }
    }
}

/// The folder of a run, given as a path.
fn of_folder(path: &str) -> Option<PastRun> {
    let path: PathBuf = fs::canonicalize(path).ok()?;
    let site = path.parent()?.parent()?;
    let run = path.file_name()?.to_str()?;
    let known = site_folder::all(site.parent()?).ok()?.iter().any(|known| known == site);
    known.then(|| PastRun::new(SiteFolder::at(site), run))
}

/// The names of the run folders of a site.
fn run_names(site: &SiteFolder) -> Vec<String> {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let entries = fs::read_dir(site.runs()).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_dir()).filter_map(|entry| name(&entry.path())).collect()
}
