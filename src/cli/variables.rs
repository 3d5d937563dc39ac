//! `VOYAGER_*` variables: what each replaces in the configuration, and a refusal of those that nothing reads.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::session::Environment;
use crate::{
    embed,
    failure::{Failure, Kind, Result},
    messages::message,
    stages::registry,
    text::Text,
};

const PREFIX: &str = "VOYAGER_";

/// The table whose keys are steps; each has a variable although the defaults hold none of them.
const STEP_LIMITS: &str = "step_timeout";

/// `limits.first_byte` is also `VOYAGER_LIMITS_FIRST_BYTE`.
fn name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace(['.', '-'], "_").to_uppercase())
}

/// Refuses a variable that looks like ours and that nothing reads: a misspelt one would be ignored in silence.
///
/// # Errors
/// [`Kind::Usage`], naming it.
pub fn check(environment: &Environment, command: &clap::Command) -> Result<()> {
    let mut known = BTreeSet::new();
    of_options(command, &mut known);
    of_configuration(&defaults()?, "", &mut known);
    known.extend(step_keys()?.iter().map(|step| name(&format!("{STEP_LIMITS}.{step}"))));
    let mut ours = environment.variables.keys().filter(|variable| variable.starts_with(PREFIX));
    match ours.find(|variable| !known.contains(*variable)) {
        Some(unknown) => Err(refused(unknown, message("cli.config.unknown-variable", &[("name", unknown)]))),
        None => Ok(()),
    }
}

/// Overlays the configuration by the variables that are set.
///
/// # Errors
/// [`Kind::Usage`]: a value is not of its key's type.
pub fn overlay(base: &mut Table, environment: &Environment) -> Result<()> {
    for step in step_keys()? {
        let key = format!("{STEP_LIMITS}.{step}");
        if let (Some(text), Some(Value::Table(limits))) =
            (environment.get(&name(&key)), base.get_mut(STEP_LIMITS))
        {
            limits.insert(step, Value::String(text.to_owned()));
        }
    }
    overlay_keys(base, "", &|name| environment.get(name).map(str::to_owned))
}

fn overlay_keys(base: &mut Table, prefix: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<()> {
    for (own, value) in base.iter_mut() {
        let key = format!("{prefix}{own}");
        if let Value::Table(inner) = value {
            overlay_keys(inner, &format!("{key}."), variable)?;
            continue;
        }
        let name = name(&key);
        if let Some(text) = variable(&name) {
            *value = parsed(value, &text)
                .ok_or_else(|| refused(&name, message("cli.config.value", &[("key", &key)])))?;
        }
    }
    Ok(())
}

/// The text of a variable as a value of the same type as `like`; lists are separated by commas.
fn parsed(like: &Value, text: &str) -> Option<Value> {
    Some(match like {
        Value::String(_) => Value::String(text.to_owned()),
        Value::Integer(_) => Value::Integer(text.parse().ok()?),
        Value::Float(_) => Value::Float(text.parse().ok()?),
        Value::Boolean(_) => Value::Boolean(text.parse().ok()?),
        Value::Array(_) => {
            Value::Array(text.split(',').map(|item| Value::String(item.trim().to_owned())).collect())
        }
        Value::Datetime(_) | Value::Table(_) => return None,
    })
}

fn of_options(command: &clap::Command, known: &mut BTreeSet<String>) {
    let variables = command.get_arguments().filter_map(|option| option.get_env());
    known.extend(variables.map(|name| name.to_string_lossy().into_owned()));
    command.get_subcommands().for_each(|command| of_options(command, known));
}

fn of_configuration(table: &Table, prefix: &str, known: &mut BTreeSet<String>) {
    for (own, value) in table {
        let key = format!("{prefix}{own}");
        match value {
            Value::Table(inner) => of_configuration(inner, &format!("{key}."), known),
            _ => drop(known.insert(name(&key))),
        }
    }
}

/// Every step of the runbook, `stage.step`.
fn step_keys() -> Result<Vec<String>> {
    let ids = |stage: crate::engine::StageManifest| {
        stage.steps.into_iter().map(move |step| format!("{}.{}", stage.id, step.id))
    };
    Ok(registry::manifests()?.into_iter().flat_map(ids).collect())
}

/// `examples/voyager.toml`.
///
/// # Errors
/// [`Kind::Bug`]: it is compiled in and does not parse.
pub fn defaults() -> Result<Table> {
    let doing = || message("cli.config.doing", &[]);
    embed::CONFIG
        .parse()
        .map_err(|error| Failure::new(Kind::Bug, doing()).at("examples/voyager.toml").because(&error))
}

/// A setting that cannot be used, by a variable or by the file: where it stands and what is wrong with it.
pub fn refused(place: &str, answer: Text) -> Box<Failure> {
    Failure::new(Kind::Usage, message("cli.config.doing", &[]))
        .at(place)
        .answer(answer)
        .advise(message("cli.config.advice", &[]))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::arguments::Arguments;

    fn with(name: &str, value: &str) -> Environment {
        Environment { variables: [(name.to_owned(), value.to_owned())].into() }
    }

    #[test]
    fn a_variable_replaces_the_key_it_is_named_after_steps_too() {
        let mut table = defaults().expect("they parse");
        overlay(&mut table, &with("VOYAGER_LIMITS_FIRST_BYTE", "7s")).expect("valid");
        overlay(&mut table, &with("VOYAGER_STEP_TIMEOUT_INIT_CLUSTER_DEPLOY", "80m")).expect("valid");
        assert_eq!(table["limits"]["first_byte"].as_str(), Some("7s"));
        assert_eq!(table["step_timeout"]["init-cluster.deploy"].as_str(), Some("80m"));
    }

    #[test]
    fn only_variables_that_something_reads_are_let_pass() {
        let refusal = |name| check(&with(name, "x"), &Arguments::command()).err();
        for known in [
            "VOYAGER_PLAN",
            "VOYAGER_LANG",
            "VOYAGER_LIMITS_CALL",
            "VOYAGER_STEP_TIMEOUT_PREPARE_SITE",
            "HOME",
        ] {
            assert!(refusal(known).is_none(), "{known}");
        }
        let failure = refusal("VOYAGER_LIMITS_CAL").expect("misspelt");
        assert_eq!(failure.kind, Kind::Usage);
        assert!(failure.answer.is_some_and(|answer| answer.en.contains("VOYAGER_LIMITS_CAL")));
    }
}
