//! `voyager completions SHELL`: the completion script, on standard output.

use super::{Ended, arguments::Completions, localise, session::Session};
use crate::failure::Result;

pub fn run(session: &Session, options: &Completions) -> Result<Ended> {
    let mut script = Vec::new();
    let mut command = localise::command(session.screen.lang);
    clap_complete::generate(options.shell, &mut command, "voyager", &mut script);
    session.screen.raw(&script);
    Ok(Ended::Well)
}
