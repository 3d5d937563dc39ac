//! The command line in the operator's language.
//!
//! clap offers hooks for all texts of its help but a few of its own words (`[default: …]`,
//! `[possible values: …]`, `[env: …]`); those stay English. Its errors are retold by `usage`.

use clap::{Command, CommandFactory};

use super::arguments::Arguments;
use crate::{messages::message, text::Lang};

/// The whole command with its help texts, which are message keys until here, in `lang`.
pub fn command(lang: Lang) -> Command {
    translate(Arguments::command(), lang)
}

fn translate(command: Command, lang: Lang) -> Command {
    let about = command.get_about().map(|key| say(&key.to_string(), lang)).unwrap_or_default();
    let template =
        format!("{{about}}\n\n{} {{usage}}\n\n{{all-args}}", message("cli.help.usage", &[]).get(lang));
    let options = message("cli.help.options", &[]).get(lang).to_owned();
    let arguments = message("cli.help.arguments", &[]).get(lang).to_owned();
    command
        .about(about)
        .help_template(template)
        .subcommand_help_heading(message("cli.help.commands", &[]).get(lang).to_owned())
        .mut_args(|arg| {
            let help = arg.get_help().map(|key| say(&key.to_string(), lang)).unwrap_or_default();
            let heading = if arg.is_positional() { arguments.clone() } else { options.clone() };
            arg.help(help).help_heading(heading)
        })
        .mut_subcommands(|command| translate(command, lang))
}

/// The message that a help attribute of `arguments` names.
fn say(key: &str, lang: Lang) -> String {
    message(key, &[]).get(lang).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_help(command: &mut Command) -> String {
        let mut all = command.render_long_help().to_string();
        for sub in command.get_subcommands_mut() {
            all.push_str(&every_help(sub));
        }
        all
    }

    #[test]
    fn every_help_text_is_translated() {
        for lang in [Lang::Zh, Lang::En] {
            let mut command = command(lang);
            command.build();
            let help = every_help(&mut command);
            assert!(!help.contains("{cli.") && !help.contains("cli.option"), "{help}");
        }
    }

    #[test]
    fn arguments_are_consistent() {
        command(Lang::En).debug_assert();
    }
}
