//! One run of the program: its environment, its screen and its global options.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    io::{self, IsTerminal},
    path::Path,
    rc::Rc,
};

use serde::Serialize;

use super::arguments::{Global, Output};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    text::Lang,
    ui::{self, Screen},
};

/// What the process was given by its surroundings; nothing else in the program asks them.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Every variable whose name and value are text.
    pub variables: BTreeMap<String, String>,
}

impl Environment {
    pub fn of_process() -> Self {
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self { variables: env::vars_os().filter_map(text).collect() }
    }

    /// The variable, when it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The language that the locale asks for, in the order of POSIX.
    fn language(&self) -> Lang {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| self.get(name));
        if locale.is_some_and(|locale| locale.to_ascii_lowercase().starts_with("zh")) {
            Lang::Zh
        } else {
            Lang::En
        }
    }
}

/// Everything that a command gets beside its own options.
#[derive(Clone)]
pub struct Session {
    /// The command line as it was typed.
    pub arguments: Vec<String>,
    pub environment: Environment,
    pub screen: Rc<Screen>,
    pub global: Global,
}

#[derive(Serialize)]
struct FailureRecord<'a> {
    schema: &'a str,
    exit_code: u8,
    failure: &'a Failure,
}

impl Session {
    /// Looks for `--lang` and `--output` before the real parse, so that usage errors too come as asked.
    pub fn open(arguments: &[OsString], environment: Environment) -> Self {
        let early = |option: &str| early_value(arguments, option);
        let lang = early("--lang").or_else(|| environment.get("VOYAGER_LANG").map(str::to_owned));
        let lang = match lang.as_deref() {
            Some("zh") => Lang::Zh,
            Some("en") => Lang::En,
            _ => environment.language(),
        };
        let output = early("--output").or_else(|| environment.get("VOYAGER_OUTPUT").map(str::to_owned));
        let output = if output.as_deref() == Some("json") { Output::Json } else { Output::Human };

        let mut screen = Screen::new(lang, Box::new(io::stdout()), Box::new(io::stderr()));
        let terminal = io::stdout().is_terminal();
        if terminal {
            let columns = environment.get("COLUMNS").and_then(|columns| columns.parse().ok());
            let size = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
            screen.width = columns.or_else(size).filter(|&columns| columns > 0);
        }
        let dumb = environment.get("TERM") == Some("dumb");
        screen.interactive = terminal && io::stderr().is_terminal() && io::stdin().is_terminal() && !dumb;
        screen.colour = terminal && !dumb && environment.get("NO_COLOR").is_none();
        let global = Global { output, ..Global::default() };
        let typed = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
        let arguments = std::iter::once("voyager".to_owned()).chain(typed).collect();
        Self { arguments, environment, screen: Rc::new(screen), global }
    }

    /// The same session with the options as they were really parsed.
    pub fn with(&self, global: Global) -> Self {
        Self { global, ..self.clone() }
    }

    /// The same session for one of several clusters, as if its plan alone had been named.
    pub fn of_cluster(&self, cluster: &str, plan: &Path) -> Self {
        let mut arguments = Vec::new();
        let mut words = self.arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--plan" => drop(words.next()),
                word if word.starts_with("--plan=") => {}
                word => arguments.push(word.to_owned()),
            }
        }
        arguments.extend(["--plan".to_owned(), plan.display().to_string()]);
        Self { arguments, screen: Rc::new(self.screen.labelled(cluster)), ..self.clone() }
    }

    pub fn json(&self) -> bool {
        self.global.output == Output::Json
    }

    /// The runtime of uploads, digests and the simulated site; steps run on the caller's own task.
    pub fn runtime(&self) -> Result<tokio::runtime::Runtime> {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(Kind::Local, message("cli.runtime.doing", &[])).because(&error))
    }

    /// Prints a value of ours as one line of JSON.
    pub fn print_json(&self, value: &impl Serialize) {
        self.screen.record(value);
    }

    /// Tells a failure: to the operator on standard error, and as a record where JSON is wanted.
    pub fn tell(&self, failure: &Failure) {
        if self.json() {
            self.print_json(&FailureRecord { schema: "1.0", exit_code: failure.kind.exit_code(), failure });
        }
        for line in ui::failure::lines(failure, &self.screen) {
            self.screen.aside(&line);
        }
    }
}

/// The value of `--option V` or `--option=V`, before a lone `--`.
fn early_value(arguments: &[OsString], option: &str) -> Option<String> {
    let mut arguments =
        arguments.iter().filter_map(|argument| argument.to_str()).take_while(|&argument| argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == option {
            return arguments.next().map(str::to_owned);
        }
        if let Some(value) = argument.strip_prefix(option).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value.to_owned());
        }
    }
    None
}
