//! A run that keeps its checkpoint: at a real site, or at a simulated one that may be another process.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{Parts, RunOptions, asked::Asked, drive, next};
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
        self, Answer, Journal, Lock, Question, SecretKey, Stage, event::RunSummary, journal::FileStorage,
        lock::Holder, question::Form,
    },
    failure::{Failure, Kind, Result},
    messages::message,
    stages::world::World,
    ui::{self, summary::Summary},
};

pub async fn run(
    session: &Session,
    options: &RunOptions,
    config: &Config,
    stages: &[Stage<World>],
    asked: Asked,
    loaded: Loaded,
    mut reach: Reach,
) -> Result<Ended> {
    platform::private_from_now_on();
    let rehearsal = reach.rehearsal().is_some();
    let scheduled = options.window.resolve(rehearsal, reach.speed())?;
    reach.dialler = scheduled.gated(reach.dialler);
    let selection = asked.selection.clone();
    let identity = Identity::of(&loaded.plan, reach.rehearsal().map(|rehearsal| rehearsal.twin_id.as_str()));
    let site = SiteFolder::open(&options.site.artifacts(rehearsal), &identity)?;
    let run = site.next_run();
    // A run that must not start leaves nothing behind, so the lock comes before the folder.
    let host = host(session);
    let take_over = options.take_over || takes_over(session, &site.path, &host).await?;
    let lock = Lock::acquire(&site.path, Holder::this(host, &run), take_over)?;
    site.keep(&identity)?;
    let folder = site.make_run(&run)?;
    let past = PastRun::new(site.clone(), &run);
    let plan = papers::identity(&loaded);
    let redactor = world::redactor(&loaded.plan, &reach);
    let log = folder.join("voyager.log");
    logging::open(session, &log, &redactor)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), site = site.key, run, rehearsal, "run begins");

    let ended = async {
        let local = |path: &Path, error: &io::Error| {
            Failure::new(Kind::Local, message("cli.run.preparing", &[])).at(path.display()).because(error)
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
            workbook: world::workbook(&loaded, &run),
            run_folder: Some(folder.clone()),
            site_folder: Some(site.path.clone()),
            papers: Some(Box::new(past.clone())),
        };
        let pins = PinFile(site.path.join("pins.json"));
        let world = world::build(loaded, config, &reach, pins, transcript, redactor, kept)?;
        let parts = Parts {
            journal,
            key,
            lock: Some(lock),
            speed: reach.speed(),
            dates: scheduled.dates,
            yes: options.yes || options.simulate,
        };
        let asked = asked.options(rehearsal, Some(folder.clone()), plan)?;
        let asked = engine::Options { window: scheduled.window.clone(), ..asked };
        Ok(drive(session, &world, stages, parts, &asked).await)
    }
    .await;
    let (end, summary) = ended.map_err(|failure: Box<Failure>| failure.logged_at(&log))?;
    let again = scheduled.again.as_deref();
    let next = next::command(session, options, stages, &selection, &end, rehearsal, again);
    tell(session, &end, &summary, &next, &log);
    tell_papers(session, &past);
    if let (Some(twin), false) = (&reach.twin, session.json()) {
        let media = media_folder(options, config, true, &site).0;
        let lines = ledger::lines(&twin.ledger(), media.as_deref());
        lines.iter().for_each(|line| session.screen.line(session.screen.say(line)));
    }
    reach.close().await;
    papers::seal::seal(&past)?;
    Ok(Ended::Run(end.exit_code))
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
        message("cli.run.papers-later", &[("run", &past.run)])
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

/// The failures on standard error, then the last lines. As JSON both are in the last event already.
fn tell(session: &Session, end: &RunSummary, summary: &Summary, next: &str, log: &Path) {
    for failure in end.failure.as_deref().into_iter().chain(&summary.other_failures()) {
        let failure = match &failure.log {
            Some(_) => Box::new(failure.clone()),
            None => Box::new(failure.clone()).logged_at(log),
        };
        if summary.end().is_none() {
            session.tell(&failure);
        } else {
            ui::failure::lines(&failure, &session.screen).iter().for_each(|line| session.screen.aside(line));
        }
    }
    if !session.json() {
        summary.lines(&session.screen, next).iter().for_each(|line| session.screen.line(line));
    }
}
