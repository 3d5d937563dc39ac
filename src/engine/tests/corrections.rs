//! A corrected plan between two runs.

use super::toy::*;
use crate::{
    engine::{event::EventKind, *},
    failure::Kind,
    text::Text,
};

fn stages() -> Vec<Stage<Toy>> {
    let code = Steps::new()
        .check("look", async |_: &_, _: &Handle| Ok(Facts::none()))
        .repeat("a", send_setting("a"))
        .repeat("b", send_setting("b"));
    vec![stage(1, "s", &[("look", "uses=['a']"), ("a", "uses=['a']"), ("b", "uses=['b','key']")], code)]
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.toy.plan("a", "one");
    bench.toy.plan("b", "two");
    bench.toy.fields.borrow_mut().insert("key".into(), Content::Secret("hush".into()));
    bench
}

#[tokio::test]
async fn a_changed_field_names_exactly_the_finished_steps_that_use_it_and_stops() {
    let bench = bench();
    assert_eq!(bench.run(&stages()).await.exit_code, 0);
    bench.toy.plan("a", "three");
    let failure = bench.run(&stages()).await.failure.unwrap();
    assert_eq!(failure.kind, Kind::Decision);
    assert_eq!(failure.at.as_deref(), Some("a (Sheet!a)"), "the field and where it stands in the plan");
    assert!(failure.meaning.unwrap().en.ends_with(": s.a"));
    assert!(failure.advice[0].en.contains("--redo s.a"));
    assert!(bench.events().iter().any(|event| matches!(event,
        EventKind::PlanChanged { fields, steps } if fields == &["a"] && steps == &["s.a"])));

    let redo = vec!["s.a".to_owned()];
    assert_eq!(bench.run_with(&stages(), Options { redo, ..Options::default() }).await.exit_code, 0);
    assert_eq!(*bench.site().requests.borrow(), ["a=one", "b=two", "a=three"]);
    assert_eq!(bench.run(&stages()).await.exit_code, 0, "the new value is the recorded one now");
}

#[tokio::test]
async fn a_correction_that_never_reached_the_site_is_not_taken_for_sent() {
    let bench = bench();
    assert_eq!(bench.run(&stages()).await.exit_code, 0);
    bench.toy.plan("a", "three");
    bench.site().fate([Fate::Refused]);
    let redo = || Options { redo: vec!["s.a".to_owned()], ..Options::default() };
    assert_eq!(bench.run_with(&stages(), redo()).await.exit_code, 4);
    let failure = bench.run(&stages()).await.failure.unwrap();
    assert!(failure.advice[0].en.contains("--redo s.a"), "the site still has the old value");
    assert_eq!(bench.run_with(&stages(), redo()).await.exit_code, 0);
    assert_eq!(bench.site().get("a").as_deref(), Some("three"));
}

#[tokio::test]
async fn what_was_settled_is_recorded_with_the_plan_that_it_was_begun_with() {
    let code = Steps::new().once(
        "thing",
        async |_: &_, _: &Handle| Ok(OnceProbe::Unproved(Text::same("nothing lists it"))),
        async |toy: &Toy, handle: &Handle| toy.write("thing", &toy.planned("thing"), handle).await,
    );
    let stages = [stage(1, "s", &[("thing", "uses=['thing']")], code)];
    let bench = bench();
    bench.toy.plan("thing", "one");
    bench.site().fate([Fate::LostAfter]);
    assert_eq!(bench.run(&stages).await.exit_code, 9);
    bench.toy.plan("thing", "other");
    let settle = || Options { settle: vec!["s.thing=done".parse().unwrap()], ..Options::default() };
    let failure = bench.run_with(&stages, settle()).await.failure.unwrap();
    assert!(failure.advice.iter().any(|advice| advice.en.contains("what s.thing made")), "{failure:?}");
}

#[tokio::test]
async fn what_was_sent_to_a_thing_that_was_made_anew_is_sent_again() {
    let code = Steps::new()
        .change("thing", probe_setting("thing"), act_setting("thing"))
        .repeat("a", send_setting("a"));
    let stages = [stage(1, "s", &[("thing", ""), ("a", "uses=['a']\nagain_after=['s.thing']")], code)];
    let bench = bench();
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!(bench.outcome("s.a"), "already-sent");
    bench.site().put("thing", "tampered");
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!(bench.outcome("s.a"), "sent");
}

