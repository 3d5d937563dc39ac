//! Jobs of the cluster: followed to their end, also by a resumed run (api-fisheye §5).

use std::cell::Cell;

use crate::{
    clients::fisheye::{JobState, Started},
    engine::World as _,
    engine::{Fact, Facts, Sent, WaitProbe, handle::Handle},
    failure::{Effect, Failure, Kind, Result},
    messages::message,
    stages::{
        facts::reason,
        world::{World, WorldRead},
    },
};

/// The job that the act started.
pub const JOB: Fact<String> = Fact::new("job");

/// How a job ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    /// The cluster no longer knows it; only the object itself can tell.
    Gone,
}

/// Keeps the job that a call may have started.
pub fn remember(handle: &Handle, started: &Started) -> Result<()> {
    match &started.job_id {
        Some(job) => handle.remember(&JOB, job),
        None => Ok(()),
    }
}

/// Waits for the remembered job, if there is one. Whether its object is there is for the probe to see.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    match handle.remembered(&JOB) {
        Some(job) => end_of(&job, world, handle).await.map(drop),
        None => Ok(()),
    }
}

/// An idempotent write that starts a job: goes on with a remembered job, else sends and follows. A remembered job
/// that is gone proves nothing, so the write is sent once more.
pub async fn send<F>(world: &World, handle: &Handle, write: F) -> Result<Sent>
where
    F: AsyncFn() -> Result<Started>,
{
    if let Some(job) = handle.remembered(&JOB) {
        match end_of(&job, world.read(), handle).await {
            Ok(End::Done) => return Ok(Sent::Sent(Facts::none())),
            Ok(End::Gone) => handle.forget_remembered()?,
            Err(failure) => return Err(over(handle, failure)?),
        }
    }
    if let Some(job) = started(handle, &write).await? {
        match end_of(&job, world.read(), handle).await {
            Ok(End::Done | End::Gone) => {}
            Err(failure) => return Err(over(handle, failure)?),
        }
    }
    Ok(Sent::Sent(Facts::none()))
}

/// A job that failed, or never ended: the next run sends the same values again, which does no harm. Waiting for it
/// again in this run would only double the limit.
fn over(handle: &Handle, mut failure: Box<Failure>) -> Result<Box<Failure>> {
    handle.forget_remembered()?;
    failure.effect = Effect::None;
    Ok(failure)
}

async fn started<F>(handle: &Handle, write: &F) -> Result<Option<String>>
where
    F: AsyncFn() -> Result<Started>,
{
    let started = write().await?;
    remember(handle, &started)?;
    Ok(started.job_id)
}

async fn end_of(job: &str, world: &WorldRead, handle: &Handle) -> Result<End> {
    let cluster = world.cluster(handle);
    let end = Cell::new(End::Done);
    let look = async || match cluster.job(job).await {
        Ok(JobState::Done(_)) => Ok(WaitProbe::Ready(Facts::none())),
        Ok(JobState::Gone) => {
            end.set(End::Gone);
            Ok(WaitProbe::Ready(Facts::none()))
        }
        Ok(JobState::Running(seen)) => {
            let args: [(&str, &dyn crate::text::Say); 2] = [("job", &job), ("state", &seen.state)];
            Ok(WaitProbe::NotYet(message("stages.job.running", &args)))
        }
        Ok(JobState::Failed(words)) => {
            // A failed job is over: the next attempt starts a new one.
            handle.forget_remembered()?;
            Err(Failure::new(Kind::Site, handle.manifest().title.clone())
                .at(format_args!("job {job}"))
                .answer(words)
                .meaning(message("stages.job.failed", &[]))
                .advise(message("stages.job.advice", &[])))
        }
        // Services restart while jobs go on (§5): a look that failed says nothing about the job.
        Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
            Ok(WaitProbe::NotYet(reason(&failure)))
        }
        Err(failure) => Err(failure),
    };
    handle.poll(look).await?;
    Ok(end.get())
}
