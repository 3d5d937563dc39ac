//! Each kind of step against each mood of the site, without kills.

use std::{cell::RefCell, rc::Rc};

use super::toy::*;
use crate::{
    engine::{crash::CrashPoint, event::Resumed, handle::Handle, *},
    failure::Kind,
};

#[tokio::test]
async fn a_change_is_made_once_proved_and_left_alone_by_a_second_run() {
    let bench = Bench::new();
    let stages = one_change();
    let summary = bench.run(&stages).await;
    assert_eq!((summary.exit_code, summary.changed), (0, 1));
    assert_eq!(bench.outcome("s.a"), "changed");
    assert_eq!(bench.resumed("s.a"), None, "nothing to resume in a first run");
    let summary = bench.run(&stages).await;
    assert_eq!((summary.exit_code, summary.changed, summary.already_done), (0, 0, 1));
    assert_eq!(bench.resumed("s.a"), Some(Resumed::Kept));
    assert_eq!(bench.site().effects_of("a"), 1);
}

#[tokio::test]
async fn a_change_that_was_undone_at_the_site_is_made_again() {
    let bench = Bench::new();
    let stages = one_change();
    bench.run(&stages).await;
    bench.site().put("a", "tampered");
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!((bench.outcome("s.a"), bench.resumed("s.a")), ("changed", Some(Resumed::Redone)));
}

#[tokio::test]
async fn what_is_already_as_planned_is_not_touched() {
    let bench = Bench::new();
    bench.site().put("a", "wanted");
    assert_eq!(bench.run(&one_change()).await.already_done, 1);
    assert!(bench.site().requests.borrow().is_empty());
}

#[tokio::test]
async fn somebody_elses_value_stops_the_run_before_any_request() {
    let bench = Bench::new();
    bench.site().put("a", "somebody-else");
    let summary = bench.run(&one_change()).await;
    assert_eq!(summary.exit_code, 4);
    assert!(summary.failure.unwrap().meaning.unwrap().en.contains("not ours"));
    assert!(bench.site().requests.borrow().is_empty());
}

#[tokio::test]
async fn an_unknown_view_is_looked_at_again_and_never_acted_upon() {
    let bench = Bench::new();
    bench.site().put("a", "wanted");
    bench.site().unknown_looks.set(7);
    assert_eq!(bench.run(&one_change()).await.exit_code, 0);
    assert_eq!(bench.outcome("s.a"), "already-done");

    bench.site().unknown_looks.set(usize::MAX);
    let summary = bench.run(&one_change()).await;
    assert_eq!(summary.exit_code, 5);
    assert!(summary.failure.unwrap().meaning.unwrap().en.contains("restarting"));
    assert!(bench.site().requests.borrow().is_empty());
}

#[tokio::test]
async fn an_effect_that_shows_late_is_waited_for_and_not_caused_twice() {
    for delay in [1, 19, 20] {
        let bench = Bench::new();
        bench.site().fate([Fate::Late(delay)]);
        assert_eq!(bench.run(&one_change()).await.exit_code, 0, "{delay} s");
        assert_eq!(bench.site().effects_of("a"), 1);
    }
}

