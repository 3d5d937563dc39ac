//! `inspect.export`: the report of the inspection, requested and written (api-inspection §§3.3, 3.4).

use std::{cell::Cell, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    failed,
    items::Items,
    job::{JOB, Job},
    report::kept,
};
use crate::{
    clients::inspector::{ExportState, InspectorReader, NewReport, ReportName, Requested},
    engine::{ChangeProbe, Fact, Facts, WaitProbe, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::reason,
        world::{World, WorldRead},
    },
    text::Text,
};

/// The newest report that was written.
pub const EXPORT: Fact<Export> = Fact::new("inspection_export");

/// The one that the act requested, and whether it was seen to be written.
const REQUESTED: Fact<Export> = Fact::new("export_requested");
const WRITTEN: Fact<bool> = Fact::new("export_written");

/// A report by its name, and the inspection that it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    pub job: String,
    pub name: String,
}

impl Export {
    pub fn report_name(&self, handle: &Handle) -> Result<ReportName> {
        ReportName::parse(&self.name)
            .ok_or_else(|| failed(handle, &self.name).meaning(message("stages.inspect.odd_name", &[])))
    }
}

/// Half of the limit of §3.4 for a first report, half for the second one that a failed export is worth.
const FIRST: Duration = Duration::from_secs(300);

/// Looks in a row that may fail, or find nothing of that name (§3.4).
const DISTURBED: u32 = 10;

/// Where nothing tells that an inspection has ended, its report may be refused for a while (§3.2); and CloudTower may
/// be away for one.
const REFUSED_PAUSE: Duration = Duration::from_secs(15);
const REFUSED: Duration = Duration::from_secs(600);

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if !world.inspection.enabled {
        return Ok(ChangeProbe::NotNeeded(message("stages.inspect.off", &[])));
    }
    let Some(job) = handle.fact(&JOB) else { return Ok(ChangeProbe::Absent) };
    let done = |export: &Export| ChangeProbe::Done(Facts::none().with(&EXPORT, export));
    if let Some(requested) = requested(handle, &job) {
        return Ok(match handle.remembered(&WRITTEN) {
            Some(true) => done(&requested),
            _ => ChangeProbe::Unknown(message("stages.inspect.writing", &[("file", &requested.name)])),
        });
    }
    if handle.anew() || handle.begun() {
        return Ok(ChangeProbe::Absent);
    }
    let Some(export) = handle.fact(&EXPORT).filter(|export| export.job == job.id) else {
        return Ok(ChangeProbe::Absent);
    };
    if kept(world, handle)?.is_some_and(|report| report.job_id == job.id) {
        return Ok(done(&export));
    }
    Ok(match world.inspector(handle).export_state(&export.report_name(handle)?).await? {
        ExportState::Written => done(&export),
        _ => ChangeProbe::Absent,
    })
}

/// The report that this step requested, unless it is of another inspection.
fn requested(handle: &Handle, job: &Job) -> Option<Export> {
    handle.remembered(&REQUESTED).filter(|requested| requested.job == job.id)
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let job = handle.need(&JOB)?;
    let first = request(world, handle, &job).await?;
    let inspector = world.read().inspector(handle);
    match written(&inspector, handle, &first, FIRST).await {
        Ok(End::Written) => handle.remember(&WRITTEN, &true),
        Ok(End::Failed(words)) => {
            handle.note(message("stages.inspect.once_more", &[("words", &words)]));
            request(world, handle, &job).await.map(drop)
        }
        // Whatever it is, the follower will meet it too.
        Ok(End::Unknown | End::Stopped) | Err(_) => Ok(()),
    }
}

