//! A run that keeps its checkpoint: at a real site, or at a simulated one that may be another process.

use std::{
    io,
    path::{Path, PathBuf},
    rc::Rc,
};

use tracing::instrument::WithSubscriber;

use super::{
    Cluster, RunOptions,
    asked::Asked,
    drive::{self, Front, Parts, drive},
    next,
};
use crate::{
    cli::{
        Ended,
        config::Config,
        ledger, logging, media,
        papers::{self, PastRun},
        plan::Loaded,
        platform,
        reach::Reach,
        session::Session,
        site_folder::{Identity, SiteFolder},
        world::{self, Kept},
    },
    clients::{trust::PinFile, wire::WireFile},
    engine::{
        self, Answer, Journal, Lock, Options, Question, SecretKey, event::RunSummary, journal::FileStorage,
        lock::Holder, question::Form,
    },
    failure::{Failure, Result},
    messages::message,
    text::Text,
    ui::{self, summary::Summary},
};

/// What has to be told of a run that ended.
pub struct Told {
    pub end: RunSummary,
    pub summary: Rc<Summary>,
    /// The command to go on with.
    pub next: String,
    pub log: PathBuf,
    past: PastRun,
    /// What the simulated site within this process counted.
    ledger: Vec<Text>,
    pub sealed: Result<()>,
}

pub async fn run(
    cluster: &Cluster<'_>,
    asked: Asked,
    loaded: Loaded,
    mut reach: Reach,
    front: Front,
) -> Result<Told> {
    platform::private_from_now_on();
    let Cluster { session, options, config, stages, .. } = *cluster;
    let rehearsal = reach.rehearsal().is_some();
    let scheduled = options.window.resolve(rehearsal, reach.speed())?;
    reach.dialler = scheduled.gated(reach.dialler);
    let selection = asked.selection.clone();
    let identity = Identity::of(&loaded.plan, reach.rehearsal().map(|rehearsal| rehearsal.twin_id.as_str()));
    let site = SiteFolder::open(&options.site.artifacts(cluster.plan, rehearsal), &identity)?;
    let run = site.next_run();
    // A run that must not start leaves nothing behind, so the lock comes before the folder.
    let host = host(session);
    let take_over = options.take_over || front.alone && takes_over(session, &site.path, &host).await?;
    let lock = Lock::acquire(&site.path, Holder::this(host, &run), take_over)?;
    site.keep(&identity)?;
    let folder = site.make_run(&run)?;
    let past = PastRun::new(site.clone(), &run);
    let plan = papers::identity(&loaded);
    let redactor = world::redactor(&loaded.plan, &reach);
    let path = folder.join("voyager.log");
    let log = logging::open(session, &path, &redactor)?;
    if front.alone {
        log.everywhere();
    }

    let ended = async {
        tracing::info!(version = env!("CARGO_PKG_VERSION"), site = site.key, run, rehearsal, "run begins");
        let local = |path: &Path, error: &io::Error| {
            Failure::on_disk(message("cli.run.preparing", &[]), path.display(), error)
        };
        let journal = Journal::open(Box::new(FileStorage::new(site.journal())), &site.key, &run)?;
        let key_path = site.path.join("secret.key");
        let key = SecretKey::load_or_create(&key_path).map_err(|error| local(&key_path, &error))?;
        let wire_path = folder.join("wire.jsonl");
        let transcript = platform::new_private_file(&wire_path)
            .and_then(|_| WireFile::create(&wire_path))
            .map_err(|error| local(&wire_path, &error))?;
        let loaded = if rehearsal { world::copied(loaded, &site.path)? } else { loaded };
        let (media, missing) = media_folder(options, config, rehearsal, &site);
        if let (Some(folder), true) = (&media, missing) {
            media::stand_in(folder, &loaded.plan)?;
        }
        let kept = Kept {
            media,
            transfers: cluster.transfers.clone(),
            workbook: world::workbook(&loaded, &run),
            run_folder: Some(folder.clone()),
            site_folder: Some(site.path.clone()),
            papers: Some(Box::new(past.clone())),
        };
        let pins = PinFile(site.path.join("pins.json"));
        let world = world::build(loaded, config, &reach, pins, transcript, redactor, kept)?;
        let parts = Parts { journal, key, lock: Some(lock), speed: reach.speed(), dates: scheduled.dates };
        let asked = asked.options(rehearsal, Some(folder.clone()), plan)?;
        let advice = next::advice(cluster, &selection);
        let asked = Options { window: scheduled.window.clone(), advice, ..asked };
        Ok(drive(session, &world, stages, parts, front, &asked).await)
    };
    let ended = ended.with_subscriber(log.subscriber()).await;
    let (end, summary) = ended.map_err(|failure: Box<Failure>| failure.logged_at(&path))?;
    let next = next::command(cluster, &selection, &end, rehearsal, scheduled.again().as_deref());
    let ledger = reach.twin.as_ref().map(|twin| {
        let media = media_folder(options, config, true, &site).0;
        ledger::lines(&twin.ledger(), media.as_deref())
    });
    reach.close().await;
    // Nothing is written into the run folder any more.
    let sealed = papers::seal::seal(&past);
    Ok(Told { end, summary, next, log: path, past, ledger: ledger.unwrap_or_default(), sealed })
}

