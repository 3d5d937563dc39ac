//! The plans of a fleet before anything begins: read, valid, and apart from each other.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::ran::Ran;
use crate::{
    cli::{
        config::Config,
        plan::{self, Loaded, check, findings},
        run::{Cluster, RunOptions, asked::Asked, config, drive::Front, next, real},
        session::Session,
        usage,
    },
    clients::{proxy::Proxy, transfers::Transfers},
    engine::Stage,
    failure::{Failure, Kind, Result},
    messages::message,
    plan::CheckOptions,
    stages::{registry, world::World},
};

/// One cluster of the fleet, ready to be run.
pub struct Member {
    pub name: String,
    pub plan: PathBuf,
    /// Labelled with the name, and as if its plan alone had been named.
    pub session: Session,
    pub config: Config,
    pub stages: Vec<Stage<World>>,
    pub asked: Asked,
    pub loaded: Loaded,
}

/// Refuses what is said about one site.
pub fn of_one_site(options: &RunOptions) -> Result<()> {
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
pub fn members(session: &Session, options: &RunOptions, plans: &[PathBuf]) -> Result<Vec<Member>> {
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
pub fn apart(session: &Session, members: &[Member]) -> Result<()> {
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
pub fn one_site_each(options: &RunOptions, members: &[Member]) -> Result<()> {
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

impl Member {
    /// Runs it to its end, whatever that is.
    pub async fn run(self, options: &RunOptions, transfers: &Transfers, front: Front) -> Ran {
        let Self { name, plan, session, config, stages, asked, loaded } = self;
        let cluster =
            Cluster { session: &session, options, plan: &plan, config: &config, stages: &stages, transfers };
        let told = match cluster.reach(&loaded).await {
            Ok(reach) => real::run(&cluster, asked, loaded, reach, front).await,
            Err(failure) => Err(failure),
        };
        Ran { name, plan, session, told }
    }
}
