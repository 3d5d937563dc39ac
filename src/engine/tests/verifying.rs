//! A verification reads settings back: planned beside found, every row recorded.

use std::rc::Rc;

use super::toy::*;
use crate::{
    engine::{
        event::{Agreement, EventKind, Level, Proof, Setting, Verdict},
        journal::Journal,
        *,
    },
    failure::Result,
    text::Text,
};

fn row(key: &str, found: Option<String>, made_by: Option<&str>) -> Setting {
    let verdict = match found.as_deref() {
        Some("wanted") => Agreement::Equal,
        Some("nobody-knows") => Agreement::Unreadable,
        Some(_) => Agreement::Differs,
        None => Agreement::Missing,
    };
    Setting {
        key: key.to_owned(),
        title: Text::same(key),
        cell: None,
        made_by: made_by.map(str::to_owned),
        planned: Text::same("wanted"),
        found: found.map(Text::same),
        verdict,
        reason: None,
        evidence: None,
    }
}

/// Sends `a`, makes `b`, reads both back.
fn stages() -> Vec<Stage<Toy>> {
    let read = async |site: &Rc<Site>, _: &Handle| -> Result<Vec<Setting>> {
        site.looks.set(site.looks.get() + 1);
        Ok(vec![row("a", site.get("a"), Some("s.a")), row("b", site.get("b"), Some("s.b"))])
    };
    let code = Steps::new()
        .repeat("a", send_setting("a"))
        .change("b", probe_setting("b"), act_setting("b"))
        .verify("all", read);
    vec![stage(1, "s", &[("a", "uses=['a']"), ("b", ""), ("all", "visible_within='20s'")], code)]
}

fn settings(bench: &Bench) -> Vec<Agreement> {
    let events = bench.events();
    let rows = events.iter().filter_map(|event| match event {
        EventKind::Setting { setting, .. } => Some(setting.verdict),
        _ => None,
    });
    rows.collect()
}

#[tokio::test]
async fn what_was_only_sent_counts_as_proved_when_it_was_read_back() {
    let bench = Bench::new();
    let summary = bench.run(&stages()).await;
    assert_eq!((summary.exit_code, summary.sent, summary.proved), (0, 1, 1));
    assert_eq!(settings(&bench), [Agreement::Equal, Agreement::Equal]);
    let journal = Journal::snapshot(Box::new(bench.storage.clone()), "site", "look").unwrap();
    let state = journal.state();
    assert_eq!(state.proofs.of("s.a"), Proof::Proved);
    assert!(state.runs[0].sent.contains("s.a"));
}

#[tokio::test]
async fn a_row_that_is_not_as_planned_fails_the_step_when_all_rows_are_told() {
    let bench = Bench::new();
    bench.run(&stages()).await;
    bench.site().put("a", "other");
    let summary = bench.run(&stages()).await;
    assert_eq!((summary.exit_code, summary.proved), (4, 0));
    assert_eq!(settings(&bench), [Agreement::Differs, Agreement::Equal]);
    let told = summary.failure.unwrap().answer.unwrap();
    assert!(told.en.contains("planned wanted, found other") && !told.en.contains("b:"), "{told:?}");
    let journal = Journal::snapshot(Box::new(bench.storage.clone()), "site", "look").unwrap();
    assert_eq!(journal.state().proofs.of("s.a"), Proof::Refuted);
}

#[tokio::test]
async fn a_setting_that_shows_late_is_waited_for() {
    let bench = Bench::new();
    bench.site().fate([Fate::Late(10)]);
    let summary = bench.run(&stages()).await;
    assert_eq!((summary.exit_code, summary.proved), (0, 1));
    assert_eq!(settings(&bench).len(), 2, "only the last look is told");
}

#[tokio::test]
async fn what_no_call_reads_is_one_warning_and_no_proof() {
    let bench = Bench::new();
    bench.site().put("a", "nobody-knows");
    let read = async |site: &Rc<Site>, _: &Handle| -> Result<Vec<Setting>> {
        Ok(vec![row("a", site.get("a"), None), row("c", site.get("a"), None)])
    };
    let stages = [stage(1, "s", &[("all", "")], Steps::new().verify("all", read))];
    let summary = bench.run(&stages).await;
    assert_eq!((summary.exit_code, summary.warnings, summary.proved), (0, 1, 0));
    let events = bench.events();
    let warned = events.iter().any(|event| matches!(event, EventKind::Note { level: Level::Warning, text, .. } if text.en.contains("a, c")));
    assert!(warned, "{events:?}");
}

#[tokio::test]
async fn a_survey_reads_the_settings_too() {
    let bench = Bench::new();
    bench.site().put("a", "wanted");
    bench.site().put("b", "other");
    let mut setup = bench.setup(Box::new(bench.storage.clone()));
    setup.journal = Journal::snapshot(Box::new(bench.storage.clone()), "site", "diff").unwrap();
    let seen = survey(&bench.toy, &stages(), setup, &Options::default()).await.unwrap();
    let verdicts: Vec<Agreement> = seen[2].settings.iter().map(|row| row.verdict).collect();
    assert_eq!(
        (seen[2].verdict, verdicts),
        (Some(Verdict::Differs), vec![Agreement::Equal, Agreement::Differs])
    );
    assert!(bench.site().requests.borrow().is_empty());
}
