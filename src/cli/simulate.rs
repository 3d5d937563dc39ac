//! `voyager simulate`: the simulated site as a server of its own, until Ctrl-C.

use std::{fs, net::SocketAddr, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::{Ended, ledger, plan, run::quoted, session::Session, stop, twin};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    plan::CheckOptions,
    sim::{self, FaultFile, SimOptions, Start},
    text::Text,
};

#[derive(Args, Debug)]
pub struct Simulate {
    #[arg(
        long,
        value_name = "PLAN",
        env = "VOYAGER_PLAN",
        hide_env_values = true,
        required_unless_present = "load",
        help = "cli.option.plan"
    )]
    plan: Option<PathBuf>,
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", help = "cli.option.listen")]
    listen: SocketAddr,
    #[command(flatten)]
    twin: TwinOptions,
    #[arg(long, value_name = "FILE", help = "cli.option.save")]
    save: Option<PathBuf>,
    #[arg(long, value_name = "FILE", conflicts_with = "plan", help = "cli.option.load")]
    load: Option<PathBuf>,
}

/// How a simulated site behaves; `run --simulate` takes the same.
#[derive(Args, Clone, Debug)]
pub struct TwinOptions {
    #[arg(long, value_name = "N", help = "cli.option.speed")]
    speed: Option<f64>,
    #[arg(long, value_name = "FILE", conflicts_with = "seed", help = "cli.option.faults")]
    faults: Option<PathBuf>,
    #[arg(long, value_name = "N", help = "cli.option.seed")]
    seed: Option<u64>,
}

impl TwinOptions {
    /// Those that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let all = [
            ("--speed", self.speed.is_some()),
            ("--faults", self.faults.is_some()),
            ("--seed", self.seed.is_some()),
        ];
        all.into_iter().filter_map(|(option, given)| given.then_some(option)).collect()
    }

    /// Options for the simulator; `usual` is the speed when none was given.
    pub fn options(&self, usual: f64, listen: SocketAddr) -> Result<SimOptions> {
        let speed = self.speed.unwrap_or(usual);
        if !speed.is_finite() || speed <= 0.0 {
            let expected = message("cli.simulate.speed", &[]);
            return Err(super::usage::wrong_value("--speed", &speed.to_string(), expected));
        }
        Ok(SimOptions { listen, speed, seed: self.seed.unwrap_or(1), scenario: self.scenario()? })
    }

    /// The fault file; with `--seed` a plan of faults drawn from it.
    fn scenario(&self) -> Result<FaultFile> {
        let Some(path) = &self.faults else {
            return Ok(self.seed.map_or_else(FaultFile::default, FaultFile::hostile));
        };
        let wrong = |error: &dyn std::error::Error| {
            Failure::new(Kind::Usage, message("cli.simulate.faults", &[]))
                .at(path.display())
                .because(error)
                .advise(message("cli.simulate.faults-advice", &[]))
        };
        let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
        FaultFile::parse(&text).map_err(|error| wrong(&error))
    }
}

pub fn run(session: &Session, options: &Simulate) -> Result<Ended> {
    let doing = || message("cli.simulate.doing", &[]);
    let from = match (&options.load, &options.plan) {
        (Some(path), _) => Start::Snapshot(
            fs::read_to_string(path)
                .map_err(|error| Failure::new(Kind::Usage, doing()).at(path.display()).because(&error))?,
        ),
        (None, Some(path)) => {
            let plan = plan::load(session, path, &CheckOptions::default())?.plan;
            Start::Fresh(Box::new(twin::twin_plan(&plan)))
        }
        // clap asks for one of the two.
        (None, None) => return Err(Failure::new(Kind::Usage, doing())),
    };
    let settings = options.twin.options(1.0, options.listen)?;
    session.runtime()?.block_on(async {
        let running = sim::start(from, settings).await.map_err(|error| {
            Failure::new(Kind::Local, doing())
                .at(options.listen)
                .because(&error)
                .advise(message("cli.simulate.listen-advice", &[]))
        })?;
        if session.json() {
            session.print_json(
                &json!({"schema": "1.0", "proxy": running.proxy_url(), "twin": running.twin_id()}),
            );
        } else {
            session.screen.line(&running.proxy_url());
            let plan = match &options.plan {
                Some(plan) => Text::same(quoted(&plan.display().to_string())),
                None => message("cli.simulate.some-plan", &[]),
            };
            let hint = message("cli.simulate.hint", &[("plan", &plan), ("proxy", &running.proxy_url())]);
            session.screen.aside(session.screen.say(&hint));
        }
        stop::requested().await;
        if let Some(path) = &options.save {
            running.save(path).map_err(|error| {
                Failure::on_disk(message("cli.simulate.saving", &[]), path.display(), &error)
            })?;
            let saved = message("cli.simulate.saved", &[("file", &quoted(&path.display().to_string()))]);
            session.screen.aside(session.screen.say(&saved));
        }
        let counted = running.ledger();
        if session.json() {
            session.print_json(&json!({"ledger": counted}));
        } else {
            ledger::lines(&counted, None)
                .iter()
                .for_each(|line| session.screen.line(session.screen.say(line)));
        }
        running.shutdown().await;
        // Stopping a server by Ctrl-C is how it is meant to end.
        Ok(Ended::Well)
    })
}