impl Told {
    /// The last words of a run that has the screen to itself.
    pub fn tell(self, session: &Session) -> Result<Ended> {
        self.tell_failures(session);
        if !session.json() {
            self.summary.lines(&session.screen, &self.next).iter().for_each(|line| session.screen.line(line));
        }
        tell_papers(session, &self.past);
        if !session.json() {
            self.ledger.iter().for_each(|line| session.screen.line(session.screen.say(line)));
        }
        self.sealed?;
        Ok(Ended::Run(self.end.exit_code))
    }

    /// The failures, on standard error. As JSON they are in the last event already.
    pub fn tell_failures(&self, session: &Session) {
        for failure in self.end.failure.as_deref().into_iter().chain(&self.summary.other_failures()) {
            let failure = match &failure.log {
                Some(_) => Box::new(failure.clone()),
                None => Box::new(failure.clone()).logged_at(&self.log),
            };
            if self.summary.end().is_none() {
                session.tell(&failure);
            } else {
                let lines = ui::failure::lines(&failure, &session.screen);
                lines.iter().for_each(|line| session.screen.aside(line));
            }
        }
    }
}

/// Where the papers lie, or how to have them of a run that did not come so far.
fn tell_papers(session: &Session, past: &PastRun) {
    if session.json() {
        return;
    }
    let folder = past.folder().join(papers::FOLDER);
    let said = if folder.is_dir() {
        message("cli.run.papers", &[("folder", &folder.display())])
    } else {
        // The folder, because an id is looked for in the usual places only.
        let folder = next::quoted(&past.folder().display().to_string());
        message("cli.run.papers-later", &[("run", &folder)])
    };
    session.screen.line(session.screen.say(&said));
}

/// Where the media lie, and whether stand-ins have to be made there: a rehearsal needs no media of its own.
fn media_folder(
    options: &RunOptions,
    config: &Config,
    rehearsal: bool,
    site: &SiteFolder,
) -> (Option<PathBuf>, bool) {
    match media::folder(options.site.media.as_deref(), config) {
        None if rehearsal => (Some(site.path.join("media")), true),
        folder => (folder, false),
    }
}

/// Whether a person says that the place of a run on another computer may be taken; nobody else says so, and
/// `--yes` does not either.
async fn takes_over(session: &Session, folder: &Path, host: &str) -> Result<bool> {
    let Some(holder) = Lock::foreign(folder, host) else { return Ok(false) };
    let question = Question {
        step: String::new(),
        title: message("cli.run.take-over", &[("host", &holder.host)]),
        details: vec![holder.told()],
        form: Form::Confirm,
        flag: "--take-over".to_owned(),
    };
    Ok(drive::ask(session, &question).await?.is_some_and(|answer| answer == Answer::Yes))
}

/// Who holds the lock, for people.
fn host(session: &Session) -> String {
    engine::platform::host_name()
        .or_else(|| session.environment.get("COMPUTERNAME").map(str::to_owned))
        .unwrap_or_else(|| "-".to_owned())
}
