//! The process dies at every point of every acting kind; the same command then finishes, nothing happens twice.

use super::toy::*;
use crate::{
    engine::{event::Resumed, *},
    failure::{Failure, Kind},
    text::Text,
};

#[derive(Clone, Copy, Debug)]
enum Death {
    At(CrashPoint),
    Fate(Fate),
}

fn deaths() -> Vec<Death> {
    let fates = [Death::Fate(Fate::KilledBefore), Death::Fate(Fate::KilledAfter)];
    CrashPoint::ALL.into_iter().map(Death::At).chain(fates).collect()
}

async fn kill(bench: &Bench, stages: &[Stage<Toy>], death: Death) {
    match death {
        Death::At(point) => bench.killed(stages, Some(("s.a", point))).await,
        Death::Fate(fate) => {
            bench.site().fate([fate]);
            bench.killed(stages, None).await;
        }
    }
}

const JOB: Fact<String> = Fact::new("job");

/// A change whose act starts a job that sets the value ten seconds later, seen only by following it.
pub fn one_job() -> Vec<Stage<Toy>> {
    let act = async |toy: &Toy, handle: &Handle| {
        toy.write("job", "running", handle).await?;
        handle.remember(&JOB, &"job-1".to_owned())
    };
    let follow = async |site: &std::rc::Rc<Site>, handle: &Handle| {
        handle.clock().sleep(10 * SECOND).await;
        site.put("a", "wanted");
        Ok(())
    };
    let code = Steps::new().change_followed("a", probe_setting("a"), act, follow);
    vec![stage(1, "s", &[("a", "visible_within='20s'")], code)]
}

#[tokio::test]
async fn the_same_command_finishes_after_a_kill_at_any_point() {
    for death in deaths() {
        for (kind, stages) in [("change", one_change()), ("repeat", one_repeat()), ("once", one_once(true))] {
            let bench = Bench::new();
            kill(&bench, &stages, death).await;
            let mut summary = bench.run(&stages).await;
            if summary.exit_code == 9 {
                assert_eq!(kind, "once", "{death:?}");
                assert_eq!(bench.site().effects_of("a"), 0, "{death:?}: what happened can be proved");
                let settle = vec!["s.a=absent".parse().unwrap()];
                summary = bench.run_with(&stages, Options { settle, ..Options::default() }).await;
            }
            assert_eq!(summary.exit_code, 0, "{kind} {death:?}: {summary:?}");
            assert_eq!(bench.site().get("a").as_deref(), Some("wanted"), "{kind} {death:?}");
            if kind != "repeat" {
                assert_eq!(bench.site().effects_of("a"), 1, "{kind} {death:?}");
            }
            let requests = bench.site().requests.borrow().len();
            assert_eq!(bench.run(&stages).await.exit_code, 0);
            assert_eq!(
                bench.site().requests.borrow().len(),
                requests,
                "{kind} {death:?}: nothing is left to do"
            );
        }
    }
}

#[tokio::test]
async fn a_once_step_without_proof_is_never_repeated_on_a_guess() {
    let reached = |death: &Death| {
        // Without a proof there is no good outcome before the operator's word.
        !matches!(death, Death::At(CrashPoint::BeforeOutcome | CrashPoint::AfterOutcome))
    };
    for death in deaths().into_iter().filter(reached) {
        let bench = Bench::new();
        let stages = one_once(false);
        kill(&bench, &stages, death).await;
        let first = bench.run(&stages).await.exit_code;
        assert!(first == 9 || matches!(death, Death::At(CrashPoint::BeforeIntent)), "{death:?}: {first}");
        let happened = bench.site().effects_of("a") == 1;
        let word = if happened { "s.a=done:x" } else { "s.a=absent" };
        let options = Options { settle: vec![word.parse().unwrap()], ..Options::default() };
        let summary = bench.run_with(&stages, options).await;
        // An act whose effect nobody can prove asks once more, now about the act of this run.
        if summary.exit_code == 9 {
            let settle = vec!["s.a=done:x".parse().unwrap()];
            assert_eq!(bench.run_with(&stages, Options { settle, ..Options::default() }).await.exit_code, 0);
        }
        assert_eq!(bench.site().effects_of("a"), 1, "{death:?}");
        assert_eq!(bench.run(&stages).await.exit_code, 0);
    }
}

