//! `voyager run` with several plans: an ordinary run of each, side by side in this process.
//!
//! Every cluster has its own site folder, journal, lock, transcript and log; what they share is the screen, the
//! runtime, whatever stops them, and the limits of transfers. All their steps are driven by one task.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use futures_util::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    Cluster, RunOptions,
    asked::Asked,
    config,
    drive::{self, Front},
    dry, next,
    real::{self, Told},
};
use crate::{
    cli::{
        Ended,
        config::Config,
        plan::{self, Loaded, check, findings},
        platform,
        session::Session,
        stop, usage,
    },
    clients::{
        proxy::Proxy,
        transfers::{Shares, Transfers},
    },
    engine::{Answer, Cancel, Question, Stage, question::Answerer},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::CheckOptions,
    stages::{registry, world::World},
    ui::{
        Display, Verbosity,
        columns::{pad, width},
        fleet::Fleet,
        prompts::Prompts,
        screen::Tint,
    },
};

/// One cluster of the fleet, ready to be run.
struct Member {
    name: String,
    plan: PathBuf,
    /// Labelled with the name, and as if its plan alone had been named.
    session: Session,
    config: Config,
    stages: Vec<Stage<World>>,
    asked: Asked,
    loaded: Loaded,
}

/// What became of one.
struct Ran {
    name: String,
    plan: PathBuf,
    session: Session,
    told: Result<Told>,
}

pub fn run(session: &Session, options: &RunOptions, plans: &[PathBuf]) -> Result<Ended> {
    of_one_site(options)?;
    let members = members(session, options, plans)?;
    one_site_each(options, &members)?;
    apart(session, &members)?;
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

/// Refuses what is said about one site.
fn of_one_site(options: &RunOptions) -> Result<()> {
    let given = [
        ("--settle", options.settle.first()),
        ("--redo", options.redo.first()),
        ("--crash-at", options.crash_at.as_ref()),
    ];
    match given.into_iter().find_map(|(option, value)| Some((option, value?))) {
        Some((option, value)) => Err(usage::wrong_value(option, value, message("cli.fleet.one-plan", &[]))),
        None => Ok(()),
    }
}

/// Every plan read and valid: nothing begins before all of them are.
fn members(session: &Session, options: &RunOptions, plans: &[PathBuf]) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    let mut invalid = Vec::new();
    for plan in plans {
        let config = config(session, options, plan)?;
        let stages = registry::stages(&config.choices())?;
        let asked = Asked::parse(options, &stages)?;
        let strictness = CheckOptions { strict: false, stages: asked.stage_numbers(&stages) };
        let shown = plan.display().to_string();
        match plan::load(&session.of_cluster(&shown, plan), plan, &strictness) {
            Ok(loaded) => {
                let name = loaded.plan.cluster.name.value.clone();
                let session = session.of_cluster(&name, plan);
                members.push(Member { name, plan: plan.clone(), session, config, stages, asked, loaded });
            }
            Err(failure) if failure.kind == Kind::Plan => invalid.push(shown),
            Err(failure) => return Err(failure),
        }
    }
    if invalid.is_empty() {
        return Ok(members);
    }
    let args: [(&str, &dyn crate::text::Say); 2] = [("all", &plans.len()), ("count", &invalid.len())];
    Err(Failure::new(Kind::Plan, message("cli.fleet.doing", &[]))
        .at(invalid.join(", "))
        .answer(message("cli.fleet.invalid", &args))
        .advise(message("cli.fleet.invalid-advice", &[("plans", &next::words(plans))])))
}

/// Refuses plans that take something from each other; tells what only looks so.
fn apart(session: &Session, members: &[Member]) -> Result<()> {
    let plans = members.iter().map(|member| (member.plan.as_path(), &member.loaded.plan));
    let collisions = check::collisions(plans);
    if session.json() && !collisions.is_empty() {
        let lang = session.screen.lang;
        let collisions: Vec<Value> = collisions.iter().map(|collision| collision.json(lang)).collect();
        session.print_json(&json!({"schema": "1.0", "collisions": collisions}));
    }
    findings::between(session, &collisions).iter().for_each(|line| session.screen.aside(line));
    if !check::hinders(&collisions) {
        return Ok(());
    }
    let plans: Vec<PathBuf> = members.iter().map(|member| member.plan.clone()).collect();
    Err(Failure::new(Kind::Plan, message("cli.fleet.doing", &[]))
        .answer(check::count(&collisions))
        .meaning(message("cli.fleet.collide", &[]))
        .advise(message("cli.fleet.invalid-advice", &[("plans", &next::words(&plans))])))
}

/// Refuses one simulated site for two plans.
fn one_site_each(options: &RunOptions, members: &[Member]) -> Result<()> {
    let mut known: Vec<String> = Vec::new();
    for member in members {
        let Some(url) = options.site.proxy(&member.config) else { continue };
        let Some(twin) = Proxy::parse(url)?.rehearsal().map(|rehearsal| rehearsal.twin_id.clone()) else {
            continue;
        };
        if known.contains(&twin) {
            return Err(usage::wrong_value("--proxy", url, message("cli.fleet.shared-site", &[])));
        }
        known.push(twin);
    }
    Ok(())
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
    let live = drive::answers(session) && drive::verbosity(session) == Verbosity::Normal;
    let fleet = live.then(|| Fleet::on_terminal(members.iter().map(|member| member.name.as_str())));
    let turn = Rc::new(Mutex::new(()));
    let mut running: FuturesUnordered<LocalBoxFuture<'_, (usize, Ran)>> = FuturesUnordered::new();
    for (at, member) in members.into_iter().enumerate() {
        let front = front(&member, options, fleet.as_ref(), &turn, &cancel);
        running.push(Box::pin(async move { (at, member.run(options, transfers, front).await) }));
    }
    let mut ran = Vec::new();
    let mut told = false;
    loop {
        tokio::select! {
            next = running.next() => match next {
                Some(ended) => ran.push(ended),
                None => break,
            },
            () = cancel.until_requested(), if !told => {
                told = true;
                let stopping = message("cli.run.stopping", &[]);
                let stopping = session.screen.say(&stopping);
                match &fleet {
                    Some(fleet) => fleet.print(vec![stopping.to_owned()]),
                    None if session.json() => session.screen.aside(stopping),
                    None => session.screen.line(stopping),
                }
            }
        }
    }
    if let Some(fleet) = fleet {
        fleet.close();
    }
    ran.sort_by_key(|(at, _)| *at);
    ran.into_iter().map(|(_, ran)| ran).collect()
}