#[tokio::test]
async fn a_lying_site_is_found_out_by_the_second_look() {
    let bench = Bench::new();
    bench.site().fate([Fate::AcceptedAndNothingDone]);
    let summary = bench.run(&one_change()).await;
    assert_eq!(summary.exit_code, 4);
    assert!(bench.elapsed() >= 20 * SECOND, "the effect had its time to show");
    assert!(summary.failure.unwrap().meaning.unwrap().en.contains("20s"));
    // The site mends its ways; the same command ends well.
    assert_eq!(bench.run(&one_change()).await.exit_code, 0);
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_the_second_look() {
    let bench = Bench::new();
    bench.site().fate([Fate::LostAfter]);
    assert_eq!(bench.run(&one_change()).await.exit_code, 0);
    assert_eq!(bench.site().effects_of("a"), 1);

    let bench = Bench::new();
    bench.site().fate([Fate::LostBefore, Fate::LostBefore]);
    assert_eq!(bench.run(&one_change()).await.exit_code, 0);
    assert_eq!((bench.site().effects_of("a"), bench.site().requests.borrow().len()), (1, 3));

    let bench = Bench::new();
    bench.site().fate([Fate::LostBefore; 3]);
    assert_eq!(bench.run(&one_change()).await.exit_code, 4);
    assert_eq!(bench.run(&one_change()).await.exit_code, 0);
}

#[tokio::test]
async fn a_refused_change_fails_at_once_says_how_to_go_on_and_leaves_no_open_intent() {
    let bench = Bench::new();
    bench.site().fate([Fate::Refused]);
    let summary = bench.run(&one_change()).await;
    assert_eq!(summary.exit_code, 4);
    let advice: Vec<String> = summary.failure.unwrap().advice.into_iter().map(|text| text.en).collect();
    assert!(advice.last().is_some_and(|last| last.contains("the same command")), "{advice:?}");
    let before = bench.elapsed();
    assert_eq!(bench.run(&one_change()).await.exit_code, 0);
    assert!(bench.elapsed() - before < 5 * SECOND, "nothing has to show first");
}

#[tokio::test]
async fn a_repeat_is_sent_again_after_a_lost_answer_and_not_when_its_inputs_are_the_same() {
    let bench = Bench::new();
    bench.toy.plan("a", "one");
    bench.site().fate([Fate::LostAfter]);
    let summary = bench.run(&one_repeat()).await;
    assert_eq!((summary.exit_code, summary.sent), (0, 1));
    assert_eq!(bench.site().requests.borrow().len(), 2);
    assert_eq!(bench.run(&one_repeat()).await.exit_code, 0);
    assert_eq!((bench.outcome("s.a"), bench.resumed("s.a")), ("already-sent", Some(Resumed::Kept)));
    assert_eq!(bench.run(&one_repeat()).await.exit_code, 0);
    assert_eq!(bench.site().requests.borrow().len(), 2);
}

#[tokio::test]
async fn a_once_step_that_the_site_proves_happens_once() {
    let bench = Bench::new();
    assert_eq!(bench.run(&one_once(true)).await.exit_code, 0);
    assert_eq!(bench.run(&one_once(true)).await.exit_code, 0);
    assert_eq!((bench.outcome("s.a"), bench.site().effects_of("a")), ("already-done", 1));

    let bench = Bench::new();
    bench.site().fate([Fate::LostAfter]);
    assert_eq!(bench.run(&one_once(true)).await.exit_code, 0);
    assert_eq!((bench.outcome("s.a"), bench.site().effects_of("a")), ("changed", 1));
}

#[tokio::test]
async fn a_once_step_whose_answer_is_lost_and_unproved_asks_for_a_decision_with_literal_flags() {
    let bench = Bench::new();
    let stages = one_once(true);
    bench.site().fate([Fate::LostBefore]);
    let failure = bench.run(&stages).await.failure.unwrap();
    assert_eq!(failure.kind, Kind::Decision);
    let advice: Vec<_> = failure.advice.iter().map(|text| text.en.clone()).collect();
    assert!(advice[0].contains("--settle s.a=done:<a_id>"), "{advice:?}");
    assert!(advice[1].contains("--settle s.a=absent"), "{advice:?}");
    // Without the flag it asks again and does nothing.
    assert_eq!(bench.run(&stages).await.exit_code, 9);
    assert_eq!(bench.site().requests.borrow().len(), 1);
    // With it, it goes on; and the same command once more changes nothing.
    for _ in 0..2 {
        let settle = vec!["s.a=absent".parse().unwrap()];
        assert_eq!(bench.run_with(&stages, Options { settle, ..Options::default() }).await.exit_code, 0);
    }
    assert_eq!(bench.site().effects_of("a"), 1);
}

#[tokio::test]
async fn a_settled_once_step_brings_its_fact_and_is_trusted_from_then_on() {
    let bench = Bench::new();
    let stages = vec![stage(
        1,
        "s",
        &[("a", "gives=['a_id']"), ("b", "")],
        Steps::new().once("a", probe_nothing, act_setting("a")).check("b", async |_: &_, handle: &Handle| {
            handle.need(&Fact::<String>::new("a_id"))?;
            Ok(Facts::none())
        }),
    )];
    bench.site().fate([Fate::LostAfter]);
    assert_eq!(bench.run(&stages).await.exit_code, 9);
    let settled = |text: &str| Options { settle: vec![text.parse().unwrap()], ..Options::default() };
    assert_eq!(bench.run_with(&stages, settled("s.a=done")).await.exit_code, 2, "its fact is needed");
    assert_eq!(bench.run_with(&stages, settled("s.a=done:0123")).await.exit_code, 0);
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!(bench.site().effects_of("a"), 1);
}

#[tokio::test]
async fn the_operator_s_word_can_be_taken_back_and_a_proved_end_cannot() {
    let bench = Bench::new();
    let stages = one_once(false);
    bench.site().fate([Fate::LostBefore]);
    assert_eq!(bench.run(&stages).await.exit_code, 9);
    let settled = |text: &str| Options { settle: vec![text.parse().unwrap()], ..Options::default() };
    assert_eq!(bench.run_with(&stages, settled("s.a=done:0123")).await.exit_code, 0);
    assert_eq!((bench.run(&stages).await.exit_code, bench.site().effects_of("a")), (0, 0), "it is believed");
    assert_eq!(bench.run_with(&stages, settled("s.a=absent")).await.exit_code, 9);
    assert_eq!(bench.site().effects_of("a"), 1, "it was sent at last");

    let bench = Bench::new();
    bench.site().fate([Fate::LostAfter]);
    assert_eq!(bench.run(&stages).await.exit_code, 9);
    assert_eq!(bench.run_with(&stages, settled("s.a=done:0123")).await.exit_code, 0);
    assert_eq!(bench.run(&one_once(true)).await.exit_code, 0, "the site tells it by now");
    assert_eq!(bench.run_with(&stages, settled("s.a=absent")).await.exit_code, 0);
    assert_eq!(bench.site().effects_of("a"), 1);
}

#[tokio::test]
async fn only_a_known_once_step_can_be_settled() {
    let bench = Bench::new();
    for word in ["s.a=absent", "s.nowhere=absent"] {
        let settle = vec![word.parse().unwrap()];
        let summary = bench.run_with(&one_change(), Options { settle, ..Options::default() }).await;
        assert_eq!(summary.exit_code, 2, "{word}");
    }
    assert!(bench.site().requests.borrow().is_empty());
}

#[tokio::test]
async fn a_wait_polls_until_ready_and_a_time_out_tells_the_last_reason() {
    let stages = || {
        let look = async |site: &Rc<Site>, _: &Handle| {
            site.looks.set(site.looks.get() + 1);
            Ok(if site.looks.get() > 4 {
                WaitProbe::Ready(Facts::none())
            } else {
                WaitProbe::NotYet(crate::text::Text::same(format_args!("look {}", site.looks.get())))
            })
        };
        vec![stage(1, "s", &[("w", "timeout='4s'")], Steps::new().wait("w", look))]
    };
    let bench = Bench::new();
    // Looks at 0 s, 1 s, 2 s, 3 s and, just in time, 4 s.
    assert_eq!(bench.run(&stages()).await.exit_code, 0);
    assert_eq!((bench.outcome("s.w"), bench.elapsed()), ("ready", 4 * SECOND));

    let bench = Bench::new();
    let never =
        async |_: &Rc<Site>, _: &Handle| Ok(WaitProbe::NotYet(crate::text::Text::same("still formatting")));
    let stages = vec![stage(1, "s", &[("w", "timeout='5s'")], Steps::new().wait("w", never))];
    let summary = bench.run(&stages).await;
    assert_eq!(summary.exit_code, 5);
    assert!(summary.failure.unwrap().meaning.unwrap().en.contains("still formatting"));
}

#[tokio::test]
async fn a_wait_for_what_the_plan_does_not_ask_for_is_skipped() {
    let look =
        async |_: &Rc<Site>, _: &Handle| Ok(WaitProbe::NotNeeded(crate::text::Text::same("not planned")));
    let bench = Bench::new();
    let stages = [stage(1, "s", &[("w", "timeout='5s'")], Steps::new().wait("w", look))];
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!((bench.outcome("s.w"), bench.elapsed()), ("skipped", std::time::Duration::ZERO));
}

#[tokio::test]
async fn a_question_that_nobody_answers_ends_with_exit_9() {
    let ask = async |_: &Rc<Site>, handle: &Handle| {
        let form = question::Form::Confirm;
        handle.ask(crate::text::Text::same("erase?"), vec![], form, "--yes").await?;
        Ok(Facts::none())
    };
    let bench = Bench::new();
    let summary = bench.run(&[stage(1, "s", &[("q", "")], Steps::new().check("q", ask))]).await;
    assert_eq!(summary.exit_code, 9);
}

#[tokio::test]
async fn a_check_knows_while_a_step_after_it_is_open_and_not_of_steps_before_it() {
    let bench = Bench::new();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let told = |name: &'static str| {
        let seen = seen.clone();
        async move |_: &Rc<Site>, handle: &Handle| {
            seen.borrow_mut().push((name, handle.under_way()));
            Ok(Facts::none())
        }
    };
    let code = Steps::new()
        .check("before", told("before"))
        .change("a", probe_setting("a"), act_setting("a"))
        .check("after", told("after"));
    let manifest = [("before", ""), ("a", "visible_within='20s'"), ("after", "")];
    let stages = vec![stage(1, "s", &manifest, code)];
    bench.killed(&stages, Some(("s.a", CrashPoint::AfterAnswer))).await;
    assert_eq!(bench.run(&stages).await.exit_code, 0);
    assert_eq!(*seen.borrow(), [("before", false), ("before", true), ("after", false)]);
}
