//! The order of steps: dependencies, side by side, one mutation per service, what a failure stops, selections.

use super::toy::*;
use crate::engine::{event::EventKind, *};

fn setting(steps: Steps<Toy>, id: &'static str) -> Steps<Toy> {
    steps.change(id, probe_setting(id), act_setting(id))
}

fn stages(list: &[(&'static str, &str)]) -> Vec<Stage<Toy>> {
    let code = list.iter().fold(Steps::new(), |steps, (id, _)| setting(steps, id));
    vec![stage(1, "s", list, code)]
}

#[tokio::test]
async fn by_default_a_step_comes_after_the_one_before_it() {
    let bench = Bench::new();
    assert_eq!(bench.run(&stages(&[("a", ""), ("b", ""), ("c", "")])).await.changed, 3);
    assert_eq!(*bench.site().requests.borrow(), ["a=wanted", "b=wanted", "c=wanted"]);
    assert_eq!(bench.elapsed(), 3 * SECOND);
}

#[tokio::test]
async fn independent_steps_run_side_by_side_also_across_stages() {
    let bench = Bench::new();
    let first = stage(1, "one", &[("a", "")], setting(Steps::new(), "a"));
    let second = stage(2, "two", &[("b", "after=[]"), ("c", "after=['one.a']")], {
        setting(setting(Steps::new(), "b"), "c")
    });
    assert_eq!(bench.run(&[first, second]).await.changed, 3);
    assert_eq!(bench.elapsed(), 2 * SECOND, "a and b together, then c");
}

#[tokio::test]
async fn at_most_one_mutation_is_in_flight_per_service() {
    let bench = Bench::new();
    let list = [
        ("a", "after=[]\nservice='x'"),
        ("b", "after=[]\nservice='x'"),
        ("c", "after=[]\nservice='y'"),
        ("d", "after=[]\nservice='x'"),
    ];
    let summary = bench.run(&stages(&list)).await;
    assert_eq!(summary.changed, 4);
    assert_eq!(summary.steps_ms, 4000, "who waits for another takes no time");
    assert_eq!(bench.site().most_in_flight.borrow()["x"], 1);
    assert_eq!(bench.elapsed(), 3 * SECOND, "y is not held up by x");
}

#[tokio::test]
async fn the_longest_chain_is_served_first_and_an_upload_holds_nobody_up() {
    let bench = Bench::new();
    let list = [
        ("short", "after=[]\nservice='x'\nexpected='1s'"),
        ("long", "after=[]\nservice='x'\nexpected='9s'"),
        ("upload", "after=[]\nservice='x'\nchunked=true"),
        ("last", "after=['s.long']\nexpected='5m'"),
    ];
    assert_eq!(bench.run(&stages(&list)).await.changed, 4);
    let requests = bench.site().requests.borrow().clone();
    let at = |name: &str| requests.iter().position(|request| request.starts_with(name));
    assert!(at("long") < at("short"), "{requests:?}");
    assert_eq!(bench.elapsed(), 2 * SECOND, "the upload goes on beside both");
}

#[tokio::test]
async fn a_step_may_come_after_a_whole_stage() {
    let bench = Bench::new();
    let first =
        stage(1, "one", &[("a", "after=[]"), ("b", "after=[]")], setting(setting(Steps::new(), "a"), "b"));
    let second = stage(2, "two", &[("c", "after=['one']")], setting(Steps::new(), "c"));
    bench.site().fate([Fate::Accepted, Fate::Refused]);
    assert_eq!(bench.run(&[first, second]).await.exit_code, 4);
    assert_eq!(bench.outcome("two.c"), "not-run");
}

#[tokio::test]
async fn in_order_no_two_steps_run_side_by_side() {
    let bench = Bench::new();
    let list = [("a", "after=[]"), ("b", "after=[]"), ("c", "after=[]")];
    let options = Options { in_order: true, ..Options::default() };
    assert_eq!(bench.run_with(&stages(&list), options).await.changed, 3);
    assert_eq!(*bench.site().requests.borrow(), ["a=wanted", "b=wanted", "c=wanted"]);
    assert_eq!(bench.elapsed(), 3 * SECOND);
}

#[tokio::test]
async fn a_failure_stops_what_depends_on_it_and_leaves_the_rest() {
    let bench = Bench::new();
    let list =
        [("a", "after=[]"), ("b", "after=[]"), ("after-a", "after=['s.a']"), ("after-b", "after=['s.b']")];
    bench.site().fate([Fate::Refused]);
    let summary = bench.run(&stages(&list)).await;
    assert_eq!(summary.exit_code, 4);
    let outcome = |step| bench.outcome(step);
    assert_eq!([outcome("s.a"), outcome("s.b")], ["failed", "changed"]);
    assert_eq!([outcome("s.after-a"), outcome("s.after-b")], ["not-run", "changed"]);
    let complete = bench.events().into_iter().find_map(|event| match event {
        EventKind::StageFinished { complete, .. } => Some(complete),
        _ => None,
    });
    assert_eq!(complete, Some(false));
    assert_eq!(bench.run(&stages(&list)).await.exit_code, 0);
}

#[tokio::test]
async fn after_a_failure_nothing_is_begun_that_destroys_and_what_was_begun_is_finished() {
    let bench = Bench::new();
    let list =
        [("a", "after=[]"), ("erase", "after=[]\ndestroys=true"), ("after-erase", "after=['s.erase']")];
    bench.site().fate([Fate::Refused]);
    let options = || Options { in_order: true, ..Options::default() };
    let summary = bench.run_with(&stages(&list), options()).await;
    assert_eq!(summary.exit_code, 4, "the exit code of what failed");
    assert_eq!(
        ["s.a", "s.erase", "s.after-erase"].map(|step| bench.outcome(step)),
        ["failed", "not-run", "not-run"]
    );
    assert_eq!(bench.site().effects_of("erase"), 0);
    let reasons: Vec<String> = bench.events().into_iter().filter_map(reason).collect();
    assert!(reasons.iter().all(|reason| reason.contains("the step \"a\" failed")), "{reasons:?}");
    assert!(reasons[0].contains("this one destroys"), "{reasons:?}");
    assert_eq!(bench.run_with(&stages(&list), options()).await.exit_code, 0);
    assert_eq!(bench.resumed("s.erase"), None, "nothing is done again that was never begun");
    // A kill in the middle of it: half of it is worse than all of it.
    let bench = Bench::new();
    bench.site().put("a", "wanted");
    bench.killed(&stages(&list), Some(("s.erase", CrashPoint::AfterIntent))).await;
    bench.site().put("a", "another");
    bench.site().fate([Fate::Refused]);
    assert_eq!(bench.run_with(&stages(&list), options()).await.exit_code, 4);
    assert_eq!(["s.a", "s.erase"].map(|step| bench.outcome(step)), ["failed", "changed"]);
}

/// Why a step was not run.
fn reason(event: EventKind) -> Option<String> {
    match event {
        EventKind::StepFinished { outcome: Outcome::NotRun { reason }, .. } => Some(reason.en),
        _ => None,
    }
}

#[tokio::test]
async fn a_step_that_only_waits_for_an_end_is_not_stopped_by_a_failure() {
    let bench = Bench::new();
    let first =
        stage(1, "one", &[("a", ""), ("after-a", "")], setting(setting(Steps::new(), "a"), "after-a"));
    let list = [("report", "ends=['one']"), ("beside", "after=[]\nends=['one.a']")];
    let second = stage(2, "two", &list, setting(setting(Steps::new(), "report"), "beside"));
    bench.site().fate([Fate::Refused]);
    assert_eq!(bench.run(&[first, second]).await.exit_code, 4);
    let outcome = |step| bench.outcome(step);
    assert_eq!([outcome("one.a"), outcome("one.after-a")], ["failed", "not-run"]);
    assert_eq!([outcome("two.report"), outcome("two.beside")], ["changed", "changed"]);
    assert_eq!(bench.elapsed(), 2 * SECOND, "both wait for the failure and neither for the other");
}

fn three() -> Vec<Stage<Toy>> {
    let one = |number, id, step| stage(number, id, &[(step, "")], setting(Steps::new(), step));
    vec![one(1, "one", "a"), one(2, "two", "b"), one(3, "three", "c")]
}

fn select(selection: Selection) -> Options {
    Options { selection, ..Options::default() }
}

#[tokio::test]
async fn a_selected_stage_looks_at_what_it_needs_and_names_the_earlier_stage_that_is_lacking() {
    let bench = Bench::new();
    bench.site().put("a", "wanted");
    let third = select(Selection::Stages(vec!["03".into()]));
    let summary = bench.run_with(&three(), third.clone()).await;
    assert_eq!(summary.exit_code, 4);
    assert!(bench.site().requests.borrow().is_empty());
    let advice = &summary.failure.unwrap().advice[0].en;
    assert!(advice.contains("voyager run --stage two"), "{advice}");
    bench.site().put("b", "wanted");
    assert_eq!(bench.run_with(&three(), third).await.exit_code, 0);
    assert_eq!(*bench.site().requests.borrow(), ["c=wanted"]);
}

#[tokio::test]
async fn stages_are_selected_by_number_name_and_range() {
    let bench = Bench::new();
    let range = |from: &str, to: &str| Selection::Range(Some(from.into()), Some(to.into()));
    assert_eq!(bench.run_with(&three(), select(range("1", "two"))).await.exit_code, 0);
    assert_eq!(*bench.site().requests.borrow(), ["a=wanted", "b=wanted"]);
    for wrong in [range("three", "one"), Selection::Stages(vec!["four".into()])] {
        assert_eq!(bench.run_with(&three(), select(wrong)).await.exit_code, 2);
    }
}

#[test]
fn a_runbook_that_contradicts_itself_is_refused() {
    let refused = |stages: &[Stage<Toy>]| check_runbook(stages, |_| true).unwrap_err().meaning.unwrap().en;
    assert!(refused(&stages(&[("a", "after=['s.b']"), ("b", "")])).contains("cycle"));
    assert!(refused(&stages(&[("a", "after=['s.gone']")])).contains("s.gone"));
    assert!(refused(&stages(&[("a", "ends=['s.b']"), ("b", "")])).contains("cycle"));
    assert!(refused(&stages(&[("a", "ends=['gone']")])).contains("gone"));
    let double = || stage(1, "s", &[("a", "")], setting(Steps::new(), "a"));
    assert!(refused(&[double(), double()]).contains("twice"));
    let used = stages(&[("a", "uses=['plan.nowhere']")]);
    assert!(check_runbook(&used, |_| false).unwrap_err().meaning.unwrap().en.contains("plan.nowhere"));
    let manifest = toml::from_str("id='s'\nnumber=1\ntitle={zh='',en=''}").unwrap();
    assert!(Stage::new(manifest, setting(Steps::<Toy>::new(), "a")).is_err());
}
