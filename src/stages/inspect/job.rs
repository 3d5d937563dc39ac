//! `inspect.job`: one inspection of the cluster, begun and followed to its end (api-inspection §§2, 3.1, 3.2).

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{failed, items::Items, report::kept};
use crate::{
    clients::{
        inspector::{Begun, JobState, LocalId, NewJob},
        tower::{ConnectState, Find},
    },
    engine::{ChangeProbe, Fact, Facts, WaitProbe, World as _, handle::Handle},
    failure::{Kind, Result},
    messages::message,
    stages::{
        facts::{CLUSTER, reason},
        world::{World, WorldRead},
    },
    text::Text,
};

/// The newest inspection that ended.
pub const JOB: Fact<Job> = Fact::new("inspection_job");

/// The one that the act began, and how it ended.
const BEGUN: Fact<Started> = Fact::new("inspection_begun");
const ENDED: Fact<Ended> = Fact::new("inspection_ended");

/// An inspection that ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub id: String,
    /// The inspection centre's name for the cluster.
    pub cluster: LocalId,
    /// How many items were asked for, and those that the inspection centre does not know.
    pub requested: usize,
    pub dropped: Vec<String>,
    #[serde(flatten)]
    pub ended: Ended,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Started {
    id: String,
    cluster: LocalId,
    requested: usize,
    dropped: Vec<String>,
    at: Timestamp,
}

/// How an inspection ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ended {
    /// Site time.
    pub seconds: u64,
    /// The inspection centre says that it did only a part.
    pub partly: bool,
    /// Nothing told its end: it was given the time that one takes (§3.2).
    pub blind: bool,
}

/// An inspection centre that does not answer may still be starting (§6).
const PATIENCE: Duration = Duration::from_secs(300);

