//! `voyager diff`: reads the live site and shows planned beside found. Changes nothing.

use std::{net::Ipv4Addr, path::PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{
    Ended,
    config::Config,
    media,
    plan::{self, Loaded},
    reach::Reach,
    run::{SiteOptions, unattended},
    session::Session,
    site_folder::{Identity, SiteFolder},
    world::{self, Kept},
};
use crate::{
    clients::{
        dial::Endpoint,
        probe::Reach as Probed,
        transfers::Transfers,
        trust::{InMemory, PinFile, PinStore, Pins},
        wire::Memory,
    },
    engine::{
        self, Journal, Options, Selection, StepState,
        event::{Setting, Verdict},
        journal::FileStorage,
    },
    failure::{Failure, Kind, Result},
    messages::message,
    plan::CheckOptions,
    stages::registry,
    ui::{screen::Tint, sentences, settings, table::Table},
};

#[derive(Args, Debug)]
pub struct DiffOptions {
    #[arg(long, value_name = "PLAN", env = "VOYAGER_PLAN", hide_env_values = true, help = "cli.option.plan")]
    plan: PathBuf,
    #[command(flatten)]
    site: SiteOptions,
    #[arg(long, value_name = "STAGE", num_args = 1.., help = "cli.option.stage")]
    stage: Vec<String>,
}

/// Reads the pins of earlier runs; a look keeps no new ones.
struct KnownPins(Option<PinFile>);

impl PinStore for KnownPins {
    fn load(&self) -> std::io::Result<Pins> {
        match &self.0 {
            Some(file) => file.load(),
            None => InMemory.load(),
        }
    }

    fn save(&self, _pins: &Pins) -> std::io::Result<()> {
        Ok(())
    }
}

pub fn run(session: &Session, options: &DiffOptions) -> Result<Ended> {
    let config = Config::load(session, Some(&options.plan))?;
    let loaded = plan::load(session, &options.plan, &CheckOptions::default())?;
    session.runtime()?.block_on(look(session, options, &config, loaded))
}

async fn look(session: &Session, options: &DiffOptions, config: &Config, loaded: Loaded) -> Result<Ended> {
    let stages = registry::stages(&config.choices())?;
    let reach = Reach::new(options.site.proxy(config), config.limits)?;
    reach.dialler.meet_proxy(message("cli.diff.doing", &[])).await?;
    let hosts: Vec<_> = loaded.plan.hosts.iter().map(|host| host.mgmt_ip.value).collect();
    let rehearsal = reach.rehearsal();
    let identity = Identity::of(&loaded.plan, rehearsal.map(|rehearsal| rehearsal.twin_id.as_str()));
    let site = SiteFolder::find(&options.site.artifacts(&options.plan, rehearsal.is_some()), &identity)?;
    let journal = match &site {
        Some(site) => Journal::snapshot(Box::new(FileStorage::new(site.journal())), &site.key, "diff")?,
        None => Journal::in_memory(&identity.key(), "diff")?,
    };
    let pins = KnownPins(site.as_ref().map(|site| PinFile(site.path.join("pins.json"))));
    let redactor = world::redactor(&loaded.plan, &reach);
    let loaded = match &site {
        Some(site) if rehearsal.is_some() => world::copied(loaded, &site.path)?,
        _ => loaded,
    };
    let kept = Kept {
        media: media::folder(options.site.media.as_deref(), config),
        transfers: Transfers::new(config.fleet),
        workbook: world::workbook(&loaded, "diff"),
        run_folder: None,
        site_folder: site.as_ref().map(|site| site.path.clone()),
        papers: None,
    };
    let world = world::build(loaded, config, &reach, pins, Memory::default(), redactor, kept)?;
    let setup = unattended(session, journal, reach.speed(), false, Vec::new());
    let selection =
        if options.stage.is_empty() { Selection::All } else { Selection::Stages(options.stage.clone()) };
    let asked = Options { selection, simulated: rehearsal.is_some(), ..Options::default() };
    let states = engine::survey(&world, &stages, setup, &asked).await?;
    let of = |wanted: fn(Verdict) -> bool| {
        states.iter().filter_map(|state| state.verdict).filter(|verdict| wanted(*verdict)).count()
    };
    let (differing, open) = (of(differs), of(is_open));
    if session.json() {
        let steps: Vec<Value> = states.iter().map(record).collect();
        let settings: Vec<Value> = states.iter().flat_map(setting_records).collect();
        session.print_json(
            &json!({"schema": "1.0", "differing": differing, "unproved": open, "steps": steps, "settings": settings}),
        );
    } else {
        show(session, &states);
        show_settings(session, &states);
        let args: [(&str, &dyn crate::text::Say); 3] =
            [("differing", &differing), ("open", &open), ("all", &states.len())];
        let last = message("cli.diff.count", &args);
        let tint = if differing + open == 0 { Tint::Good } else { Tint::Warn };
        session.screen.line(&session.screen.tint(tint, session.screen.say(&last)));
    }
    if !states.iter().any(was_read) && !answers(&reach, &hosts).await {
        return Err(Failure::new(Kind::Site, message("cli.diff.doing", &[]))
            .meaning(message("cli.diff.nothing-read", &[]))
            .advise(message("cli.diff.reach", &[])));
    }
    Ok(if differing + open == 0 { Ended::Well } else { Ended::As(Kind::Differences) })
}

/// Whether the site itself was seen to be this way or that.
fn was_read(state: &StepState) -> bool {
    let open = [Verdict::Unknown, Verdict::Unproved, Verdict::NotNeeded];
    state.verdict.is_some_and(|verdict| !open.contains(&verdict))
}

/// Whether any planned host is there, or that cannot be told from here.
async fn answers(reach: &Reach, hosts: &[Ipv4Addr]) -> bool {
    let probes = hosts.iter().map(|host| reach.dialler.probe(Endpoint::new(*host, 80)));
    futures_util::future::join_all(probes).await.iter().any(|probed| match probed {
        Probed::Open | Probed::Refused => true,
        Probed::Silent => false,
        // Behind a bastion an open port may look like this.
        Probed::Unproved(_) => reach.dialler.proxy().is_some(),
    })
}

/// Whether the site is provably not as planned.
fn differs(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Absent | Verdict::Differs | Verdict::Conflict)
}

