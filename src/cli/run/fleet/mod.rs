//! `voyager run` with several plans: an ordinary run of each, side by side in this process.
//!
//! Every cluster has its own site folder, journal, lock, transcript and log; what they share is the screen, the
//! keyboard, the runtime, whatever stops them, and the limits of transfers. All their steps are driven by one task.

mod keyboard;
mod member;
mod ran;

use std::{path::PathBuf, rc::Rc};

use futures_util::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use tokio::sync::Mutex;

use self::{
    keyboard::Keyboard,
    member::Member,
    ran::{Ran, conclude},
};
use super::{
    Cluster, RunOptions,
    drive::{self, Front},
    dry,
};
use crate::{
    cli::{Ended, platform, session::Session, stop},
    clients::transfers::{Shares, Transfers},
    engine::{Answer, Cancel, Question, question::Answerer},
    failure::Result,
    messages::message,
    ui::{
        Display, Verbosity,
        fleet::{Fleet, Row},
        prompts::Prompts,
    },
};

pub fn run(session: &Session, options: &RunOptions, plans: &[PathBuf]) -> Result<Ended> {
    member::of_one_site(options)?;
    let members = member::members(session, options, plans)?;
    member::one_site_each(options, &members)?;
    member::apart(session, &members)?;
    platform::many_files();
    let shares = members.iter().map(|member| member.config.fleet).reduce(Shares::narrower);
    let transfers = Transfers::new(shares.unwrap_or(Shares { uplink_mbit: 0, transfers: 0 }));
    let runtime = session.runtime()?;
    if options.dry_run {
        return Ok(runtime.block_on(dry_runs(options, &transfers, members)));
    }
    let ran = runtime.block_on(side_by_side(session, options, &transfers, members));
    Ok(conclude(session, &ran))
}

/// One after the other: they are lists to be read.
async fn dry_runs(options: &RunOptions, transfers: &Transfers, members: Vec<Member>) -> Ended {
    let mut ended = Ended::Well;
    for member in members {
        let Member { plan, session, config, stages, asked, loaded, .. } = member;
        let cluster =
            Cluster { session: &session, options, plan: &plan, config: &config, stages: &stages, transfers };
        let code = match dry::run(&cluster, asked, loaded).await {
            Ok(ended) => ended.exit_code(),
            Err(failure) => {
                session.tell(&failure);
                failure.kind.exit_code()
            }
        };
        if ended == Ended::Well && code != 0 {
            ended = Ended::Run(code);
        }
    }
    ended
}

/// Runs all of them; in the order of the plans when the last one has ended.
async fn side_by_side(
    session: &Session,
    options: &RunOptions,
    transfers: &Transfers,
    members: Vec<Member>,
) -> Vec<Ran> {
    let cancel = Cancel::new();
    stop::listen(&cancel);
    let shared = Shared {
        fleet: is_live(session)
            .then(|| Fleet::on_terminal(members.iter().map(|member| member.name.as_str()))),
        keyboard: drive::answers(session).then(|| Keyboard::new(cancel.clone())),
        turn: Rc::default(),
        yes: options.yes || options.simulate,
        cancel,
    };
    if let Some(fleet) = &shared.fleet {
        fleet.print(vec![session.screen.say(&message("cli.fleet.hint", &[])).to_owned()]);
    }
    let mut running: FuturesUnordered<LocalBoxFuture<'_, (usize, Ran)>> = FuturesUnordered::new();
    let mut rows = Vec::new();
    for (at, member) in members.into_iter().enumerate() {
        let (front, row) = shared.front(&member);
        rows.extend(row.clone());
        running.push(Box::pin(async move {
            let ran = member.run(options, transfers, front).await;
            // One that never began has told its line nothing.
            row.iter().for_each(|row| row.ended(ran.exit_code()));
            (at, ran)
        }));
    }
    let mut ran = Vec::new();
    let mut told = false;
    loop {
        tokio::select! {
            next = running.next() => match next {
                Some(ended) => ran.push(ended),
                None => break,
            },
            typed = keyboard::wanted(shared.keyboard.as_ref()) => shared.answer(session, &rows, &typed),
            () = shared.cancel.until_requested(), if !told => {
                told = true;
                shared.say(session, session.screen.say(&message("cli.run.stopping", &[])));
            }
        }
    }
    if let Some(fleet) = shared.fleet {
        fleet.close();
    }
    ran.sort_by_key(|(at, _)| *at);
    ran.into_iter().map(|(_, ran)| ran).collect()
}

/// Whether the terminal has a live line for each cluster.
fn is_live(session: &Session) -> bool {
    drive::answers(session) && drive::verbosity(session) == Verbosity::Normal
}

/// What the clusters share of the operator.
struct Shared {
    fleet: Option<Rc<Fleet>>,
    keyboard: Option<Keyboard>,
    turn: Rc<Mutex<()>>,
    yes: bool,
    cancel: Cancel,
}

impl Shared {
    fn front(&self, member: &Member) -> (Front, Option<Rc<Row>>) {
        let screen = member.session.screen.clone();
        let row = self.fleet.as_ref().map(|fleet| fleet.row(&member.name, screen.clone()));
        let display: Rc<dyn Display> = match &row {
            Some(row) => row.clone() as Rc<dyn Display>,
            None => drive::lines(&member.session),
        };
        let input = self.keyboard.as_ref().map(Keyboard::lines);
        let prompts = Prompts::new(screen, display.clone(), self.yes, input);
        let answerer = Rc::new(InTurn { turn: self.turn.clone(), prompts });
        (Front { display, answerer, cancel: self.cancel.clone(), alone: false }, row)
    }

    /// What was typed and answers no question is about the live lines.
    fn answer(&self, session: &Session, rows: &[Rc<Row>], typed: &str) {
        if let Some(fleet) = &self.fleet {
            fleet.answer(rows, typed, &session.screen);
        }
    }

    fn say(&self, session: &Session, line: &str) {
        match &self.fleet {
            Some(fleet) => fleet.print(vec![line.to_owned()]),
            None if session.json() => session.screen.aside(line),
            None => session.screen.line(line),
        }
    }
}

/// One question at a time, whichever cluster asks.
struct InTurn {
    turn: Rc<Mutex<()>>,
    prompts: Prompts,
}

impl Answerer for InTurn {
    fn answer<'a>(&'a self, question: &'a Question) -> LocalBoxFuture<'a, Result<Answer>> {
        Box::pin(async {
            let _turn = self.turn.lock().await;
            self.prompts.answer(question).await
        })
    }
}
