//! `deploy-observability.running`: installed *and* its VM running (api-applications §2.7, D13). Its health comes a
//! little later, and is worth a warning only.

use std::time::Duration;

use super::found::{Found, find, planned};
use crate::{
    clients::tower::{Instance, TaskState},
    engine::{Facts, WaitProbe, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{facts::reason, world::WorldRead},
    text::Text,
};

/// How long its health may take after that, in site time (api-applications §2.7).
const HEALTH: Duration = Duration::from_secs(300);
const HEALTHY: &str = "NORMAL";

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<WaitProbe> {
    if let Err(why) = planned(&world.plan) {
        return Ok(WaitProbe::NotNeeded(why));
    }
    let instance = match look(world, handle).await? {
        Ok(instance) => instance,
        Err(why) => return Ok(WaitProbe::NotYet(why)),
    };
    if instance.has_failed() {
        return Err(failed(world, handle, &instance).await);
    }
    if !instance.is_ready() {
        return Ok(WaitProbe::NotYet(state(&instance)));
    }
    if instance.health_status != HEALTHY {
        if handle.still_within(HEALTH) {
            return Ok(WaitProbe::NotYet(health(&instance)));
        }
        handle.warn(message("stages.observability.unhealthy", &[]));
    }
    Ok(WaitProbe::Ready(Facts::none()))
}

/// Ours as it is now, or why it cannot be seen at the moment.
async fn look(world: &WorldRead, handle: &Handle) -> Result<Result<Instance, Text>> {
    let all = match world.tower(handle).observability().await {
        Ok(all) => all,
        Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
            return Ok(Err(reason(&failure)));
        }
        Err(failure) => return Err(failure),
    };
    match find(&world.plan, handle, &all) {
        Found::Ours(instance) => Ok(Ok(*instance)),
        Found::Nothing => Ok(Err(message("stages.observability.not_listed", &[]))),
        Found::Other(conflict) => {
            Err(Failure::new(Kind::Site, handle.manifest().title.clone()).meaning(conflict))
        }
    }
}

/// Waits for its health; a warning where it does not come.
pub async fn healthy(world: &WorldRead, handle: &Handle, limit: Duration) -> Result<()> {
    let look = async || {
        Ok(match look(world, handle).await? {
            Ok(instance) if instance.health_status == HEALTHY => WaitProbe::Ready(Facts::none()),
            Ok(instance) => WaitProbe::NotYet(health(&instance)),
            Err(why) => WaitProbe::NotYet(why),
        })
    };
    match handle.poll_for(limit, look).await {
        Err(failure) if failure.kind == Kind::TimedOut => {
            handle.warn(message("stages.observability.unhealthy", &[]));
            Ok(())
        }
        end => end.map(drop),
    }
}

fn health(instance: &Instance) -> Text {
    message("stages.observability.health", &[("state", &shown(&instance.health_status))])
}

/// `INSTALLING, VM -`
fn state(instance: &Instance) -> Text {
    let vms = instance.vms().map(|vm| vm.status.as_str()).collect::<Vec<_>>().join(", ");
    let args: [(&str, &dyn crate::text::Say); 2] =
        [("status", &shown(&instance.status)), ("vms", &shown(&vms))];
    message("stages.observability.state", &args)
}

fn shown(status: &str) -> &str {
    if status.is_empty() { "-" } else { status }
}

/// Its own code, and what the task that installed it has to say where there is one.
async fn failed(world: &WorldRead, handle: &Handle, instance: &Instance) -> Box<Failure> {
    let mut words = vec![instance.status.clone()];
    words.extend(instance.error_code.clone());
    let mut told = Text::same(words.join(": "));
    let description = format!("Install Application observability-{}", instance.name);
    // A name by analogy: no task of that name is no news.
    let tasks = world.tower(handle).tasks_described(&[&description], None).await.unwrap_or_default();
    if let Some(TaskState::Failed(cause)) = tasks.first().map(|task| &task.state) {
        told = Text::new(format!("{}: {}", told.zh, cause.zh), format!("{}: {}", told.en, cause.en));
    }
    Failure::new(Kind::Site, handle.manifest().title.clone())
        .at(format_args!("{} {}", instance.name, instance.ip()))
        .answer(told)
        .meaning(message("stages.observability.failed", &[]))
        .advise(message("stages.observability.failed_advice", &[("name", &instance.name)]))
}
