//! Puts the world of the steps together: secrets known to the redactor, trust, transcript, workbook.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;

use super::{config::Config, plan::Loaded, platform, reach::Reach};
use crate::{
    clients::{
        http::{Http, Pause},
        redact::Redactor,
        transfers::Transfers,
        trust::{Fingerprint, PinStore, TrustStore},
        wire::{self, Wire},
    },
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{self, CheckOptions, Plan, Source, view},
    stages::{
        handover::Papers,
        workbook::Workbook,
        world::{Outfit, World},
    },
};

/// Where a run keeps what it learns; a dry run keeps it nowhere.
pub struct Kept {
    pub media: Option<PathBuf>,
    /// What its transfers share with those of other clusters.
    pub transfers: Transfers,
    pub workbook: Option<Workbook>,
    pub run_folder: Option<PathBuf>,
    /// Of the site; a look at it has one too, when there is one.
    pub site_folder: Option<PathBuf>,
    /// Who makes the papers of this run.
    pub papers: Option<Box<dyn Papers>>,
}

/// The world for a plan, reached as `reach` says.
pub fn build(
    loaded: Loaded,
    config: &Config,
    reach: &Reach,
    pins: impl PinStore + 'static,
    transcript: impl wire::Sink + 'static,
    redactor: Redactor,
    kept: Kept,
) -> Result<World> {
    let wire = Wire::new(transcript, redactor);
    let pause = Arc::new(ScaledPause { speed: reach.speed() });
    let http = Http::new(reach.dialler.clone(), trust(config, pins)?, wire, pause);
    let Kept { media, transfers, workbook, run_folder, site_folder, papers } = kept;
    Ok(World::new(Outfit {
        plan: loaded.plan,
        findings: loaded.findings,
        settings: config.stages,
        inspection: config.inspection.clone(),
        services: config.services(),
        media,
        http,
        transfers,
        workbook,
        run_folder,
        site_folder,
        papers,
    }))
}

/// Knows every password of the plan and the login of the proxy, in whatever form they turn up.
pub fn redactor(plan: &Plan, reach: &Reach) -> Redactor {
    let redactor = Redactor::new();
    for entry in view::entries(plan) {
        if let view::Value::Secret(secret) = entry.value {
            redactor.learn(secret.expose());
        }
    }
    // The login of a simulated site is its name and speed, which are no secrets.
    if reach.rehearsal().is_none()
        && let Some((_, password)) = reach.dialler.proxy().and_then(|proxy| proxy.login())
    {
        redactor.learn(password.expose());
    }
    redactor
}

fn trust(config: &Config, pins: impl PinStore + 'static) -> Result<TrustStore> {
    let doing = || message("cli.trust.doing", &[]);
    let listed: Vec<Fingerprint> = config
        .trust
        .fingerprints
        .iter()
        .map(|text| {
            let wrong = |why: <Fingerprint as std::str::FromStr>::Err| {
                Failure::new(Kind::Usage, doing()).at(text).answer(crate::text::Text::same(why))
            };
            text.parse().map_err(wrong)
        })
        .collect::<Result<_>>()?;
    TrustStore::open(config.trust.mode, listed, pins).map_err(|error| {
        let failure = Failure::new(Kind::Local, doing()).because(&error);
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                failure.advise(message("cli.trust.damaged", &[]))
            }
            _ => failure.make_room(),
        }
    })
}

/// The workbook that takes the serials; `label` names the backup.
pub fn workbook(loaded: &Loaded, label: &str) -> Option<Workbook> {
    loaded.source.clone().map(|source| Workbook::new(source, label))
}

/// The plan as its copy in `folder` has it, with the serials that earlier runs of the rehearsal wrote there.
pub fn copied(loaded: Loaded, folder: &Path) -> Result<Loaded> {
    let Some(source) = &loaded.source else { return Ok(loaded) };
    let path = copy(source, folder)
        .map_err(|error| Failure::on_disk(message("cli.workbook.copying", &[]), folder.display(), &error))?;
    let copied = plan::check(&path, &CheckOptions::default());
    match copied.plan {
        Some(plan) => Ok(Loaded { plan, findings: loaded.findings, source: copied.source }),
        // Somebody has edited the copy: it is ours to write to, not to be believed.
        None => Ok(Loaded { source: copied.source, ..loaded }),
    }
}

/// One copy per version of the workbook, so that a resumed rehearsal finds the serials that it wrote.
fn copy(source: &Source, folder: &Path) -> io::Result<PathBuf> {
    let folder = folder.join(format!("workbook-{}", source.sha256.get(..8).unwrap_or_default()));
    let path = folder.join(source.path.file_name().unwrap_or("plan.xlsx".as_ref()));
    if !path.is_file() {
        platform::new_private_folder(&folder)?;
        // The content alone: a read-only workbook makes a copy that can be written, and only its owner reads it.
        platform::new_private_file(&path)?.write_all(&fs::read(&source.path)?)?;
    }
    Ok(path)
}

/// Waits between attempts, shortened as the site's time is.
struct ScaledPause {
    speed: f64,
}

impl Pause for ScaledPause {
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        // As the engine's clock: never below 5 ms (DESIGN §4).
        let wait = time.div_f64(self.speed.max(1.0)).max(Duration::from_millis(5));
        Box::pin(tokio::time::sleep(wait))
    }
}
