//! The maintenance window: what is begun in it, what is not, and who may make it longer.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};

use futures_util::future::LocalBoxFuture;
use jiff::{Timestamp, tz::TimeZone};

use super::toy::*;
use crate::{
    engine::{
        event::{EventKind, RunSummary},
        question::Answerer,
        *,
    },
    failure::{Failure, Kind, Result},
    text::Text,
};

/// A window of the instant clock, in seconds since its beginning.
fn window(opens: i64, closes: i64) -> Window {
    let at = |second| Timestamp::from_second(second).unwrap();
    Window::new(at(opens), at(closes), TimeZone::UTC)
}

fn options(window: &Window) -> Options {
    Options { window: Some(window.clone()), ..Options::default() }
}

/// `a` takes a minute at a slow site, `b` ten; both take a second here.
fn two_changes(more_of_a: &str, more_of_b: &str) -> Vec<Stage<Toy>> {
    let code = Steps::new().change("a", probe_setting("a"), act_setting("a")).change(
        "b",
        probe_setting("b"),
        act_setting("b"),
    );
    let a = format!("slow='1m'\n{more_of_a}");
    let b = format!("slow='10m'\nexpected='2m'\n{more_of_b}");
    vec![stage(1, "s", &[("a", &a), ("b", &b)], code)]
}

fn kind(summary: &RunSummary) -> Option<Kind> {
    summary.failure.as_ref().map(|failure| failure.kind)
}