/// Whether nobody can tell.
fn is_open(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Unknown | Verdict::Unproved)
}

fn show(session: &Session, states: &[StepState]) {
    let screen = &session.screen;
    let headings =
        [message("cli.diff.step", &[]), message("cli.diff.state", &[]), message("cli.diff.detail", &[])];
    let mut table = Table::new(&headings.each_ref().map(|heading| screen.say(heading)));
    for state in states {
        let verdict = match state.verdict {
            Some(verdict) => sentences::verdict(verdict),
            None => message("cli.diff.not-looked-at", &[]),
        };
        let mut details: Vec<String> = state
            .differences
            .iter()
            .map(|difference| screen.say(&sentences::difference(difference)).to_owned())
            .collect();
        details.extend(state.reason.iter().map(|reason| screen.say(reason).to_owned()));
        let title = format!("{} ({})", screen.say(&state.title), state.step);
        table.row(vec![title, screen.say(&verdict).to_owned(), details.join("\n")]);
    }
    table.lines(screen.width).iter().for_each(|line| screen.line(line));
}

/// Planned beside found, with the cell and the request that proves it.
fn show_settings(session: &Session, states: &[StepState]) {
    let screen = &session.screen;
    let lines = settings::lines(screen, settings_of(states), screen.width);
    if lines.is_empty() {
        return;
    }
    screen.line("");
    screen.line(screen.say(&message("cli.diff.read-back", &[])));
    lines.iter().for_each(|line| screen.line(line));
    let all = settings_of(states).count();
    let wrong = settings_of(states).filter(|row| row.verdict.is_wrong()).count();
    let count = message("cli.diff.settings", &[("wrong", &wrong), ("all", &all)]);
    let tint = if wrong == 0 { Tint::Good } else { Tint::Warn };
    screen.line(&screen.tint(tint, screen.say(&count)));
    screen.line("");
}

fn settings_of(states: &[StepState]) -> impl Iterator<Item = &Setting> {
    states.iter().flat_map(|state| &state.settings)
}

/// The rows of one verification, each with the step that read it.
fn setting_records(state: &StepState) -> impl Iterator<Item = Value> {
    state.settings.iter().map(|row| {
        let mut record = json!(row);
        record["step"] = json!(state.step);
        record
    })
}

fn record(state: &StepState) -> Value {
    json!({
        "step": state.step,
        "title": state.title,
        "verdict": state.verdict,
        "differences": state.differences,
        "reason": state.reason,
    })
}
