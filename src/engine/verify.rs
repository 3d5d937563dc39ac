//! The kind of step that reads settings back: every row is recorded, and one that is not as planned fails the step
//! at its end.

use super::{
    attempt::{Attempt, Ended},
    event::{EventKind, Outcome},
    facts::Facts,
    plain::seen_again,
    setting::{Agreement, Setting},
    step::StepFn,
    waiting::{Interrupt, Pace},
    world::World,
};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    text::{Lang, Text},
};

/// Reads until all is as planned, or until what is not has been seen for the step's `visible_within`.
pub(super) async fn verify<W: World>(
    attempt: &Attempt<'_, W>,
    read: &StepFn<W::Read, Vec<Setting>>,
) -> Ended {
    let clock = attempt.handle.clock();
    let patience = clock.exact_limit(attempt.visible_within());
    let mut pace = Pace::of(attempt.step.manifest.poll, clock.elapsed());
    let settings = loop {
        // Judged before the look: the site had all of the time.
        let waited = patience.passed(clock) && (pace.may_end() || patience.stated().is_zero());
        let settings = read_once(attempt, read).await?;
        let wrong = wrong(&settings);
        if wrong.is_empty() || waited {
            break settings;
        }
        attempt.handle.nap(&mut pace, &patience, rows(&wrong)).await?;
        attempt.world.forget_reads();
    };
    attempt.resumed(seen_again(attempt))?;
    tell(attempt, &settings)?;
    let unreadable: Vec<&Setting> =
        settings.iter().filter(|row| row.verdict == Agreement::Unreadable).collect();
    if !unreadable.is_empty() {
        let args: &[(&str, &dyn crate::text::Say)] =
            &[("count", &unreadable.len()), ("settings", &titles(&unreadable))];
        attempt.handle.warn(message("engine.verify.unreadable", args));
    }
    match wrong(&settings).as_slice() {
        [] => Ok((Outcome::Passed, Facts::none())),
        wrong => Err(refuted(attempt, wrong, settings.len())),
    }
}

/// One look, for a survey as well.
pub(super) async fn read_once<W: World>(
    attempt: &Attempt<'_, W>,
    read: &StepFn<W::Read, Vec<Setting>>,
) -> Result<Vec<Setting>> {
    attempt.guarded(Interrupt::AtFirst, read(attempt.world.read(), &attempt.handle)).await
}

/// Records every row.
pub(super) fn tell<W: World>(attempt: &Attempt<'_, W>, settings: &[Setting]) -> Result<()> {
    for setting in settings {
        let (step, setting) = (attempt.step.id.clone(), Box::new(setting.clone()));
        attempt.handle.context.record(EventKind::Setting { step, setting })?;
    }
    Ok(())
}

fn wrong(settings: &[Setting]) -> Vec<&Setting> {
    settings.iter().filter(|row| row.verdict.is_wrong()).collect()
}

fn refuted<W: World>(attempt: &Attempt<'_, W>, wrong: &[&Setting], all: usize) -> Box<Failure> {
    attempt
        .failure(Kind::Site)
        .answer(rows(wrong))
        .meaning(message("engine.verify.refuted", &[("wrong", &wrong.len()), ("all", &all)]))
        .advise(message("engine.verify.advice", &[("stage", &attempt.step.stage())]))
}

/// One line per row: what it is, planned beside found.
fn rows(rows: &[&Setting]) -> Text {
    let each: Vec<Text> = rows.iter().map(|row| told(row)).collect();
    let all = |lang| each.iter().map(|text| text.get(lang)).collect::<Vec<_>>().join("\n");
    Text::new(all(Lang::Zh), all(Lang::En))
}

fn told(row: &Setting) -> Text {
    let cell = row.cell.as_deref().unwrap_or(&row.key);
    let blank = message("engine.verify.blank", &[]);
    let Setting { title, planned, .. } = row;
    let planned = if planned.zh.is_empty() { &blank } else { planned };
    let found = row.found.clone().or_else(|| row.reason.clone());
    match (&found, row.verdict) {
        (Some(found), Agreement::Unread) => message(
            "engine.verify.unread",
            &[("title", title), ("planned", planned), ("why", found), ("cell", &cell)],
        ),
        (Some(found), _) => message(
            "engine.verify.differs",
            &[("title", title), ("planned", planned), ("found", found), ("cell", &cell)],
        ),
        (None, _) => {
            message("engine.verify.missing", &[("title", title), ("planned", planned), ("cell", &cell)])
        }
    }
}

fn titles(rows: &[&Setting]) -> Text {
    let all = |lang, between| rows.iter().map(|row| row.title.get(lang)).collect::<Vec<_>>().join(between);
    Text::new(all(Lang::Zh, "、"), all(Lang::En, ", "))
}
