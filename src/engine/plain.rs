//! The simpler kinds of step: `check`, `wait` and `repeat`.

use super::{
    attempt::{ATTEMPTS, Acted, Attempt, Ended},
    event::{Outcome, Resumed, Verdict},
    facts::Facts,
    step::{Sent, StepFn, WaitProbe},
    view::{Probe, View},
    waiting::{Interrupt, Pace},
    world::World,
};
use crate::messages::message;

/// Runs on every run: what was free yesterday may be taken today.
pub(super) async fn check<W: World>(attempt: &Attempt<'_, W>, check: &StepFn<W::Read, Facts>) -> Ended {
    let facts = attempt.guarded(Interrupt::AtFirst, check(attempt.world.read(), &attempt.handle)).await?;
    attempt.resumed(seen_again(attempt))?;
    Ok((Outcome::Passed, facts))
}

/// Polled quick first and slower later, until ready or until the manifest's limit.
pub(super) async fn wait<W: World>(attempt: &Attempt<'_, W>, probe: &StepFn<W::Read, WaitProbe>) -> Ended {
    let probe = Probe::Wait(probe);
    let limit = attempt.handle.clock().limit(attempt.step.manifest.timeout);
    let mut pace = Pace::of(attempt.step.manifest.poll, attempt.handle.clock().elapsed());
    loop {
        let look = probe.look(attempt.world, &attempt.handle);
        let view = attempt.guarded(Interrupt::AtFirst, look).await?;
        if view.verdict == Some(Verdict::Done) {
            attempt.resumed(seen_again(attempt))?;
            return Ok((Outcome::Ready, view.facts));
        }
        if view.verdict == Some(Verdict::NotNeeded) {
            attempt.resumed(Resumed::Kept)?;
            return Ok((Outcome::Skipped { reason: view.told() }, Facts::none()));
        }
        if attempt.needed_only {
            return Err(attempt.lacking(&view));
        }
        attempt.handle.pause(&mut pace, &limit, view.told()).await?;
    }
}

pub(super) fn seen_again<W: World>(attempt: &Attempt<'_, W>) -> Resumed {
    if attempt.finished().is_some() { Resumed::Kept } else { Resumed::Redone }
}

/// Sent unless the same was sent before; sent again when the answer is lost.
pub(super) async fn repeat<W: World>(attempt: &Attempt<'_, W>, act: &StepFn<W, Sent>) -> Ended {
    let sent_before = attempt.finished().is_some()
        && attempt
            .before
            .as_ref()
            .and_then(|before| before.inputs())
            .is_some_and(|inputs| inputs.compare(&attempt.inputs).equal())
        && !attempt.lost_since();
    if sent_before {
        attempt.resumed(Resumed::Kept)?;
        return Ok((Outcome::AlreadySent, Facts::none()));
    }
    if attempt.needed_only {
        let unsent = View { reason: Some(message("engine.look.unsent", &[])), ..View::default() };
        return Err(attempt.lacking(&unsent));
    }
    attempt.resumed(Resumed::Redone)?;
    let clock = attempt.handle.clock();
    let mut pace = Pace::of(attempt.step.manifest.poll, clock.elapsed());
    let mut round = 1;
    loop {
        let slot = attempt.slot().await?;
        let failure = match attempt.act(act).await? {
            Acted::Answered(Sent::Sent(facts)) => return Ok((Outcome::Sent, facts)),
            Acted::Answered(Sent::NotNeeded(reason)) => {
                return Ok((Outcome::Skipped { reason }, Facts::none()));
            }
            Acted::Lost(failure) => failure,
        };
        drop(slot);
        if round == ATTEMPTS {
            return Err(failure);
        }
        round += 1;
        clock.sleep(pace.next(clock.elapsed())).await;
    }
}
