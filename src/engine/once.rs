//! The `once` step: never done twice. Where the site cannot tell, the operator decides; nothing is guessed.

use super::{
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
    let view = first_look(attempt, &probe, follow).await?;
    if let Some(end) = settled_by(attempt, &view)? {
        return Ok(end);
    }
    if attempt.open() {
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
    let mut cause = None;
    let mut followed = false;
    {
        let _slot = attempt.slot().await?;
        if let Acted::Lost(failure) = attempt.act(act).await? {
            cause = Some(failure);
        }
        if let Some(follow) = follow.filter(|_| cause.is_none() || attempt.handle.remembers()) {
            followed = true;
            cause = attempt.follow(follow).await?.or(cause);
        }
    }
    let (view, ended_badly) = attempt.prove(&probe, follow, followed, Interrupt::Never).await?;
    let cause = ended_badly.or(cause);
    proved(attempt, view, cause)
}

fn proved<W: World>(attempt: &Attempt<'_, W>, view: View, cause: Option<Box<Failure>>) -> Ended {
    match view.verdict {
        Some(Verdict::Done) => Ok((Outcome::Changed, view.facts)),
        Some(Verdict::Conflict) => Err(attempt.conflict(&view)),
        Some(Verdict::NotNeeded) => Ok((Outcome::Skipped { reason: view.told() }, Facts::none())),
        _ => Err(undecided(attempt, &view, cause)),
    }
}

/// The act may have happened and the site cannot tell: both ways to go on, as literal flags.
fn undecided<W: World>(attempt: &Attempt<'_, W>, view: &View, cause: Option<Box<Failure>>) -> Box<Failure> {
    let (done, absent) = settle::flags(&attempt.step.id, &attempt.step.manifest);
    let mut failure = attempt
        .failure(Kind::Decision)
        .meaning(message("engine.settle.undecided", &[("reason", &view.told())]))
        .advise(message("engine.settle.if-done", &[("flag", &done)]))
        .advise(message("engine.settle.if-absent", &[("flag", &absent)]))
        .answer_lost();
    if let Some(cause) = cause {
        failure.answer = cause.answer.or(cause.meaning);
        failure.causes = cause.causes;
        failure.log = cause.log;
    }
    failure
}
