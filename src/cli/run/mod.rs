//! `voyager run`: the pipeline at a real site, on a simulated one, or dry.

mod asked;
mod drive;
mod dry;
mod fleet;
mod names;
mod next;
mod real;
mod window;

use std::path::{Path, PathBuf};

use clap::Args;

use self::{asked::Asked, drive::Front};
use super::{
    Ended,
    config::Config,
    plan::{self, Loaded},
    reach::Reach,
    session::Session,
    simulate::TwinOptions,
    usage,
};
use crate::{
    clients::transfers::Transfers,
    engine::Stage,
    failure::Result,
    messages::message,
    plan::CheckOptions,
    stages::{registry, world::World},
};

pub use self::{drive::unattended, next::quoted};

/// A rehearsal within the process runs this much faster than a real site, unless told otherwise.
const REHEARSAL_SPEED: f64 = 200.0;

/// How to reach a site, and what lies where; `diff` takes the same.
#[derive(Args, Clone, Debug)]
pub struct SiteOptions {
    #[arg(
        long,
        value_name = "DIR",
        env = "VOYAGER_MEDIA",
        hide_env_values = true,
        help = "cli.option.media"
    )]
    pub media: Option<PathBuf>,
    #[arg(
        long,
        value_name = "URL",
        env = "VOYAGER_PROXY",
        hide_env_values = true,
        help = "cli.option.proxy"
    )]
    pub proxy: Option<String>,
    #[arg(
        long,
        value_name = "DIR",
        env = "VOYAGER_ARTIFACTS",
        hide_env_values = true,
        help = "cli.option.artifacts"
    )]
    pub artifacts: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub struct RunOptions {
    #[arg(
        long = "plan",
        value_name = "PLAN",
        required = true,
        env = "VOYAGER_PLAN",
        hide_env_values = true,
        help = "cli.option.plans"
    )]
    pub plans: Vec<PathBuf>,
    #[command(flatten)]
    pub site: SiteOptions,
    #[arg(long, value_name = "STAGE", num_args = 1.., conflicts_with_all = ["from", "to"], help = "cli.option.stage")]
    pub stage: Vec<String>,
    #[arg(long, value_name = "STAGE", help = "cli.option.from")]
    pub from: Option<String>,
    #[arg(long, value_name = "STAGE", help = "cli.option.to")]
    pub to: Option<String>,
    #[arg(long, value_name = "STEP=done[:FACT]|absent", help = "cli.option.settle")]
    pub settle: Vec<String>,
    #[arg(long, value_name = "STEP", value_delimiter = ',', help = "cli.option.redo")]
    pub redo: Vec<String>,
    #[arg(long, help = "cli.option.yes")]
    pub yes: bool,
    #[arg(long, conflicts_with = "proxy", help = "cli.option.simulate")]
    pub simulate: bool,
    #[command(flatten)]
    pub twin: TwinOptions,
    #[arg(long, conflicts_with_all = ["proxy", "simulate", "settle", "redo"], help = "cli.option.dry-run")]
    pub dry_run: bool,
    #[command(flatten)]
    pub window: window::WindowOptions,
    #[arg(long, help = "cli.option.take-over")]
    pub take_over: bool,
    #[arg(long, help = "cli.option.move-nodes")]
    pub move_nodes: bool,
    #[arg(long, help = "cli.option.inspect-beside")]
    pub inspect_beside: bool,
    /// Rehearsals only: kills the process at a named moment, to prove that nothing is lost or done twice.
    #[arg(long, value_name = "STEP:POINT", hide = true)]
    pub crash_at: Option<String>,
    /// Rehearsals only: step after step in the runbook's order, to compare with.
    #[arg(long, hide = true)]
    pub in_order: bool,
}

impl SiteOptions {
    /// The option, else the configuration; empty is none.
    pub fn proxy<'a>(&'a self, config: &'a Config) -> Option<&'a str> {
        self.proxy.as_deref().or(Some(config.run.proxy.as_str())).filter(|proxy| !proxy.is_empty())
    }

    /// Where site folders lie: beside the plan for a real site, in `./artifacts/simulated` for a rehearsal.
    pub fn artifacts(&self, plan: &Path, rehearsal: bool) -> PathBuf {
        match &self.artifacts {
            Some(folder) => folder.clone(),
            None if rehearsal => ["artifacts", "simulated"].iter().collect(),
            None => plan_folder(plan).join("artifacts"),
        }
    }
}

/// The folder that a plan lies in; the plan may be given as that folder.
pub fn plan_folder(plan: &Path) -> &Path {
    if plan.is_dir() { plan } else { plan.parent().unwrap_or(Path::new("")) }
}

/// One plan of the command line, and what it is run with.
#[derive(Clone, Copy)]
pub struct Cluster<'a> {
    pub session: &'a Session,
    pub options: &'a RunOptions,
    pub plan: &'a Path,
    pub config: &'a Config,
    pub stages: &'a [Stage<World>],
    pub transfers: &'a Transfers,
}

impl Cluster<'_> {
    /// The way to its site: a fresh twin within this process where it is rehearsed. Call on a runtime.
    async fn reach(&self, loaded: &Loaded) -> Result<Reach> {
        let Self { options, config, .. } = self;
        if options.simulate {
            let twin = options.twin.options(REHEARSAL_SPEED, ([127, 0, 0, 1], 0).into())?;
            Reach::twin(&loaded.plan, twin, config.limits).await
        } else {
            Reach::new(options.site.proxy(config), config.limits)
        }
    }

    /// Whether its questions are answered with yes.
    fn yes(&self) -> bool {
        self.options.yes || self.options.simulate
    }
}

/// The configuration of a plan, as the command line has it.
fn config(session: &Session, options: &RunOptions, plan: &Path) -> Result<Config> {
    let mut config = Config::load(session, Some(plan))?;
    config.stages.move_nodes |= options.move_nodes;
    config.inspection.beside_addons |= options.inspect_beside;
    Ok(config)
}

pub fn run(session: &Session, options: &RunOptions) -> Result<Ended> {
    let given = options.twin.given();
    if !options.simulate && !options.dry_run && !given.is_empty() {
        return Err(usage::wrong(message("cli.run.twin-only", &[("options", &given.join(", "))])));
    }
    match plan::named(&options.plans)?.as_slice() {
        [plan] => alone(session, options, plan),
        plans => fleet::run(session, options, plans),
    }
}

fn alone(session: &Session, options: &RunOptions, plan: &Path) -> Result<Ended> {
    let config = config(session, options, plan)?;
    let stages = registry::stages(&config.choices())?;
    let asked = Asked::parse(options, &stages)?;
    let check = CheckOptions { strict: false, stages: asked.stage_numbers(&stages) };
    let loaded = plan::load(session, plan, &check)?;
    let transfers = Transfers::new(config.fleet);
    let cluster = Cluster { session, options, plan, config: &config, stages: &stages, transfers: &transfers };
    session.runtime()?.block_on(async {
        if options.dry_run {
            return dry::run(&cluster, asked, loaded).await;
        }
        let reach = cluster.reach(&loaded).await?;
        let front = Front::alone(session, cluster.yes());
        real::run(&cluster, asked, loaded, reach, front).await?.tell(session)
    })
}