#[tokio::test]
async fn an_effect_that_shows_late_is_not_caused_again_by_the_run_after_a_kill() {
    for delay in [1, 19] {
        let bench = Bench::new();
        bench.site().fate([Fate::Late(delay)]);
        bench.killed(&one_change(), Some(("s.a", CrashPoint::AfterAnswer))).await;
        assert_eq!(bench.run(&one_change()).await.exit_code, 0);
        assert_eq!((bench.site().effects_of("a"), bench.resumed("s.a")), (1, Some(Resumed::Continued)));
    }
}

#[tokio::test]
async fn absent_after_a_kill_counts_only_after_the_visibility_time() {
    let bench = Bench::new();
    bench.killed(&one_change(), Some(("s.a", CrashPoint::AfterIntent))).await;
    let died = bench.elapsed();
    assert_eq!(bench.run(&one_change()).await.exit_code, 0);
    assert!(bench.elapsed() - died >= 20 * SECOND);
    assert_eq!(bench.resumed("s.a"), Some(Resumed::Redone));
}

#[tokio::test]
async fn a_remembered_job_is_followed_and_not_started_again() {
    for death in deaths() {
        let bench = Bench::new();
        kill(&bench, &one_job(), death).await;
        assert_eq!(bench.run(&one_job()).await.exit_code, 0, "{death:?}");
        let jobs = bench.site().effects_of("job");
        match death {
            // The answer with the job's id was lost with the process: the site has to be asked again.
            Death::Fate(Fate::KilledAfter) => assert_eq!(jobs, 2),
            _ => assert_eq!(jobs, 1, "{death:?}"),
        }
    }
}

#[tokio::test]
async fn a_job_that_ended_badly_and_was_forgotten_is_started_anew_on_a_resume() {
    let act = async |toy: &Toy, handle: &Handle| {
        toy.write("job", "running", handle).await?;
        handle.remember(&JOB, &"job-1".to_owned())
    };
    let follow = async |site: &std::rc::Rc<Site>, handle: &Handle| {
        if site.effects_of("job") < 2 {
            handle.forget_remembered()?;
            return Err(Failure::new(Kind::Site, Text::same("job failed")));
        }
        site.put("a", "wanted");
        Ok(())
    };
    let code = Steps::new().change_followed("a", probe_setting("a"), act, follow);
    let stages = [stage(1, "s", &[("a", "")], code)];
    let bench = Bench::new();
    assert_eq!(bench.run(&stages).await.exit_code, 4);
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!(bench.site().effects_of("job"), 2);
}

/// A change whose first job never ends.
fn one_endless_job() -> Vec<Stage<Toy>> {
    let act = async |toy: &Toy, handle: &Handle| {
        toy.write("job", "running", handle).await?;
        handle.remember(&JOB, &format!("job-{}", toy.site.effects_of("job")))
    };
    let follow = async |site: &std::rc::Rc<Site>, handle: &Handle| {
        let endless = handle.remembered(&JOB).as_deref() == Some("job-1");
        let look = async || match endless {
            true => Ok(WaitProbe::NotYet(Text::same("running"))),
            false => Ok(WaitProbe::Ready(Facts::none())),
        };
        handle.poll(look).await?;
        site.put("a", "wanted");
        Ok(())
    };
    let code = Steps::new().change_followed("a", probe_setting("a"), act, follow);
    vec![stage(1, "s", &[("a", "")], code)]
}

#[tokio::test]
async fn a_job_that_never_ends_is_followed_by_every_run_until_the_operator_gives_it_up() {
    let redo = || Options { redo: vec!["s.a".to_owned()], ..Options::default() };
    let bench = Bench::new();
    for _ in 0..2 {
        let failure = bench.run(&one_endless_job()).await.failure.unwrap();
        assert!(failure.advice.iter().any(|advice| advice.en.contains("--redo s.a")), "{failure:?}");
        assert_eq!(bench.site().effects_of("job"), 1);
    }
    assert_eq!(bench.run_with(&one_endless_job(), redo()).await.exit_code, 0);
    assert_eq!(bench.site().effects_of("job"), 2);
}

#[tokio::test]
async fn what_a_killed_run_began_is_gone_on_with_even_when_it_is_to_be_done_again() {
    let bench = Bench::new();
    kill(&bench, &one_job(), Death::At(CrashPoint::AfterAnswer)).await;
    let redo = Options { redo: vec!["s.a".to_owned()], ..Options::default() };
    assert_eq!(bench.run_with(&one_job(), redo).await.exit_code, 0);
    assert_eq!(bench.site().effects_of("job"), 1);
}

