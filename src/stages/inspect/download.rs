//! `inspect.download`: the report on this machine, whole, and fetched once (api-inspection §3.5).

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    export::EXPORT,
    failed,
    job::JOB,
    part::{Part, Whole},
    report::{REPORT, Report, kept},
};
use crate::{
    clients::inspector::Download,
    engine::{ChangeProbe, Fact, Facts, World as _, handle::Handle},
    failure::{Effect, Failure, Kind, Result},
    messages::message,
    stages::world::{World, WorldRead},
    text::Text,
};

/// What the act has put into its place.
pub(super) const KEPT: Fact<Report> = Fact::new("inspection_kept");

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if !world.inspection.enabled {
        return Ok(ChangeProbe::NotNeeded(message("stages.inspect.off", &[])));
    }
    let fetched = handle.remembered(&KEPT).is_some();
    let wanted = handle.fact(&JOB).map(|job| job.id);
    if (fetched || !handle.anew())
        && let Some(report) = kept(world, handle)?
        && wanted.is_none_or(|job| job == report.job_id)
    {
        return Ok(ChangeProbe::Done(Facts::none().with(&REPORT, &report)));
    }
    if places(world).is_none() {
        return Ok(ChangeProbe::NotNeeded(message("stages.inspect.nowhere", &[])));
    }
    Ok(ChangeProbe::Absent)
}

/// Where the part of a report lies, and where the report stays; `None` in a run that keeps nothing. Parts are no
/// files of a run: the next one goes on with them, and what a run left is sealed.
fn places(world: &WorldRead) -> Option<(PathBuf, PathBuf)> {
    let (site, run) = (world.site_folder.as_ref()?, world.run_folder()?);
    let chosen = &world.inspection.download_dir;
    Some(if chosen.as_os_str().is_empty() {
        (site.clone(), run.to_owned())
    } else {
        (chosen.clone(), chosen.clone())
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let read = world.read();
    let (job, export) = (handle.need(&JOB)?, handle.need(&EXPORT)?);
    let name = export.report_name(handle)?;
    let Some((parts, folder)) = places(read) else { return Ok(()) };
    let part = Part::of(&parts, name.file()).map_err(|error| local(&parts, &error))?;
    let file = part.open().map_err(|error| local(part.path(), &error))?;
    let download = Download {
        name: &name,
        part: file,
        validator: part.validator(),
        progress: &|done, whole| handle.transfer(name.file(), done, whole.unwrap_or(done)),
        remember: &|validator| part.keep_validator(validator).map_err(|error| local(part.path(), &error)),
    };
    read.inspector(handle).download(download).await.map_err(broken_off)?;
    let whole = match part.whole().map_err(|error| local(part.path(), &error))? {
        Ok(whole) => whole,
        Err(why) => {
            part.discard().map_err(|error| local(&parts, &error))?;
            return Err(failed(handle, &name)
                .answer(Text::same(why))
                .meaning(message("stages.inspect.corrupt", &[]))
                .advise(message("stages.inspect.go_on", &[])));
        }
    };
    let path = part.finish(&folder, name.file(), &whole).map_err(|error| local(&folder, &error))?;
    let Whole { bytes, sha256, entries } = whole;
    let file = read.site_name(&path);
    let report = Report {
        state: message("stages.inspect.finished", &[]),
        bytes,
        sha256,
        entries,
        items_requested: job.requested,
        items_dropped: job.dropped,
        cluster_local_id: job.cluster.to_string(),
        job_id: job.id,
        job_seconds: job.ended.seconds,
        file,
    };
    handle.remember(&KEPT, &report)?;
    handle.note(message("stages.inspect.read_it", &[("file", &path.display())]));
    Ok(())
}

/// Nothing at the site depends on it, so there is nothing to look for before the next try.
fn broken_off(mut failure: Box<Failure>) -> Box<Failure> {
    failure.effect = Effect::None;
    if failure.kind == Kind::Local || failure.meaning.is_some() {
        return failure;
    }
    failure.meaning(message("stages.inspect.broken_off", &[])).advise(message("stages.inspect.go_on", &[]))
}

fn local(path: &Path, error: &io::Error) -> Box<Failure> {
    Failure::on_disk(message("stages.inspect.keeping", &[]), path.display(), error)
}
