//! The survey looks and never acts; the outline lists.

use super::toy::*;
use crate::engine::{event::Verdict, journal::Journal, *};

#[tokio::test]
async fn a_survey_tells_every_verdict_and_changes_neither_site_nor_journal() {
    let bench = Bench::new();
    let code = Steps::new()
        .change("a", probe_setting("a"), act_setting("a"))
        .change("b", probe_setting("b"), act_setting("b"))
        .change(
            "e",
            async |_: &_, handle: &Handle| {
                handle.need(&Fact::<String>::new("nowhere"))?;
                Ok(ChangeProbe::Absent)
            },
            act_setting("e"),
        )
        .once("c", probe_thing("c"), act_setting("c"))
        .repeat("d", send_setting("d"))
        .change("f", probe_setting("f"), act_setting("f"));
    let steps = ["a", "b", "e", "c", "d", "f"].map(|step| (step, ""));
    let stages = [stage(1, "s", &steps, code)];
    bench.site().put("a", "wanted");
    bench.site().put("b", "other");
    let mut setup = bench.setup(Box::new(bench.storage.clone()));
    setup.journal = Journal::snapshot(Box::new(bench.storage.clone()), "site", "diff").unwrap();
    let seen = survey(&bench.toy, &stages, setup, &Options::default()).await.unwrap();
    let verdicts: Vec<_> = seen.iter().map(|state| state.verdict).collect();
    let expected = [
        Some(Verdict::Done),
        Some(Verdict::Differs),
        Some(Verdict::Unknown),
        Some(Verdict::Unproved),
        None,
        None,
    ];
    assert_eq!(verdicts, expected);
    assert_eq!(seen[1].differences[0].cell.as_deref(), Some("规划!A1"));
    assert!(seen[2].failure.is_some());
    let why = seen[5].reason.as_ref().unwrap();
    assert!(why.en.contains("c has not been done"), "what rests on c is not looked for: {why:?}");
    assert!(bench.site().requests.borrow().is_empty());
    assert!(bench.storage.bytes().is_empty());
}

#[test]
fn the_listing_names_kinds_and_true_dependencies() {
    let code = Steps::new().change("a", probe_setting("a"), act_setting("a")).repeat("b", send_setting("b"));
    let list = outline::listing(&[stage(1, "s", &[("a", ""), ("b", "")], code)]).unwrap();
    let short: Vec<_> =
        list.steps.iter().map(|step| (step.id.as_str(), step.kind, step.after.clone())).collect();
    assert_eq!(short, [("s.a", "change", vec![]), ("s.b", "repeat", vec!["s.a".to_owned()])]);
}
