//! What the operator asked of the engine: stages, decisions, steps to redo.

use std::path::PathBuf;

use super::RunOptions;
use crate::{
    cli::usage,
    engine::{
        CrashPlan, CrashPoint, Options, Selection, Settle, Stage, event::PlanIdentity, settle::Decision,
    },
    failure::Result,
    messages::message,
    stages::world::World,
    text::Text,
};

/// Parsed, and every name known.
pub struct Asked {
    pub selection: Selection,
    pub settle: Vec<Settle>,
    pub redo: Vec<String>,
    crash: Option<(String, CrashPoint)>,
    in_order: bool,
}

impl Asked {
    /// # Errors
    /// A usage failure that names the option, for a stage, a step or a form that does not exist.
    pub fn parse(options: &RunOptions, stages: &[Stage<World>]) -> Result<Self> {
        let stage = |option: &'static str| {
            move |name: &String| match find(stages, name) {
                Some(_) => Ok(name.clone()),
                None => Err(usage::wrong_value(option, name, known_stages(stages))),
            }
        };
        let selection = if !options.stage.is_empty() {
            Selection::Stages(options.stage.iter().map(stage("--stage")).collect::<Result<_>>()?)
        } else if options.from.is_some() || options.to.is_some() {
            let from = options.from.as_ref().map(stage("--from")).transpose()?;
            let to = options.to.as_ref().map(stage("--to")).transpose()?;
            Selection::Range(from, to)
        } else {
            Selection::All
        };
        // Before anything is begun for it.
        selection.resolve(stages)?;
        let settle = options.settle.iter().map(|text| settle(text, stages)).collect::<Result<_>>()?;
        let redo = options.redo.iter().map(|name| step("--redo", name, stages)).collect::<Result<_>>()?;
        let crash = options.crash_at.as_ref().map(|text| crash(text, stages)).transpose()?;
        Ok(Self { selection, settle, redo, crash, in_order: options.in_order })
    }

    /// The numbers of the stages named by `--stage`, for the plan's rules.
    pub fn stage_numbers(&self, stages: &[Stage<World>]) -> Vec<u8> {
        let Selection::Stages(names) = &self.selection else { return Vec::new() };
        names.iter().filter_map(|name| find(stages, name)).map(|stage| stage.manifest.number).collect()
    }

    /// The engine's options.
    ///
    /// # Errors
    /// A usage failure when the process is to be killed at a real site.
    pub fn options(
        self,
        simulated: bool,
        run_folder: Option<PathBuf>,
        plan: Option<PlanIdentity>,
    ) -> Result<Options> {
        let crash = match self.crash {
            None => CrashPlan::none(),
            Some((step, point)) if simulated => CrashPlan::kill_at(step, point),
            Some((step, _)) => {
                return Err(usage::wrong_value("--crash-at", &step, message("cli.run.crash-real", &[])));
            }
        };
        let Self { selection, settle, redo, in_order, .. } = self;
        // A real site is never made to wait without need.
        let in_order = in_order && simulated;
        Ok(Options {
            selection,
            settle,
            redo,
            simulated,
            run_folder,
            plan,
            crash,
            in_order,
            ..Options::default()
        })
    }
}

/// By number (`3`, `03`) or id.
fn find<'a>(stages: &'a [Stage<World>], name: &str) -> Option<&'a Stage<World>> {
    let number: Option<u8> = name.parse().ok();
    stages.iter().find(|stage| stage.manifest.id == name || Some(stage.manifest.number) == number)
}

fn known_stages(stages: &[Stage<World>]) -> Text {
    let known: Vec<String> =
        stages.iter().map(|stage| format!("{:02} {}", stage.manifest.number, stage.manifest.id)).collect();
    message("cli.usage.allowed", &[("values", &known.join(", "))])
}

/// A step by its full id.
fn step(option: &str, name: &str, stages: &[Stage<World>]) -> Result<String> {
    let known = name.split_once('.').is_some_and(|(stage, step)| {
        let stage = stages.iter().find(|known| known.manifest.id == stage);
        stage.is_some_and(|stage| stage.manifest.steps.iter().any(|known| known.id == step))
    });
    if known {
        Ok(name.to_owned())
    } else {
        Err(usage::wrong_value(option, name, message("cli.run.no-step", &[])))
    }
}

/// `STEP=done`, `STEP=done:fact` or `STEP=absent`.
fn settle(text: &str, stages: &[Stage<World>]) -> Result<Settle> {
    let wrong = || usage::wrong_value("--settle", text, message("cli.run.settle-form", &[]));
    let (name, word) = text.split_once('=').ok_or_else(wrong)?;
    let decision = match word.split_once(':') {
        None if word == "done" => Decision::Done(None),
        None if word == "absent" => Decision::Absent,
        Some(("done", fact)) if !fact.is_empty() => Decision::Done(Some(fact.to_owned())),
        _ => return Err(wrong()),
    };
    Ok(Settle { step: step("--settle", name, stages)?, decision })
}

fn crash(text: &str, stages: &[Stage<World>]) -> Result<(String, CrashPoint)> {
    let points: Vec<&str> = CrashPoint::ALL.into_iter().map(CrashPoint::name).collect();
    let wrong = || {
        usage::wrong_value(
            "--crash-at",
            text,
            message("cli.usage.allowed", &[("values", &points.join(", "))]),
        )
    };
    let (name, point) = text.rsplit_once(':').ok_or_else(wrong)?;
    let point = point.parse().map_err(|()| wrong())?;
    Ok((step("--crash-at", name, stages)?, point))
}