/// Has a report written, and remembers its name.
async fn request(world: &World, handle: &Handle, job: &Job) -> Result<ReportName> {
    let settings = &world.read().inspection;
    let mut items = Items::load()?.export_items;
    items.retain(|item| !job.dropped.contains(item));
    let new = NewReport {
        job: &job.id,
        cluster: &job.cluster,
        items: &items,
        format: &settings.format,
        months: settings.graph_duration_months,
    };
    let inspector = world.inspector(handle);
    let limit = handle.clock().limit(REFUSED);
    let over = || limit.passed(handle.clock()) || handle.cancelled();
    let (name, dropped) = loop {
        match inspector.request_report(new).await? {
            Requested::Named { name, dropped } => break (name, dropped),
            Requested::UnknownJob(words) => {
                return Err(failed(handle, format_args!("job {}", job.id))
                    .answer(words)
                    .meaning(message("stages.inspect.unknown_job", &[]))
                    .advise(message("stages.inspect.unknown_job_advice", &[])));
            }
            Requested::Refused(failure) if !job.ended.blind => return Err(refused(failure)),
            Requested::Refused(failure) if over() => return Err(refused(failure)),
            Requested::Away(failure) if over() => return Err(failure),
            Requested::Refused(failure) | Requested::Away(failure) => {
                handle.waits_for(reason(&failure));
                handle.clock().sleep(REFUSED_PAUSE).await;
            }
        }
    };
    if !dropped.is_empty() {
        let args: [(&str, &dyn crate::text::Say); 2] =
            [("count", &dropped.len()), ("items", &dropped.join(", "))];
        handle.warn(message("stages.inspect.dropped", &args));
    }
    handle.remember(&REQUESTED, &Export { job: job.id.clone(), name: name.asked().to_owned() })?;
    Ok(name)
}

fn refused(failure: Box<Failure>) -> Box<Failure> {
    if failure.meaning.is_some() {
        return failure;
    }
    failure.meaning(message("stages.inspect.refused", &[])).advise(message("stages.inspect.go_on", &[]))
}

/// How the writing of a report ended.
enum End {
    Written,
    Failed(Text),
    /// There is no report of that name.
    Unknown,
    /// The run is to stop.
    Stopped,
}

/// Waits until the report is written or never will be.
///
/// # Errors
/// The limit passed, or too many looks in a row were no use.
async fn written(
    inspector: &InspectorReader,
    handle: &Handle,
    name: &ReportName,
    limit: Duration,
) -> Result<End> {
    let (end, disturbed) = (Cell::new(None), Cell::new(0));
    let over = |how| {
        end.set(Some(how));
        Ok(WaitProbe::Ready(Facts::none()))
    };
    let look = async || {
        if handle.cancelled() {
            return over(End::Stopped);
        }
        let more = |told: Text| {
            disturbed.set(disturbed.get() + 1);
            WaitProbe::NotYet(told)
        };
        match inspector.export_state(name).await {
            Ok(ExportState::Written) => over(End::Written),
            Ok(ExportState::Failed(words)) => over(End::Failed(Text::same(words))),
            Ok(ExportState::Running(state)) => {
                disturbed.set(0);
                let args: [(&str, &dyn crate::text::Say); 2] = [("file", name), ("state", &state)];
                Ok(WaitProbe::NotYet(message("stages.inspect.exporting", &args)))
            }
            Ok(ExportState::Unknown) if disturbed.get() >= DISTURBED => over(End::Unknown),
            Ok(ExportState::Unknown) => Ok(more(message("stages.inspect.writing", &[("file", name)]))),
            Err(failure)
                if matches!(failure.kind, Kind::Site | Kind::TimedOut) && disturbed.get() < DISTURBED =>
            {
                Ok(more(reason(&failure)))
            }
            Err(failure) => Err(failure),
        }
    };
    handle.poll_for(limit, look).await?;
    Ok(end.take().unwrap_or(End::Stopped))
}

/// Waits for the remembered report.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    let Some(job) = handle.fact(&JOB) else { return Ok(()) };
    let Some(requested) = requested(handle, &job) else {
        // Of an inspection that another one has followed.
        return handle.forget_remembered();
    };
    if handle.remembered(&WRITTEN) == Some(true) {
        return Ok(());
    }
    let name = requested.report_name(handle)?;
    match written(&world.inspector(handle), handle, &name, handle.manifest().timeout).await {
        Ok(End::Written) => handle.remember(&WRITTEN, &true),
        Ok(End::Unknown) => handle.forget_remembered(),
        Ok(End::Failed(words)) => {
            // The next attempt requests another one.
            handle.forget_remembered()?;
            Err(failed(handle, &name)
                .answer(words)
                .meaning(message("stages.inspect.export_failed", &[("job", &job.id)]))
                .advise(message("stages.inspect.export_advice", &[])))
        }
        // The engine ends the wait of a run that is to stop before this is reached.
        Ok(End::Stopped) => Ok(()),
        Err(failure) if failure.kind == Kind::TimedOut => {
            Err(failure.at(&name).advise(message("stages.inspect.console", &[("job", &job.id)])))
        }
        Err(failure) => Err(failure),
    }
}
