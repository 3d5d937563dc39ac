//! The two tasks that take a package in: recognised by their descriptions, followed to their end
//! (api-applications §2.5).

use std::{cell::Cell, time::Duration};

use serde::{Deserialize, Serialize};

use super::media;
use crate::{
    clients::tower::{DescribedTask, TaskState, TowerReader},
    engine::{Fact, Facts, WaitProbe, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{facts::reason, media::MediaFile, world::WorldRead},
};

/// A package that was, or is being, handed over.
pub const COMMIT: Fact<Commit> = Fact::new("observability_commit");

/// A commit whose answer was lost shows by its first task, or did not happen: so long, and in so many looks.
const UNSEEN: Duration = Duration::from_secs(60);
const UNSEEN_LOOKS: u32 = 5;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Descriptions: of taking the file, and of making a package of it.
    taking: String,
    making: String,
    /// The newest task before, by the server's clock; tasks of the same description that were there already.
    since: Option<String>,
    before: Vec<String>,
    /// Whether CloudTower said that it has it.
    answered: bool,
}

impl Commit {
    /// What is to be watched once `file` is handed over.
    pub async fn about(file: &MediaFile, tower: &TowerReader) -> Result<Self> {
        let arch = file.arch.to_uppercase();
        let making =
            format!("Create Application package observability-{arch}-{}.tar.gz", media::server_version(file));
        let taking = format!("Create Installation package {}", file.name);
        let since = tower.newest_task_time().await?;
        let known = tower.tasks_described(&[&taking, &making], None).await?;
        let before = known.into_iter().map(|task| task.id).collect();
        Ok(Self { taking, making, since, before, answered: false })
    }

    /// CloudTower has said that it has the package.
    pub fn answered(self) -> Self {
        Self { answered: true, ..self }
    }
}

/// Waits for both. A commit that never arrived leaves nothing to wait for: the probe decides.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    let Some(commit) = handle.remembered(&COMMIT) else { return Ok(()) };
    let tower = world.tower(handle);
    let start = handle.clock().elapsed();
    let looks = Cell::new(0);
    let look = async || {
        let listed = tower.tasks_described(&[&commit.taking, &commit.making], commit.since.as_deref()).await;
        match listed {
            Ok(mut tasks) => {
                looks.set(looks.get() + 1);
                tasks.retain(|task| !commit.before.contains(&task.id));
                let patient = looks.get() < UNSEEN_LOOKS || handle.clock().elapsed() < start + UNSEEN;
                judge(handle, &commit, &tasks, patient)
            }
            // CloudTower restarts while tasks go on: a look that failed says nothing about them.
            Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
                Ok(WaitProbe::NotYet(reason(&failure)))
            }
            Err(failure) => Err(failure),
        }
    };
    handle.poll(look).await.map(drop)
}

fn judge(handle: &Handle, commit: &Commit, tasks: &[DescribedTask], patient: bool) -> Result<WaitProbe> {
    let named = |description: &str| tasks.iter().find(|task| task.description == description);
    let (taking, making) = (named(&commit.taking), named(&commit.making));
    for task in [taking, making].into_iter().flatten() {
        if let TaskState::Failed(words) = &task.state {
            // It is over: the next attempt sends the package anew.
            handle.forget_remembered()?;
            return Err(Failure::new(Kind::Site, handle.manifest().title.clone())
                .at(format_args!("task {}", task.id))
                .answer(words.clone())
                .meaning(message("stages.observability.task_failed", &[("task", &task.description)]))
                .advise(message("stages.observability.task_advice", &[])));
        }
    }
    let done = |task: Option<&DescribedTask>| task.is_some_and(|task| task.state == TaskState::Done);
    if done(taking) && done(making) {
        return Ok(WaitProbe::Ready(Facts::none()));
    }
    if taking.is_none() && making.is_none() && !commit.answered && !patient {
        return Ok(WaitProbe::Ready(Facts::none()));
    }
    // The second begins minutes after the first; the first one's share of work done means nothing.
    let (task, state) = match (taking, making) {
        (_, Some(making)) if !done(Some(making)) => (&commit.making, state(making)),
        (Some(taking), _) if !done(Some(taking)) => (&commit.taking, state(taking)),
        (Some(_), None) => (&commit.making, "-".to_owned()),
        _ => (&commit.taking, "-".to_owned()),
    };
    Ok(WaitProbe::NotYet(message("stages.task.running", &[("task", task), ("state", &state)])))
}

fn state(task: &DescribedTask) -> String {
    match &task.state {
        TaskState::Running(state) => state.clone(),
        other => format!("{other:?}"),
    }
}