#[tokio::test]
async fn a_changed_field_that_no_finished_step_uses_is_told_and_the_run_goes_on() {
    let bench = bench();
    bench.site().fate([Fate::Accepted, Fate::Refused]);
    assert_eq!(bench.run(&stages()).await.exit_code, 4);
    bench.toy.plan("b", "four");
    assert_eq!(bench.run(&stages()).await.exit_code, 0);
    assert_eq!(bench.site().get("b").as_deref(), Some("four"));
}

#[tokio::test]
async fn a_changed_password_is_noticed_though_it_is_recorded_nowhere() {
    let bench = bench();
    assert_eq!(bench.run(&stages()).await.exit_code, 0);
    assert!(!String::from_utf8(bench.storage.bytes()).unwrap().contains("hush"));
    bench.toy.fields.borrow_mut().insert("key".into(), Content::Secret("other".into()));
    let failure = bench.run(&stages()).await.failure.unwrap();
    assert!(failure.advice[0].en.contains("--redo s.b"));
}

#[tokio::test]
async fn with_the_key_lost_a_secret_cannot_be_compared_and_its_step_is_sent_again() {
    let bench = bench();
    assert_eq!(bench.run(&stages()).await.exit_code, 0);
    *bench.key.borrow_mut() = SecretKey::random();
    let summary = bench.run(&stages()).await;
    assert_eq!((summary.exit_code, summary.warnings), (0, 1));
    assert_eq!([bench.outcome("s.a"), bench.outcome("s.b")], ["already-sent", "sent"]);
}

#[tokio::test]
async fn what_stays_at_the_site_is_told_before_anything_is_done_again() {
    let code = Steps::new()
        .once("thing", probe_thing("thing"), async |toy: &Toy, handle: &Handle| {
            toy.write("thing", &toy.planned("thing"), handle).await
        })
        .change("a", probe_setting("a"), act_setting("a"));
    let manifests = [("thing", "uses=['thing']"), ("a", "uses=['a','b']\nstays=['a']")];
    let stages = [stage(1, "s", &manifests, code)];
    let bench = bench();
    bench.toy.plan("thing", "one");
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    let requests = bench.site().requests.borrow().len();
    for (field, stays) in [("thing", Some("s.thing")), ("a", Some("s.a")), ("b", None)] {
        let before = bench.toy.planned(field);
        bench.toy.plan(field, "other");
        let failure = bench.run(&stages).await.failure.unwrap();
        let told = format!("what {} made", stays.unwrap_or_default());
        assert_eq!(failure.kind, Kind::Decision);
        assert_eq!(failure.advice.iter().any(|advice| advice.en.contains(&told)), stays.is_some(), "{field}");
        bench.toy.plan(field, &before);
    }
    assert_eq!(bench.site().requests.borrow().len(), requests);
    assert_eq!(bench.run(&stages).await.exit_code, 0, "with the old values back nothing is asked");
}

#[tokio::test]
async fn what_a_step_made_before_it_had_nothing_more_to_do_is_told_too() {
    // It makes half of the thing, and leaves the rest to somebody else.
    let probe = async |site: &std::rc::Rc<Site>, _: &Handle| {
        Ok(match site.get("thing") {
            None => ChangeProbe::Absent,
            Some(_) => ChangeProbe::NotNeeded(Text::same("the rest is not asked for")),
        })
    };
    let code = Steps::new().change("thing", probe, act_setting("thing"));
    let stages = [stage(1, "s", &[("thing", "uses=['thing','b']\nstays=['thing']")], code)];
    let bench = bench();
    bench.toy.plan("thing", "one");
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!(bench.outcome("s.thing"), "skipped");
    bench.toy.plan("b", "other");
    assert_eq!(bench.run(&stages).await.exit_code, 0, "it is looked at anew in any case");
    bench.toy.plan("thing", "other");
    let failure = bench.run(&stages).await.failure.unwrap();
    assert!(failure.advice.iter().any(|advice| advice.en.contains("what s.thing made")), "{failure:?}");
}
