//! The command line: arguments in, exit code out. The only module that reads the environment.
//!
//! `arguments` says what can be typed, one file per command does it, and a `Failure`'s kind is the exit code.

mod arguments;
mod cells;
mod completions;
mod config;
mod diff;
mod ledger;
mod localise;
mod logging;
mod man;
mod media;
mod panics;
mod papers;
mod plan;
mod platform;
mod reach;
mod run;
mod runs;
mod session;
mod simulate;
mod site_folder;
mod stages;
mod stop;
pub mod twin;
mod usage;
mod variables;
mod world;

use std::{
    ffi::OsString,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use clap::FromArgMatches;

use self::{
    arguments::{Arguments, Command},
    session::{Environment, Session},
};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
};

/// How a command ended that has already told its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Well,
    /// Not a failure of the command itself: `plan check` found errors, `diff` found differences.
    As(Kind),
    /// A run with this exit code, whose end has been told.
    Run(u8),
}

impl Ended {
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::As(kind) => kind.exit_code(),
            Self::Run(code) => code,
        }
    }
}

/// The whole program: reads arguments and environment, runs the command, returns the exit code.
pub fn main() -> ExitCode {
    panics::tell_no_values();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let environment = Environment::of_process();
    let session = Session::open(&arguments, environment);
    // A panic is our bug: exit 1, like every other bug. The hook has printed where it was.
    let ended = catch_unwind(AssertUnwindSafe(|| start(&session, &arguments))).unwrap_or_else(|_| {
        Err(Failure::new(Kind::Bug, message("cli.bug.doing", &[])).advise(message("cli.bug.advice", &[])))
    });
    ExitCode::from(conclude(&session, ended))
}

fn start(session: &Session, arguments: &[OsString]) -> Result<Ended> {
    let mut command = localise::command(session.screen.lang);
    let matches = match command.try_get_matches_from_mut(arguments) {
        Ok(matches) => matches,
        Err(error) => return usage::answer(session, &command, &error),
    };
    let arguments =
        Arguments::from_arg_matches(&matches).map_err(|error| usage::failure(&error, "voyager"))?;
    variables::check(&session.environment, &command)?;
    let session = session.with(arguments.global);
    match arguments.command {
        Command::Plan(command) => plan::run(&session, command),
        Command::Run(options) => run::run(&session, &options),
        Command::Diff(options) => diff::run(&session, &options),
        Command::Runs(options) => runs::run(&session, &options),
        Command::Report(options) => papers::report::run(&session, &options),
        Command::Bundle(options) => papers::bundle::run(&session, &options),
        Command::Stages(options) => stages::run(&session, &options),
        Command::Simulate(options) => simulate::run(&session, &options),
        Command::Completions(options) => completions::run(&session, &options),
        Command::Man => man::run(&session),
    }
}

/// Tells a failure and turns the end into the exit code.
fn conclude(session: &Session, ended: Result<Ended>) -> u8 {
    let code = match ended {
        Ok(ended) => ended.exit_code(),
        Err(failure) => {
            session.tell(&failure);
            failure.kind.exit_code()
        }
    };
    match session.screen.output_error() {
        Some(error) if code == 0 => {
            let failure = output_failure(&error);
            session.tell(&failure);
            failure.kind.exit_code()
        }
        _ => code,
    }
}

fn output_failure(error: &io::Error) -> Box<Failure> {
    Failure::new(Kind::Local, message("cli.output.doing", &[])).because(error)
}
