//! What can be typed: options of every command here, those of one command in its own file. Every help text is a key of `templates/messages/cli.toml`, translated by `localise`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::{
    completions::Completions,
    diff::DiffOptions,
    papers::{bundle::BundleOptions, report::ReportOptions},
    plan::PlanCommand,
    run::RunOptions,
    runs::RunsOptions,
    simulate::Simulate,
    stages::StagesOptions,
};

#[derive(Debug, Parser)]
#[command(
    name = "voyager",
    version,
    about = "cli.about.voyager",
    disable_help_flag = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    arg_required_else_help = true
)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    #[arg(
        long,
        global = true,
        value_enum,
        env = "VOYAGER_LANG",
        hide_env_values = true,
        help = "cli.option.lang"
    )]
    pub lang: Option<Language>,
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "human",
        env = "VOYAGER_OUTPUT",
        hide_env_values = true,
        help = "cli.option.output"
    )]
    pub output: Output,
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "VOYAGER_CONFIG",
        hide_env_values = true,
        help = "cli.option.config"
    )]
    pub config: Option<PathBuf>,
    #[arg(short, long, global = true, action = ArgAction::Count, help = "cli.option.verbose")]
    pub verbose: u8,
    #[arg(short, long, global = true, conflicts_with = "verbose", help = "cli.option.quiet")]
    pub quiet: bool,
    #[arg(short, long, global = true, action = ArgAction::Help, help = "cli.option.help")]
    pub(super) help: Option<bool>,
    #[arg(short = 'V', long, action = ArgAction::Version, help = "cli.option.version")]
    pub(super) version: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Zh,
    En,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    #[default]
    Human,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(about = "cli.about.run")]
    Run(Box<RunOptions>),
    #[command(about = "cli.about.diff")]
    Diff(DiffOptions),
    #[command(subcommand, about = "cli.about.plan")]
    Plan(PlanCommand),
    #[command(about = "cli.about.stages")]
    Stages(StagesOptions),
    #[command(about = "cli.about.runs")]
    Runs(RunsOptions),
    #[command(about = "cli.about.report")]
    Report(ReportOptions),
    #[command(about = "cli.about.bundle")]
    Bundle(BundleOptions),
    #[command(about = "cli.about.simulate")]
    Simulate(Simulate),
    #[command(about = "cli.about.completions")]
    Completions(Completions),
    #[command(about = "cli.about.man")]
    Man,
}
