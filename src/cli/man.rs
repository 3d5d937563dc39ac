//! `voyager man`: the manual page (roff), all commands in one, on standard output.

use clap::Command;
use clap_mangen::Man;

use super::{Ended, localise, session::Session};
use crate::failure::{Failure, Kind, Result};
use crate::messages::message;

pub fn run(session: &Session) -> Result<Ended> {
    let mut command = localise::command(session.screen.lang);
    command.build();
    let mut page = Vec::new();
    render(command, &mut page)
        .map_err(|error| Failure::new(Kind::Bug, message("cli.man.doing", &[])).because(&error))?;
    session.screen.raw(&page);
    Ok(Ended::Well)
}

fn render(command: Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    let children: Vec<Command> = command.get_subcommands().cloned().collect();
    Man::new(command).render(page)?;
    children.into_iter().try_for_each(|child| render(child, page))
}
