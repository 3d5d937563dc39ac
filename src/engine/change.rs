//! The `change` step: look, act, look again. Only the second look makes it *changed*.

use std::time::Duration;

use super::{
    attempt::{ATTEMPTS, Acted, Attempt, Ended},
    event::{Outcome, Resumed, Verdict},
    facts::Facts,
    step::{ChangeProbe, StepFn},
    view::{Probe, View},
    waiting::Interrupt,
    world::World,
};
use crate::failure::{Failure, Result};

pub(super) async fn change<W: World>(
    attempt: &Attempt<'_, W>,
    probe: &StepFn<W::Read, ChangeProbe>,
    act: &StepFn<W, ()>,
    follow: Option<&StepFn<W::Read, ()>>,
) -> Ended {
    let probe = Probe::Change(probe);
    if attempt.gives_up() {
        attempt.handle.forget_remembered()?;
    }
    let (view, _) = first_look(attempt, &probe, follow).await?;
    if let Some(end) = settled_by(attempt, &view)? {
        return Ok(end);
    }
    if attempt.needed_only {
        return Err(attempt.lacking(&view));
    }
    attempt.resumed(Resumed::Redone)?;
    let mut round = 1;
    loop {
        let mut lost = None;
        let mut failed = None;
        let mut followed = false;
        {
            let _slot = attempt.slot().await?;
            if let Acted::Lost(failure) = attempt.act(act).await? {
                lost = Some(failure);
            }
            if let Some(follow) = follow.filter(|_| lost.is_none() || attempt.handle.remembers()) {
                followed = true;
                failed = attempt.follow(follow).await?;
            }
        }
        let (view, ended_badly) = attempt.prove(&probe, follow, followed, Interrupt::Never).await?;
        failed = failed.or(ended_badly);
        match view.verdict {
            Some(Verdict::Done) => return Ok((Outcome::Changed, view.facts)),
            Some(Verdict::Conflict) => return Err(attempt.conflict(&view)),
            Some(Verdict::NotNeeded) => return Ok((Outcome::Skipped { reason: view.told() }, Facts::none())),
            _ => {}
        }
        // Nothing shows. A job that ended badly, or an effect that never came, is the operator's business; a
        // lost answer alone means that the request may simply not have arrived.
        match (failed, lost) {
            (Some(failure), _) => return Err(failure),
            (None, None) => return Err(attempt.not_shown(&view)),
            (None, Some(failure)) if round == ATTEMPTS => return Err(failure),
            (None, Some(_)) => round += 1,
        }
    }
}

/// The look before any act: on a resume what was remembered is followed first, and nothing counts as absent
/// before an effect had the time to show. Nor does what an earlier run has seen there: an address that is silent for a
/// moment is no reason to do it once more. A bad end that was learnt on the way comes back with the view: it is no
/// error here, for if nothing is there, the act runs again.
pub(super) async fn first_look<W: World>(
    attempt: &Attempt<'_, W>,
    probe: &Probe<'_, W>,
    follow: Option<&StepFn<W::Read, ()>>,
) -> Result<(View, Option<Box<Failure>>)> {
    if !attempt.open() {
        let patience = attempt.finished().map_or(Duration::ZERO, |_| attempt.visible_within());
        return Ok((attempt.look(probe, patience, Interrupt::AtFirst, false).await?, None));
    }
    let known = attempt.handle.remembers();
    let ended_badly = match follow.filter(|_| known) {
        Some(follow) => attempt.go_on(follow).await?,
        None => None,
    };
    let (view, later) = attempt.prove(probe, follow, known, Interrupt::AtFirst).await?;
    Ok((view, ended_badly.or(later)))
}

/// The end of a step whose first look already settles it.
pub(super) fn settled_by<W: World>(
    attempt: &Attempt<'_, W>,
    view: &View,
) -> Result<Option<(Outcome, Facts)>> {
    match view.verdict {
        Some(Verdict::Done) if attempt.open() => {
            attempt.resumed(Resumed::Continued)?;
            Ok(Some((Outcome::Changed, view.facts.clone())))
        }
        Some(Verdict::Done) => {
            attempt.resumed(Resumed::Kept)?;
            Ok(Some((Outcome::AlreadyDone, view.facts.clone())))
        }
        Some(Verdict::NotNeeded) => {
            attempt.resumed(Resumed::Kept)?;
            Ok(Some((Outcome::Skipped { reason: view.told() }, Facts::none())))
        }
        Some(Verdict::Conflict) => Err(attempt.conflict(view)),
        _ => Ok(None),
    }
}
