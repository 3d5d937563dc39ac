//! `deploy-backup.running`: the service runs *and* its installation task has ended well (api-applications §3.6).

use super::{
    SERVICE, not_planned,
    service::{EARLIER, failed, installation},
};
use crate::{
    clients::tower::{DescribedTask, RunningService, ServiceStatus, TaskState, TowerReader},
    engine::{Fact, Facts, WaitProbe, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{facts::reason, world::WorldRead},
    text::Say,
};

/// Id of the service whose task was seen to end well: CloudTower forgets old tasks.
const RUNNING: Fact<String> = Fact::new("backup_running");

/// The step that makes the service.
const MADE_BY: &str = "deploy-backup.service";

/// The service, and the newest task of its installation.
type Seen = (Option<RunningService>, Option<DescribedTask>);

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<WaitProbe> {
    if world.plan.backup.ip.is_none() {
        return Ok(WaitProbe::NotNeeded(not_planned()));
    }
    let id = handle.need(&SERVICE)?;
    let name = &world.services.backup.service_name;
    match look(&world.tower(handle), handle.fact(&EARLIER), &id, name).await {
        Ok(seen) => judge(handle, &id, name, seen),
        // CloudTower is away for the moment.
        Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
            Ok(WaitProbe::NotYet(reason(&failure)))
        }
        Err(failure) => Err(failure),
    }
}

/// `earlier` are the tasks of that description that were there before ours; `None`: the service is not of our making.
async fn look(tower: &TowerReader, earlier: Option<Vec<String>>, id: &str, name: &str) -> Result<Seen> {
    // The task first: an installation that fails between the two looks is then told by the service, whose status has
    // the better words; the other way round it was told by the task or by the service, as it happened.
    let listed = tower.tasks_described(&[&installation(name)], None).await?;
    let service = tower.backup_service(id).await?;
    let application = service.as_ref().and_then(|service| service.application.as_ref());
    let task = listed.into_iter().find(|task| match (&task.resource_id, application) {
        // One of another service of that name has another application.
        (Some(resource), Some(application)) => *resource == application.id,
        _ => earlier.as_ref().is_some_and(|earlier| !earlier.contains(&task.id)),
    });
    Ok((service, task))
}

fn judge(handle: &Handle, id: &str, name: &str, (service, task): Seen) -> Result<WaitProbe> {
    let Some(service) = service else {
        return Ok(WaitProbe::NotYet(message("stages.backup.unlisted", &[("name", &name)])));
    };
    if matches!(service.status, ServiceStatus::Bad(_)) {
        return Err(failed(handle, name, &service.status));
    }
    let waiting = match task.map(|task| (task.id, task.state)) {
        Some((task, TaskState::Failed(words))) => {
            return Err(Failure::new(Kind::Site, handle.manifest().title.clone())
                .at(format_args!("task {task}"))
                .answer(words)
                .meaning(message("stages.backup.failed", &[("name", &name)]))
                .advise(message("stages.backup.failed_advice", &[("name", &name)])));
        }
        Some((_, TaskState::Done)) => None,
        Some((_, TaskState::Running(state))) => Some(message("stages.backup.task", &[("state", &state)])),
        // Of a service that we did not make, or have seen to the end before, there need be no task any more.
        None | Some((_, TaskState::Unlisted)) => {
            let known = handle.fact(&RUNNING).as_deref() == Some(id) || !handle.acted(MADE_BY);
            (!known).then(|| message("stages.backup.no_task", &[]))
        }
    };
    if service.status != ServiceStatus::Running {
        let args: [(&str, &dyn Say); 2] = [("name", &name), ("status", &service.status)];
        return Ok(WaitProbe::NotYet(message("stages.backup.installing", &args)));
    }
    Ok(match waiting {
        Some(why) => WaitProbe::NotYet(why),
        None => WaitProbe::Ready(Facts::none().with(&RUNNING, &id.to_owned())),
    })
}
