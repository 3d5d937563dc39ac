//! The `once` step: never done twice. Where the site cannot tell, the operator decides; nothing is guessed.

use super::{
    advice::Earlier,
    attempt::{Acted, Attempt, Ended},
    change::{first_look, settled_by},
    event::{Outcome, Resumed, Verdict},
    facts::Facts,
    settle,
    step::{OnceProbe, StepFn},
    view::{Probe, View},
    waiting::Interrupt,
    world::World,
};
use crate::{
    failure::{Failure, Kind},
    messages::message,
};

pub(super) async fn once<W: World>(
    attempt: &Attempt<'_, W>,
    probe: &StepFn<W::Read, OnceProbe>,
    act: &StepFn<W, ()>,
    follow: Option<&StepFn<W::Read, ()>>,
) -> Ended {
    let probe = Probe::Once(probe);
    let (view, ended_badly) = first_look(attempt, &probe, follow).await?;
    if let Some(end) = settled_by(attempt, &view)? {
        return Ok(end);
    }
    if attempt.open() && ended_badly.is_none() {
        return Err(undecided(attempt, &view, None));
    }
    if attempt.finished().is_some() {
        // The site cannot prove it; the journal saw it happen.
        attempt.resumed(Resumed::Kept)?;
        return Ok((Outcome::AlreadyDone, Facts::none()));
    }
    if attempt.needed_only {
        return Err(attempt.lacking(&view));
    }
    attempt.resumed(Resumed::Redone)?;
    let mut lost = None;
    let mut ended_badly = None;
    let mut followed = false;
    {
        let _slot = attempt.slot().await?;
        if let Acted::Lost(failure) = attempt.act(act).await? {
            lost = Some(failure);
        }
        if let Some(follow) = follow.filter(|_| lost.is_none() || attempt.handle.remembers()) {
            followed = true;
            ended_badly = attempt.follow(follow).await?;
        }
    }
    let (view, later) = attempt.prove(&probe, follow, followed, Interrupt::Never).await?;
    match view.verdict {
        Some(Verdict::Done) => Ok((Outcome::Changed, view.facts)),
        Some(Verdict::Conflict) => Err(attempt.conflict(&view)),
        Some(Verdict::NotNeeded) => Ok((Outcome::Skipped { reason: view.told() }, Facts::none())),
        _ => match ended_badly.or(later) {
            // Its end is known, and it was a bad one: there is nothing to decide, and a later run acts anew.
            Some(failure) => {
                attempt.refused.set(true);
                Err(failure)
            }
            None => Err(undecided(attempt, &view, lost)),
        },
    }
}

/// The act may have happened and the site cannot tell: both ways to go on, as literal flags.
fn undecided<W: World>(attempt: &Attempt<'_, W>, view: &View, cause: Option<Box<Failure>>) -> Box<Failure> {
    let (done, absent) = settle::flags(&attempt.step.id, &attempt.step.manifest);
    let mut failure = attempt
        .failure(Kind::Decision)
        .meaning(message("engine.settle.undecided", &[("reason", &view.told())]))
        .answer_lost();
    let advice = &attempt.handle.context.advice;
    failure = match advice.earlier {
        // There is no site left to decide about.
        Earlier::FromTheStart(_) => failure.advise(advice.again.clone()),
        Earlier::Alone(_) => failure
            .advise(message("engine.settle.if-done", &[("flag", &done)]))
            .advise(message("engine.settle.if-absent", &[("flag", &absent)])),
    };
    if let Some(cause) = cause {
        failure.answer = cause.answer.or(cause.meaning);
        failure.causes = cause.causes;
        failure.log = cause.log;
    }
    failure
}