/// After so long, and so many looks, without a state the site does not tell one (§3.2).
const MUTE: Duration = Duration::from_secs(120);
const MUTE_LOOKS: u32 = 5;

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if !world.inspection.enabled {
        return Ok(ChangeProbe::NotNeeded(message("stages.inspect.off", &[])));
    }
    let done = |job: &Job| ChangeProbe::Done(Facts::none().with(&JOB, job));
    if let Some(Started { id, cluster, requested, dropped, .. }) = handle.remembered(&BEGUN) {
        return Ok(match handle.remembered(&ENDED) {
            Some(ended) => done(&Job { id, cluster, requested, dropped, ended }),
            None => ChangeProbe::Unknown(message("stages.inspect.under_way", &[("job", &id)])),
        });
    }
    if handle.anew() || handle.begun() {
        return Ok(ChangeProbe::Absent);
    }
    let Some(job) = handle.fact(&JOB) else { return Ok(ChangeProbe::Absent) };
    if kept(world, handle)?.is_some_and(|report| report.job_id == job.id) {
        return Ok(done(&job));
    }
    Ok(match world.inspector(handle).job(&job.id).await? {
        JobState::Failed(_) => ChangeProbe::Absent,
        // Where looks were answered before, it is this job that is gone.
        JobState::Hidden(_) if !job.ended.blind => ChangeProbe::Absent,
        _ => done(&job),
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let settings = &world.read().inspection;
    let cluster = local_id(world.read(), handle).await?;
    let items = Items::load()?.job_items;
    let new = NewJob { version: &settings.version, cluster: &cluster, items: &items };
    let inspector = world.inspector(handle);
    let newest = RefCell::new(Ok(Begun::Absent(Text::same(""))));
    let look = async || {
        let answer = inspector.start_job(new).await;
        let waiting = match &answer {
            Ok(Begun::Absent(words)) => Some(words.clone()),
            Ok(Begun::Unsent(failure)) => Some(reason(failure)),
            // A lost answer too: the engine asks again, and not without end.
            Ok(Begun::Job { .. }) | Err(_) => None,
        };
        *newest.borrow_mut() = answer;
        // A run that is to stop does not wait for it.
        Ok(match waiting.filter(|_| !handle.cancelled()) {
            Some(why) => WaitProbe::NotYet(why),
            None => WaitProbe::Ready(Facts::none()),
        })
    };
    match handle.poll_for(PATIENCE, look).await {
        Err(failure) if failure.kind != Kind::TimedOut => return Err(failure),
        _ => {}
    }
    let (id, dropped) = match newest.into_inner()? {
        Begun::Job { id, dropped } => (id, dropped),
        Begun::Unsent(failure) => return Err(failure),
        Begun::Absent(words) => {
            return Err(failed(handle, world.plan().cloudtower.ip.value)
                .answer(words)
                .meaning(message("stages.inspect.absent", &[]))
                .advise(message("stages.inspect.absent_advice", &[])));
        }
    };
    if !dropped.is_empty() {
        let args: [(&str, &dyn crate::text::Say); 2] =
            [("count", &dropped.len()), ("items", &dropped.join(", "))];
        handle.warn(message("stages.inspect.dropped", &args));
    }
    let at = handle.clock().now();
    handle.remember(&BEGUN, &Started { id, cluster, requested: items.len(), dropped, at })
}

/// The cluster's name for the inspection centre: the UUID of its licence, never CloudTower's own id (§2).
async fn local_id(world: &WorldRead, handle: &Handle) -> Result<LocalId> {
    let id = handle.need(&CLUSTER)?;
    let name = &world.plan.cluster.name.value;
    let found = world.tower(handle).clusters(Find::Id(&id)).await?;
    let Some(cluster) = found.into_iter().next() else {
        return Err(failed(handle, name).meaning(message("stages.inspect.no_cluster", &[("cluster", name)])));
    };
    if cluster.connect_state != ConnectState::Connected {
        return Err(failed(handle, name)
            .answer(Text::same(cluster.connect_state.to_string()))
            .meaning(message("stages.inspect.not_connected", &[("cluster", name)])));
    }
    let told = cluster.local_id.or(cluster.license_serial);
    told.as_deref().and_then(LocalId::parse).ok_or_else(|| {
        failed(handle, name)
            .answer(Text::same(told.clone().unwrap_or_default()))
            .meaning(message("stages.inspect.no_local_id", &[("cluster", name)]))
    })
}

/// Waits for the end of the remembered inspection, in whatever words the site tells it.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    let Some(begun) = handle.remembered(&BEGUN).filter(|_| handle.remembered(&ENDED).is_none()) else {
        return Ok(());
    };
    let inspector = world.inspector(handle);
    let since = handle.clock().elapsed();
    let passed = |time| handle.clock().elapsed() >= since + time;
    let (blind, mute_looks, partly) = (Cell::new(false), Cell::new(0), Cell::new(false));
    let look = async || {
        if blind.get() {
            let told = message("stages.inspect.blind", &[("job", &begun.id)]);
            let over = passed(world.inspection.blind_wait);
            return Ok(if over { WaitProbe::Ready(Facts::none()) } else { WaitProbe::NotYet(told) });
        }
        let state = match inspector.job(&begun.id).await {
            Ok(state) => state,
            // CloudTower restarts while inspections go on: a look that failed says nothing about them.
            Err(failure) if matches!(failure.kind, Kind::Site | Kind::TimedOut) => {
                return Ok(WaitProbe::NotYet(reason(&failure)));
            }
            Err(failure) => return Err(failure),
        };
        match state {
            JobState::Done { partly: told } => {
                partly.set(told);
                return Ok(WaitProbe::Ready(Facts::none()));
            }
            JobState::Failed(words) => {
                // It is over: the next attempt begins another one.
                handle.forget_remembered()?;
                return Err(failed(handle, format_args!("job {}", begun.id))
                    .answer(Text::same(words))
                    .meaning(message("stages.inspect.failed", &[]))
                    .advise(message("stages.inspect.failed_advice", &[])));
            }
            JobState::Running(words) => return Ok(WaitProbe::NotYet(running(&begun.id, &words))),
            JobState::Hidden(_) => blind.set(true),
            JobState::Mute => {
                mute_looks.set(mute_looks.get() + 1);
                blind.set(mute_looks.get() >= MUTE_LOOKS && passed(MUTE));
            }
        }
        Ok(WaitProbe::NotYet(running(&begun.id, "-")))
    };
    handle.poll(look).await.map_err(|failure| match failure.kind {
        Kind::TimedOut => failure
            .at(format_args!("job {}", begun.id))
            .advise(message("stages.inspect.console", &[("job", &begun.id)])),
        _ => failure,
    })?;
    if partly.get() {
        handle.warn(message("stages.inspect.partly", &[("job", &begun.id)]));
    }
    // In a rehearsal the wall clock knows nothing of the site's time.
    let seconds = if handle.clock().rehearses() {
        handle.clock().elapsed().saturating_sub(since).as_secs()
    } else {
        u64::try_from(handle.clock().now().duration_since(begun.at).as_secs()).unwrap_or(0)
    };
    handle.remember(&ENDED, &Ended { seconds, partly: partly.get(), blind: blind.get() })
}

fn running(job: &str, state: &str) -> Text {
    message("stages.inspect.running", &[("job", &job), ("state", &state)])
}