fn notes(bench: &Bench) -> String {
    let text = |event: EventKind| match event {
        EventKind::Note { text, .. } => Some(text.en),
        _ => None,
    };
    bench.events().into_iter().filter_map(text).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_step_whose_pessimistic_length_does_not_fit_is_not_begun_and_a_later_run_finishes() {
    let bench = Bench::new();
    let stages = two_changes("", "");
    let summary = bench.run_with(&stages, options(&window(0, 300))).await;
    assert_eq!((summary.exit_code, kind(&summary)), (11, Some(Kind::Window)));
    assert_eq!([bench.outcome("s.a"), bench.outcome("s.b")], ["changed", "not-run"]);
    assert_eq!(bench.site().effects_of("b"), 0);
    let said = summary.failure.unwrap().meaning.unwrap();
    assert!(said.en.contains("2m00s as a rule and 10m00s at a slow site"), "{}", said.en);
    assert!(said.zh.contains("一般需要 2m00s"), "{}", said.zh);
    let summary = bench.run_with(&stages, options(&window(0, 3600))).await;
    assert_eq!(summary.exit_code, 0);
    assert_eq!([bench.outcome("s.a"), bench.outcome("s.b")], ["already-done", "changed"]);
}

#[tokio::test]
async fn whatever_the_site_already_has_needs_no_window() {
    let bench = Bench::new();
    bench.site().put("a", "wanted");
    bench.site().put("b", "wanted");
    let summary = bench.run_with(&two_changes("", ""), options(&window(0, 1))).await;
    assert_eq!(summary.exit_code, 0);
}

#[tokio::test]
async fn what_must_follow_up_to_the_next_safe_boundary_counts_too() {
    let bench = Bench::new();
    let stages = two_changes("boundary='s.b'\nno_return={zh='清空',en='it erases'}", "");
    let summary = bench.run_with(&stages, options(&window(0, 600))).await;
    assert_eq!(summary.exit_code, 11);
    assert_eq!([bench.outcome("s.a"), bench.outcome("s.b")], ["not-run", "not-run"]);
    let said = summary.failure.unwrap().meaning.unwrap().en;
    assert!(said.contains("(the end of: b)") && said.contains("11m00s at a slow site"), "{said}");
    assert!(said.contains("it erases"), "{said}");
    assert_eq!(bench.run_with(&stages, options(&window(0, 700))).await.exit_code, 0);
}

#[tokio::test]
async fn an_upload_begins_however_little_is_left_and_a_local_step_even_after_the_end() {
    let bench = Bench::new();
    let stages = two_changes("divisible=true", "local=true");
    assert_eq!(bench.run_with(&stages, options(&window(0, 30))).await.exit_code, 0);
    let late = Bench::new();
    let summary = late.run_with(&two_changes("local=true", ""), options(&window(0, 0))).await;
    assert_eq!(summary.exit_code, 11);
    assert_eq!([late.outcome("s.a"), late.outcome("s.b")], ["changed", "not-run"]);
    assert!(summary.failure.unwrap().meaning.unwrap().en.contains("ended at 1970-01-01 00:00"));
}

/// A check that counts itself, then a change.
fn checked(counted: &Rc<RefCell<Vec<Duration>>>) -> Vec<Stage<Toy>> {
    let counted = counted.clone();
    let look = async move |_: &Rc<Site>, handle: &Handle| {
        counted.borrow_mut().push(handle.clock().elapsed());
        Ok(Facts::none())
    };
    let code = Steps::new().check("look", look).change("a", probe_setting("a"), act_setting("a"));
    vec![stage(1, "s", &[("look", ""), ("a", "slow='1m'")], code)]
}

/// How long a run has waited for its window, in seconds.
fn opening(event: &EventKind) -> Option<u64> {
    match event {
        EventKind::Waiting { step, reason, elapsed_ms, limit_ms: 7_200_000, .. } if step.is_empty() => {
            assert_eq!(reason.en, "window opens 1970-01-01 02:00");
            Some(elapsed_ms / 1000)
        }
        _ => None,
    }
}

#[tokio::test]
async fn before_it_opens_only_checks_are_made_and_they_are_made_again_when_it_opens() {
    let bench = Bench::new();
    let counted = Rc::default();
    let summary = bench.run_with(&checked(&counted), options(&window(7200, 10_000))).await;
    assert_eq!(summary.exit_code, 0);
    let times: Vec<u64> = counted.borrow().iter().map(Duration::as_secs).collect();
    assert_eq!(times, [0, 7200]);
    assert_eq!(bench.site().looks.get(), 2, "and the change looked only afterwards");
    let notes = notes(&bench);
    assert!(notes.contains("opens at 1970-01-01 02:00 (in 2h00m)"), "{notes}");
    assert_eq!(notes.matches("opens at").count(), 4, "a reminder every half an hour: {notes}");
    let took = bench.events().into_iter().find_map(|event| match event {
        EventKind::StageFinished { elapsed_ms, .. } => Some(elapsed_ms),
        _ => None,
    });
    assert!(took.is_some_and(|took| took < 60_000), "the wait for the window is no work: {took:?}");
    let waited: Vec<u64> = bench.events().iter().filter_map(opening).collect();
    assert_eq!(waited, [0, 1800, 3600, 5400, 7200], "a display knows when it is over");
}

#[tokio::test]
async fn a_check_that_fails_before_it_opens_ends_the_run_at_once() {
    let bench = Bench::new();
    let wrong =
        async |_: &Rc<Site>, _: &Handle| -> Result<Facts> { Err(Failure::new(Kind::Site, Text::same("x"))) };
    let code = Steps::new().check("look", wrong).change("a", probe_setting("a"), act_setting("a"));
    let stages = [stage(1, "s", &[("look", ""), ("a", "after=[]")], code)];
    let summary = bench.run_with(&stages, options(&window(7200, 10_000))).await;
    assert_eq!((summary.exit_code, bench.elapsed()), (4, Duration::ZERO));
    assert_eq!(bench.outcome("s.a"), "not-run");
}

#[tokio::test]
async fn a_stop_ends_the_wait_for_the_opening() {
    let bench = Bench::new();
    let stages = checked(&Rc::default());
    let setup = bench.setup(Box::new(bench.storage.clone()));
    let cancel = setup.cancel.clone();
    let far = options(&window(1_000_000_000, 1_000_001_000));
    let stop = async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        cancel.request(Reason::Interrupted);
    };
    let (summary, ()) = tokio::join!(run(&bench.toy, &stages, setup, &far), stop);
    assert_eq!(summary.exit_code, 130);
    assert_eq!(bench.site().effects_of("a"), 0);
}

