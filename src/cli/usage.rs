//! clap's errors retold: as a `Failure` in the operator's language, exit code 2.

use clap::{
    Command,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};

use super::{Ended, session::Session};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    text::Text,
};

/// Prints help or version where that was asked for; else the usage failure.
pub fn answer(session: &Session, command: &Command, error: &Error) -> Result<Ended> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = error.render();
            let text = if session.screen.colour { text.ansi().to_string() } else { text.to_string() };
            session.screen.raw(text.as_bytes());
            Ok(Ended::Well)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            session.screen.aside(error.render().to_string().trim_end());
            Ok(Ended::As(Kind::Usage))
        }
        _ => Err(failure(error, &called(command, &session.arguments))),
    }
}

/// The command that was meant, as far as its names are known: `voyager plan check`.
fn called(command: &Command, arguments: &[String]) -> String {
    let mut names = vec!["voyager"];
    let mut at = command;
    for word in arguments.iter().skip(1) {
        if let Some(sub) = at.find_subcommand(word) {
            names.push(sub.get_name());
            at = sub;
        }
    }
    names.join(" ")
}

/// What was wrong with the arguments of `command`.
pub fn failure(error: &Error, command: &str) -> Box<Failure> {
    let first = |kind| context(error, kind).into_iter().next().unwrap_or_default();
    let argument = first(ContextKind::InvalidArg);
    let wrong = match error.kind() {
        ErrorKind::UnknownArgument => message("cli.usage.unknown-option", &[("option", &argument)]),
        ErrorKind::InvalidSubcommand => {
            message("cli.usage.unknown-command", &[("command", &first(ContextKind::InvalidSubcommand))])
        }
        ErrorKind::MissingSubcommand => message("cli.usage.missing-command", &[]),
        ErrorKind::MissingRequiredArgument => {
            let missing = context(error, ContextKind::InvalidArg).join(" ");
            message("cli.usage.missing", &[("options", &missing)])
        }
        ErrorKind::ArgumentConflict => {
            let other = context(error, ContextKind::PriorArg).join(" ");
            message("cli.usage.conflict", &[("option", &argument), ("other", &other)])
        }
        // An option at the end of the line has the empty value.
        ErrorKind::InvalidValue if first(ContextKind::InvalidValue).is_empty() => {
            message("cli.usage.no-value", &[("option", &argument)])
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = first(ContextKind::InvalidValue);
            message("cli.usage.value", &[("option", &argument), ("value", &value)])
        }
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            message("cli.usage.no-value", &[("option", &argument)])
        }
        _ => Text::same(first_line(error)),
    };
    let mut failure = Failure::new(Kind::Usage, message("cli.usage.doing", &[])).answer(wrong);
    let allowed = context(error, ContextKind::ValidValue);
    if !allowed.is_empty() {
        failure = failure.meaning(message("cli.usage.allowed", &[("values", &allowed.join(", "))]));
    }
    let meant: Vec<String> =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
            .into_iter()
            .flat_map(|kind| context(error, kind))
            .collect();
    if !meant.is_empty() {
        failure = failure.advise(message("cli.usage.meant", &[("word", &meant.join(", "))]));
    }
    failure.advise(message("cli.usage.help", &[("command", &command)]))
}

/// A usage failure of ours, for what clap cannot judge; all of it is about the options of `run`.
pub fn wrong(answer: Text) -> Box<Failure> {
    Failure::new(Kind::Usage, message("cli.usage.doing", &[]))
        .answer(answer)
        .advise(message("cli.usage.help", &[("command", &"voyager run")]))
}

/// The same about a value.
pub fn wrong_value(option: &str, value: &str, expected: Text) -> Box<Failure> {
    wrong(message("cli.usage.value", &[("option", &option), ("value", &value)])).meaning(expected)
}

fn context(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(value)) => vec![value.clone()],
        Some(ContextValue::Strings(values)) => values.clone(),
        _ => Vec::new(),
    }
}

fn first_line(error: &Error) -> String {
    let text = error.render().to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