#[tokio::test]
async fn a_half_done_act_is_never_taken_for_a_refused_one() {
    let act = async |toy: &Toy, handle: &Handle| {
        toy.write("part", "one", handle).await?;
        handle.remember(&JOB, &"part-1".to_owned())?;
        toy.write("a", "wanted", handle).await
    };
    let code = Steps::new().once("a", probe_thing("a"), act);
    let stages = [stage(1, "s", &[("a", "visible_within='5s'")], code)];
    let bench = Bench::new();
    bench.site().fate([Fate::Accepted, Fate::Refused]);
    assert_eq!(bench.run(&stages).await.exit_code, 9);
    assert_eq!(bench.run(&stages).await.exit_code, 9);
    assert_eq!(bench.site().effects_of("part"), 1);
}

#[tokio::test]
async fn a_probe_that_finds_the_work_in_progress_has_it_followed_instead_of_asking() {
    // The answer was lost, so the act remembered nothing; the site shows the work in progress.
    let probe = async |site: &std::rc::Rc<Site>, handle: &Handle| {
        if site.get("a").is_some() {
            return Ok(OnceProbe::Done(Facts::none()));
        }
        if site.get("job").is_some() {
            handle.remember(&JOB, &"found".to_owned())?;
        }
        Ok(OnceProbe::Unproved(Text::same("in progress")))
    };
    let act = async |toy: &Toy, handle: &Handle| toy.write("job", "running", handle).await;
    let follow = async |site: &std::rc::Rc<Site>, handle: &Handle| {
        handle.clock().sleep(600 * SECOND).await;
        site.put("a", "done");
        Ok(())
    };
    let code = Steps::new().once_followed("a", probe, act, follow);
    let stages = [stage(1, "s", &[("a", "visible_within='20s'")], code)];
    for fate in [Fate::LostAfter, Fate::KilledAfter] {
        let bench = Bench::new();
        bench.site().fate([fate]);
        if fate == Fate::KilledAfter {
            bench.killed(&stages, None).await;
        }
        assert_eq!(bench.run(&stages).await.exit_code, 0, "{fate:?}");
        assert_eq!(bench.site().effects_of("job"), 1);
    }
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_not_made_again_while_its_job_is_seen_at_work() {
    let probe = async |site: &std::rc::Rc<Site>, handle: &Handle| {
        if site.get("a").is_some() {
            return Ok(ChangeProbe::Done(Facts::none()));
        }
        if site.get("job").is_some() {
            handle.remember(&JOB, &"found".to_owned())?;
        }
        Ok(ChangeProbe::Absent)
    };
    let act = async |toy: &Toy, handle: &Handle| toy.write("job", "running", handle).await;
    let follow = async |site: &std::rc::Rc<Site>, handle: &Handle| {
        handle.clock().sleep(600 * SECOND).await;
        site.put("a", "done");
        Ok(())
    };
    let code = Steps::new().change_followed("a", probe, act, follow);
    let bench = Bench::new();
    bench.site().fate([Fate::LostAfter]);
    assert_eq!(bench.run(&[stage(1, "s", &[("a", "visible_within='20s'")], code)]).await.exit_code, 0);
    assert_eq!((bench.outcome("s.a"), bench.site().effects_of("job")), ("changed", 1));
}

#[tokio::test]
async fn a_once_step_whose_job_ended_badly_fails_with_the_cause_and_is_made_anew_by_the_next_run() {
    let act = async |toy: &Toy, handle: &Handle| {
        let effects = toy.site.effects_of("job");
        toy.write("job", "started", handle).await?;
        handle.remember(&JOB, &effects.to_string())
    };
    let follow = async |site: &std::rc::Rc<Site>, handle: &Handle| match handle.remembered(&JOB).as_deref() {
        Some("0") => {
            handle.forget_remembered()?;
            Err(Failure::new(Kind::Site, Text::same("no space")))
        }
        _ => {
            site.put("a", "made");
            Ok(())
        }
    };
    for killed in [false, true] {
        let code = Steps::new().once_followed("a", probe_thing("a"), act, follow);
        let stages = [stage(1, "s", &[("a", "visible_within='5s'")], code)];
        let bench = Bench::new();
        if killed {
            // Between the answer and the follower: the resumed run learns of the bad end, and acts anew by itself.
            bench.killed(&stages, Some(("s.a", CrashPoint::AfterAnswer))).await;
        } else {
            let failure = bench.run(&stages).await.failure.unwrap();
            assert_eq!((failure.kind, failure.doing.en.as_str()), (Kind::Site, "no space"));
        }
        assert_eq!(bench.run(&stages).await.exit_code, 0);
        assert_eq!(bench.site().effects_of("job"), 2);
    }
}