/// Gives these answers; then nobody is there.
struct Answers(RefCell<VecDeque<Answer>>);

impl Answerer for Answers {
    fn answer<'a>(&'a self, question: &'a Question) -> LocalBoxFuture<'a, Result<Answer>> {
        let answer = self.0.borrow_mut().pop_front();
        let nobody = || Failure::new(Kind::Decision, question.title.clone());
        Box::pin(async move { answer.ok_or_else(nobody) })
    }
}

async fn answered(window: &Window, answers: &[Answer]) -> (RunSummary, Bench) {
    let bench = Bench::new();
    let answerer = Rc::new(Answers(RefCell::new(answers.iter().cloned().collect())));
    let setup = Setup { answerer, ..bench.setup(Box::new(bench.storage.clone())) };
    let summary = run(&bench.toy, &two_changes("", ""), setup, &options(window)).await;
    (summary, bench)
}

#[tokio::test]
async fn the_operator_may_make_it_longer() {
    let (summary, bench) = answered(&window(0, 500), &[Answer::Chosen(1)]).await;
    assert_eq!(summary.exit_code, 0);
    assert!(notes(&bench).contains("extended to: 1970-01-01 00:38"));
    let asked = bench.events().into_iter().find_map(|event| match event {
        EventKind::Asked { question } => Some(question),
        _ => None,
    });
    let asked = asked.expect("a question");
    assert_eq!((asked.step.as_str(), asked.flag.as_str()), ("s.b", "--until"));
    assert!(asked.details[0].zh.contains("慢的现场需要 10m00s"), "{:?}", asked.details);

    let (summary, bench) = answered(&window(0, 500), &[Answer::Chosen(3)]).await;
    assert_eq!(summary.exit_code, 0);
    assert!(notes(&bench).contains("extended to: no end"));
}

#[tokio::test]
async fn a_no_or_no_answer_is_the_end_of_it() {
    for answers in [&[Answer::Chosen(0)][..], &[Answer::No], &[]] {
        let (summary, bench) = answered(&window(0, 500), answers).await;
        assert_eq!((summary.exit_code, bench.outcome("s.b")), (11, "not-run"));
        let events = bench.events();
        assert_eq!(events.iter().filter(|event| matches!(event, EventKind::Asked { .. })).count(), 1);
    }
}

#[tokio::test]
async fn a_run_tells_beforehand_where_it_would_stop() {
    let bench = Bench::new();
    bench.run_with(&two_changes("expected='20s'", ""), options(&window(0, 300))).await;
    let notes = notes(&bench);
    assert!(notes.contains("what is left takes 2m20s as a rule, 11m00s at a slow site"), "{notes}");
    assert!(notes.contains("as a rule the run stops after 20s, before b (s.b)"), "{notes}");
    assert!(notes.contains("at a slow site the run stops after 1m00s, before b (s.b)"), "{notes}");
}

#[tokio::test]
async fn an_act_that_is_held_back_half_way_fails_and_is_settled_by_the_next_run() {
    let bench = Bench::new();
    let shut = Rc::new(std::cell::Cell::new(true));
    let act = {
        let shut = shut.clone();
        async move |toy: &Toy, handle: &Handle| {
            if shut.get() {
                handle.remember(&Fact::<u32>::new("chunk"), &7)?;
                return Err(Failure::new(Kind::Window, Text::same("sending a chunk")));
            }
            toy.write("a", "wanted", handle).await
        }
    };
    let stages = [stage(1, "s", &[("a", "")], Steps::new().change("a", probe_setting("a"), act))];
    let summary = bench.run_with(&stages, options(&window(0, 3600))).await;
    assert_eq!((summary.exit_code, bench.outcome("s.a")), (11, "failed"));
    assert_eq!(summary.failure.unwrap().effect, crate::failure::Effect::Unknown);
    shut.set(false);
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!(bench.site().effects_of("a"), 1);
}