fn front(
    member: &Member,
    options: &RunOptions,
    fleet: Option<&Rc<Fleet>>,
    turn: &Rc<Mutex<()>>,
    cancel: &Cancel,
) -> Front {
    let session = &member.session;
    let display: Rc<dyn Display> = match fleet {
        Some(fleet) => Rc::new(fleet.row(&member.name, session.screen.clone())),
        None => drive::lines(session),
    };
    let input = drive::answers(session).then(|| drive::terminal_lines(cancel.clone()));
    let yes = options.yes || options.simulate;
    let prompts = Prompts::new(session.screen.clone(), display.clone(), yes, input);
    let answerer = Rc::new(InTurn { turn: turn.clone(), prompts });
    Front { display, answerer, cancel: cancel.clone(), alone: false }
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

impl Member {
    async fn run(self, options: &RunOptions, transfers: &Transfers, front: Front) -> Ran {
        let Self { name, plan, session, config, stages, asked, loaded } = self;
        let cluster =
            Cluster { session: &session, options, plan: &plan, config: &config, stages: &stages, transfers };
        let display = front.display.clone();
        let told = match cluster.reach(&loaded).await {
            Ok(reach) => real::run(&cluster, asked, loaded, reach, front).await,
            Err(failure) => Err(failure),
        };
        if told.is_err() {
            // It never began, so nobody has closed it.
            display.close();
        }
        Ran { name, plan, session, told }
    }
}

impl Ran {
    fn exit_code(&self) -> u8 {
        match &self.told {
            Ok(told) => match (told.end.exit_code, &told.sealed) {
                (0, Err(failure)) => failure.kind.exit_code(),
                (code, _) => code,
            },
            Err(failure) => failure.kind.exit_code(),
        }
    }

    /// The command to go on with: this cluster's alone.
    fn next(&self) -> String {
        match &self.told {
            Ok(told) => told.next.clone(),
            Err(_) => next::again(&self.session),
        }
    }

    fn log(&self) -> Option<&Path> {
        match &self.told {
            Ok(told) => Some(&told.log),
            Err(failure) => failure.log.as_deref(),
        }
    }

    fn tell_failures(&self) {
        match &self.told {
            Ok(told) => {
                told.tell_failures(&self.session);
                if let Err(failure) = &told.sealed {
                    self.session.tell(failure);
                }
            }
            Err(failure) => self.session.tell(failure),
        }
    }

    fn lines(&self, names: usize) -> Vec<String> {
        let screen = &self.session.screen;
        let head = match &self.told {
            Ok(told) => told.summary.head(screen),
            Err(_) => {
                let said = message("cli.fleet.not-started", &[("code", &self.exit_code())]);
                Some(screen.tint(Tint::Bad, screen.say(&said)))
            }
        };
        let mut lines = vec![format!("  {}  {}", pad(&self.name, names), head.unwrap_or_default())];
        let labels = [message("cli.fleet.log", &[]), message("cli.fleet.next", &[])];
        let [log, next] = labels.each_ref().map(|label| screen.say(label));
        let columns = width(log).max(width(next));
        if let Some(path) = self.log() {
            lines.push(format!("    {}  {}", pad(log, columns), path.display()));
        }
        lines.push(format!("    {}  {}", pad(next, columns), self.next()));
        lines
    }

    fn record(&self) -> Value {
        json!({
            "cluster": self.name,
            "plan": self.plan,
            "exit_code": self.exit_code(),
            "log": self.log(),
            "next": self.next(),
        })
    }
}

/// Lists all clusters, each with how to go on; the exit code is that of the first that did not end well.
fn conclude(session: &Session, ran: &[Ran]) -> Ended {
    let open: Vec<&Ran> = ran.iter().filter(|ran| ran.exit_code() != 0).collect();
    open.iter().for_each(|ran| ran.tell_failures());
    let code = open.first().map_or(0, |ran| ran.exit_code());
    if session.json() {
        let clusters: Vec<Value> = ran.iter().map(Ran::record).collect();
        session.print_json(
            &json!({"event": "fleet-finished", "schema": "1.0", "exit_code": code, "clusters": clusters}),
        );
        return Ended::Run(code);
    }
    let screen = &session.screen;
    let (head, tint) = if open.is_empty() {
        (message("cli.fleet.end-well", &[("all", &ran.len())]), Tint::Good)
    } else {
        let done = ran.len() - open.len();
        let args: [(&str, &dyn crate::text::Say); 4] =
            [("all", &ran.len()), ("done", &done), ("open", &open.len()), ("code", &code)];
        (message("cli.fleet.end", &args), Tint::Bad)
    };
    screen.line(&screen.tint(tint, screen.say(&head)));
    let names = ran.iter().map(|ran| width(&ran.name)).max().unwrap_or(0);
    ran.iter().flat_map(|ran| ran.lines(names)).for_each(|line| screen.line(&line));
    Ended::Run(code)
}
