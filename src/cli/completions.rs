//! `voyager completions SHELL`: the completion script, on standard output.

use clap::Args;
use clap_complete::Shell;

use super::{Ended, localise, session::Session};
use crate::failure::Result;

#[derive(Args, Debug)]
pub struct Completions {
    #[arg(value_enum, value_name = "SHELL", help = "cli.option.shell")]
    pub shell: Shell,
}

pub fn run(session: &Session, options: &Completions) -> Result<Ended> {
    let mut script = Vec::new();
    let mut command = localise::command(session.screen.lang);
    clap_complete::generate(options.shell, &mut command, "voyager", &mut script);
    session.screen.raw(&script);
    Ok(Ended::Well)
}
