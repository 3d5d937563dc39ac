//! Tasks of CloudTower: followed to their end, also by a resumed run (api-cloudtower §1.5).

use std::{cell::Cell, time::Duration};

use crate::{
    clients::tower::{Begun, TaskState},
    engine::{Fact, Facts, WaitProbe, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::{lines, reason},
        world::WorldRead,
    },
    text::Text,
};

/// The tasks that the act began.
const TASKS: Fact<Vec<String>> = Fact::new("tasks");

/// A task may be missing from the list right after the call; one that stays so is over, and the object itself
/// must tell (site-behaviour §7.2). So long, and in so many looks: a fast rehearsal's minute is shorter than one.
const UNLISTED: Duration = Duration::from_secs(60);
const UNLISTED_LOOKS: u32 = 5;

/// Keeps what a call began.
pub fn remember(handle: &Handle, begun: &Begun) -> Result<()> {
    if begun.tasks.is_empty() { Ok(()) } else { handle.remember(&TASKS, &begun.tasks) }
}

/// Keeps and follows what a call began, in the middle of an act that needs its result.
pub async fn finish(world: &WorldRead, handle: &Handle, begun: &Begun) -> Result<()> {
    remember(handle, begun)?;
    follow(world, handle).await?;
    if begun.tasks.is_empty() { Ok(()) } else { handle.remember(&TASKS, &Vec::new()) }
}

/// Waits for the remembered tasks, if there are any. Whether their objects are there is for the probe to see.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    let ids = handle.remembered(&TASKS).unwrap_or_default();
    if ids.is_empty() {
        return Ok(());
    }
    let tower = world.tower(handle);
    let since = handle.clock().elapsed();
    let looks = Cell::new(0);
    let look = async || match tower.tasks(&ids).await {
        Ok(states) => {
            looks.set(looks.get() + 1);
            let patient = looks.get() < UNLISTED_LOOKS || handle.clock().elapsed() < since + UNLISTED;
            judge(handle, &ids, &states, patient)
        }
        // CloudTower restarts while tasks go on: a look that failed says nothing about them.
        Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
            Ok(WaitProbe::NotYet(reason(&failure)))
        }
        Err(failure) => Err(failure),
    };
    handle.poll(look).await.map(drop)
}

fn judge(handle: &Handle, ids: &[String], states: &[TaskState], patient: bool) -> Result<WaitProbe> {
    let running = states.iter().zip(ids).find_map(|(state, id)| match state {
        TaskState::Running(state) => Some(message("stages.task.running", &[("task", id), ("state", state)])),
        TaskState::Unlisted if patient => Some(message("stages.task.unlisted", &[("task", id)])),
        _ => None,
    });
    if let Some(running) = running {
        return Ok(WaitProbe::NotYet(running));
    }
    let failed: Vec<(&String, &Text)> = ids
        .iter()
        .zip(states)
        .filter_map(|(id, state)| match state {
            TaskState::Failed(words) => Some((id, words)),
            _ => None,
        })
        .collect();
    let Some((first, _)) = failed.first() else { return Ok(WaitProbe::Ready(Facts::none())) };
    // Failed tasks are over: the next attempt begins new ones.
    handle.forget_remembered()?;
    let words: Vec<Text> = failed.iter().map(|(_, words)| (*words).clone()).collect();
    Err(Failure::new(Kind::Site, handle.manifest().title.clone())
        .at(format_args!("task {first}"))
        .answer(lines(&words))
        .meaning(message("stages.task.failed", &[("failed", &failed.len()), ("total", &ids.len())]))
        .advise(message("stages.task.advice", &[])))
}
