//! Drives a run: shows it, asks for it, stops it when told, once a second tells the display the time.

use std::{io, rc::Rc, time::Duration};

use futures_util::future::LocalBoxFuture;

use crate::{
    cli::{logging::EventLog, session::Session, stop},
    engine::{
        self, Answer, Cancel, Clock, Journal, Lock, Options, Question, SecretKey, Stage,
        clock::Dates,
        event::{RunSummary, Sink},
        question::Answerer,
    },
    failure::Result,
    messages::message,
    stages::world::World,
    ui::{
        Display, Verbosity,
        bars::Bars,
        lines::Lines,
        ndjson::Ndjson,
        prompts::{Prompts, ReadLine},
        summary::Summary,
    },
};

/// What a run is driven with beside the world.
pub struct Parts {
    pub journal: Journal,
    pub key: SecretKey,
    pub lock: Option<Lock>,
    /// How much faster than real the site's time runs.
    pub speed: f64,
    /// What date it is there.
    pub dates: Dates,
}

/// The operator's side of a run: who sees it, who answers it and what stops it.
pub struct Front {
    pub display: Rc<dyn Display>,
    pub answerer: Rc<dyn Answerer>,
    pub cancel: Cancel,
    /// No other run shares the screen: it may ask before it begins, and tells that it stops.
    pub alone: bool,
}

impl Front {
    /// Of the only run of this process; `yes` answers its questions. Call on a runtime.
    pub fn alone(session: &Session, yes: bool) -> Self {
        let cancel = Cancel::new();
        stop::listen(&cancel);
        let display = display(session);
        let input = answers(session).then(|| terminal_lines(cancel.clone()));
        let answerer = Rc::new(Prompts::new(session.screen.clone(), display.clone(), yes, input));
        Self { display, answerer, cancel, alone: true }
    }
}

/// Whether a person can be asked.
pub fn answers(session: &Session) -> bool {
    session.screen.interactive && !session.json()
}

/// Asks a question before a run; `None` where nobody can answer.
pub async fn ask(session: &Session, question: &Question) -> Result<Option<Answer>> {
    if !answers(session) {
        return Ok(None);
    }
    let cancel = Cancel::new();
    stop::listen(&cancel);
    let display: Rc<dyn Display> = Rc::new(Lines::new(session.screen.clone(), Verbosity::Normal));
    let input = terminal_lines(cancel);
    let prompts = Prompts::new(session.screen.clone(), display, false, Some(input));
    prompts.answer(question).await.map(Some)
}

/// Runs to the end; the display is closed, the summary knows what happened.
pub async fn drive(
    session: &Session,
    world: &World,
    stages: &[Stage<World>],
    parts: Parts,
    front: Front,
    options: &Options,
) -> (RunSummary, Rc<Summary>) {
    let Front { display, answerer, cancel, alone } = front;
    let summary = Rc::new(Summary::default());
    let shown: Rc<dyn Sink> = display.clone();
    let setup = engine::Setup {
        journal: parts.journal,
        key: parts.key,
        sinks: vec![shown, summary.clone(), Rc::new(EventLog), stop::unread(session, &cancel)],
        answerer,
        clock: Clock::dated(parts.speed, parts.dates),
        cancel: cancel.clone(),
        lock: parts.lock,
    };

    let run = engine::run(world, stages, setup, options);
    tokio::pin!(run);
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    // The first tick comes at once and stands for no second.
    seconds.tick().await;
    let mut told = !alone;
    let end = loop {
        tokio::select! {
            end = &mut run => break end,
            _ = seconds.tick() => display.tick(),
            () = cancel.until_requested(), if !told => {
                told = true;
                display.say(session.screen.say(&message("cli.run.stopping", &[])));
            }
        }
    };
    display.close();
    (end, summary)
}

/// What a dry run or a look at the site works with: it shows nothing, asks nobody (`yes` answers), keeps no key and
/// no lock, and stops when told.
pub fn unattended(
    session: &Session,
    journal: Journal,
    speed: f64,
    yes: bool,
    sinks: Vec<Rc<dyn Sink>>,
) -> engine::Setup {
    let cancel = Cancel::new();
    stop::listen(&cancel);
    let screen = &session.screen;
    let display: Rc<dyn Display> = Rc::new(Lines::new(screen.clone(), Verbosity::Quiet));
    engine::Setup {
        journal,
        key: SecretKey::random(),
        sinks,
        answerer: Rc::new(Prompts::new(screen.clone(), display, yes, None)),
        clock: Clock::scaled(speed),
        cancel,
        lock: None,
    }
}

/// How much the operator wants to be told.
pub fn verbosity(session: &Session) -> Verbosity {
    match session.global.verbose {
        _ if session.global.quiet => Verbosity::Quiet,
        0 => Verbosity::Normal,
        _ => Verbosity::Verbose,
    }
}

/// The display that is never live.
pub fn lines(session: &Session) -> Rc<dyn Display> {
    let screen = session.screen.clone();
    if session.json() {
        Rc::new(Ndjson::new(screen))
    } else {
        Rc::new(Lines::new(screen, verbosity(session)))
    }
}

/// The display of a run: live where a person sits in front of a terminal.
pub fn display(session: &Session) -> Rc<dyn Display> {
    if answers(session) && verbosity(session) == Verbosity::Normal {
        Rc::new(Bars::on_terminal(session.screen.clone(), Verbosity::Normal))
    } else {
        lines(session)
    }
}

/// Lines from standard input, each read by a thread of its own: a read that nobody waits for any more must not
/// hold up the end of the program.
fn terminal_lines(cancel: Cancel) -> ReadLine {
    Box::new(move || -> LocalBoxFuture<'static, io::Result<Option<String>>> {
        let (tell, told) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = io::stdin().read_line(&mut line);
            // Nobody listens when the run was stopped meanwhile.
            let _ = tell.send(read.map(|bytes| (bytes > 0).then_some(line)));
        });
        let cancel = cancel.clone();
        Box::pin(async move {
            tokio::select! {
                line = told => line.unwrap_or(Ok(None)),
                () = cancel.until_requested() => Err(io::ErrorKind::Interrupted.into()),
            }
        })
    })
}
