use jiff::Timestamp;

use super::{
    acceptance::{Acceptance, Standing, StepEnd},
    document::Mark,
    fold::{Logged, Sources},
};
use crate::{
    engine::event::{
        Agreement, Event, EventKind, Evidence, Facts, Outcome, RunOutline, Setting, StageOutline, StepOutline,
    },
    text::{Lang, Text},
};

/// A log that is written event by event, a second apart.
struct Log(Vec<Logged>);

impl Log {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn run(mut self, run: &str, simulated: bool) -> Self {
        self.push(
            run,
            EventKind::RunStarted(RunOutline {
                schema: "1.0".into(),
                run: run.into(),
                site: "s1".into(),
                simulated,
                version: "0.1.0".into(),
                run_folder: None,
                plan: None,
                stages: vec![],
            }),
        );
        self
    }

    fn push(&mut self, run: &str, kind: EventKind) {
        let at = Timestamp::from_second(1_700_000_000 + self.0.len() as i64).unwrap();
        self.0.push(Logged { run: run.into(), event: Event { at, kind } });
    }

    /// An event of the newest run.
    fn and(mut self, kind: EventKind) -> Self {
        let run = self.0.last().unwrap().run.clone();
        self.push(&run, kind);
        self
    }

    fn step(self, step: &str, outcome: Outcome) -> Self {
        let step = step.to_owned();
        self.and(EventKind::StepStarted { step: step.clone() }).and(EventKind::StepFinished {
            step,
            outcome,
            facts: Facts::none(),
            elapsed_ms: 1000,
        })
    }

    fn acceptance(&self) -> Acceptance {
        let step = |id: &str| StepOutline {
            id: id.into(),
            title: Text::same(id),
            expected_ms: None,
            past: 0,
            limit_ms: 0,
        };
        let stage = |number, steps: &[&str]| StageOutline {
            id: "stage".into(),
            number,
            title: Text::same("stage"),
            selected: true,
            steps: steps.iter().map(|id| step(id)).collect(),
        };
        let runbook = [stage(3, &["a.make", "a.other"]), stage(7, &["v.read"])];
        let sources = Sources { site: "s1", log: &self.0, runbook: &runbook, transfers: vec![] };
        sources.acceptance().unwrap()
    }
}

fn setting(verdict: Agreement, evidence: bool) -> EventKind {
    let evidence = evidence.then(|| Evidence {
        operation: "fisheye.vds.list".into(),
        address: "10.0.0.5:443".into(),
        method: "GET".into(),
        path: "/api".into(),
        at: Timestamp::UNIX_EPOCH,
        sha256: "ab".repeat(32),
    });
    EventKind::Setting {
        step: "v.read".into(),
        setting: Box::new(Setting {
            key: "cluster.vip".into(),
            title: Text::same("<VIP> & \"more\""),
            cell: None,
            made_by: Some("a.make".into()),
            planned: Text::same("=1+1"),
            found: Some(Text::same("=1+1")),
            verdict,
            reason: None,
            evidence,
        }),
    }
}

fn read(verdict: Agreement, evidence: bool) -> Log {
    let begun = EventKind::StepStarted { step: "v.read".into() };
    let ended = EventKind::StepFinished {
        step: "v.read".into(),
        outcome: Outcome::Passed,
        facts: Facts::none(),
        elapsed_ms: 1,
    };
    Log::new()
        .run("r1", false)
        .step("a.make", Outcome::Sent)
        .and(begun)
        .and(setting(verdict, evidence))
        .and(ended)
}

#[test]
fn only_what_equals_the_plan_and_has_its_evidence_is_proved() {
    let standing = |verdict, evidence| read(verdict, evidence).acceptance().settings[0].standing;
    assert_eq!(standing(Agreement::Equal, true), Standing::Proved);
    assert_eq!(standing(Agreement::Equal, false), Standing::NoEvidence);
    assert_eq!(standing(Agreement::Unreadable, true), Standing::NotProvable);
    assert_eq!(standing(Agreement::NotPlanned, true), Standing::NotPlanned);
    let proved: Vec<Agreement> = [
        Agreement::Equal,
        Agreement::Differs,
        Agreement::Missing,
        Agreement::Unread,
        Agreement::Unreadable,
        Agreement::NotPlanned,
    ]
    .into_iter()
    .filter(|verdict| standing(*verdict, true) == Standing::Proved)
    .collect();
    assert_eq!(proved, [Agreement::Equal]);
}

#[test]
fn exactly_what_is_another_or_missing_is_red() {
    for (verdict, red) in [
        (Agreement::Equal, false),
        (Agreement::Differs, true),
        (Agreement::Missing, true),
        (Agreement::Unread, false),
        (Agreement::Unreadable, false),
        (Agreement::NotPlanned, false),
    ] {
        let document = read(verdict, true).acceptance().document(Lang::En);
        let row = document.rows().find(|row| row.key == "setting.v.read.cluster.vip").unwrap();
        assert_eq!(row.mark == Mark::Bad, red, "{verdict:?}");
        assert_eq!(row.cells[4].mark == Mark::Good, verdict == Agreement::Equal, "{verdict:?}");
    }
}

#[test]
fn a_reading_is_worth_nothing_once_the_step_that_makes_the_setting_has_acted_again() {
    let log = read(Agreement::Equal, true).run("r2", false);
    let log = log.and(EventKind::StepStarted { step: "a.make".into() });
    let log = log.and(EventKind::Intent { step: "a.make".into() });
    let acceptance = log.acceptance();
    assert_eq!(acceptance.settings[0].standing, Standing::Outdated);
    assert!(matches!(acceptance.stages[0].steps[0].end, StepEnd::Open));
}

#[test]
fn a_new_reading_takes_the_place_of_the_old_one() {
    let log = read(Agreement::Differs, true).run("r2", false);
    let log = log.and(EventKind::StepStarted { step: "v.read".into() }).and(setting(Agreement::Equal, true));
    let settings = log.acceptance().settings;
    assert_eq!(settings.iter().map(|row| row.standing).collect::<Vec<_>>(), [Standing::Proved]);
}

#[test]
fn an_operators_word_stands_until_the_site_proves_it() {
    let settled = |done| Outcome::Settled { done };
    let log = Log::new().run("r1", false).step("a.make", settled(true)).run("r2", false);
    let again = log.step("a.make", Outcome::AlreadyDone);
    let step = &again.acceptance().stages[0].steps[0];
    assert_eq!(step.settled_in.as_deref(), Some("r1"));
    assert!(!step.is_good());
    let document = again.acceptance().document(Lang::En);
    let row = document.rows().find(|row| row.key == "deviation.a.make").unwrap();
    assert!(row.cells[2].text.contains("operator's word in run r1"), "{row:?}");
    let changed = again.step("a.make", Outcome::Changed);
    assert_eq!(changed.acceptance().stages[0].steps[0].settled_in, None);
}

#[test]
fn a_step_that_was_not_run_again_keeps_what_an_earlier_run_found() {
    let not_run = Outcome::NotRun { reason: Text::same("stopped") };
    let log = Log::new().run("r1", false).step("a.make", Outcome::Changed).run("r2", false);
    let acceptance = log.step("a.make", not_run).acceptance();
    let steps = &acceptance.stages[0].steps;
    assert!(matches!(steps[0].end, StepEnd::Ended(Outcome::Changed)));
    assert!(matches!(steps[1].end, StepEnd::Never));
}

#[test]
fn words_of_a_site_are_neither_markup_nor_formulas() {
    let document = read(Agreement::Equal, true).acceptance().document(Lang::Zh);
    let page = document.html();
    assert!(page.contains("&lt;VIP&gt; &amp; &quot;more&quot;") && !page.contains("<VIP>"));
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    let workbook = document.workbook().unwrap();
    let mut book: calamine::Xlsx<_> =
        calamine::open_workbook_from_rs(std::io::Cursor::new(workbook)).unwrap();
    let sheet = calamine::Reader::worksheet_range(&mut book, "设置核对").unwrap();
    let texts: Vec<String> = sheet.used_cells().map(|(_, _, cell)| cell.to_string()).collect();
    assert!(texts.iter().any(|text| text == "=1+1"), "{texts:?}");
}

#[test]
fn a_rehearsal_has_a_banner_and_a_real_site_has_none() {
    let banner = |simulated| Log::new().run("r1", simulated).acceptance().document(Lang::En).banner;
    assert!(banner(true).is_some_and(|text| text.contains("REHEARSAL")));
    assert_eq!(banner(false), None);
}

#[test]
fn the_same_log_gives_the_same_bytes() {
    let document = || read(Agreement::Equal, true).acceptance().document(Lang::Zh);
    assert_eq!(document().html(), document().html());
    assert!(document().workbook().unwrap() == document().workbook().unwrap());
}

#[test]
fn a_product_is_told_by_its_fact_else_by_why_its_step_was_skipped_and_never_as_deployed() {
    let log = |outcome| {
        let mut facts = Facts::none();
        facts.set(
            "file_storage",
            serde_json::json!({"told": {"zh": "已上传", "en": "UPLOADED_NOT_INSTALLED"}}),
        );
        let step = "deploy-packages.file-storage".to_owned();
        let begun = EventKind::StepStarted { step: step.clone() };
        let ended = EventKind::StepFinished { step, outcome, facts, elapsed_ms: 1 };
        Log::new().run("r1", false).and(begun).and(ended)
    };
    let told = |outcome| {
        let step = StepOutline {
            id: "deploy-packages.file-storage".into(),
            title: Text::same("package of SFS"),
            expected_ms: None,
            past: 0,
            limit_ms: 0,
        };
        let (id, title) = ("deploy-packages".into(), Text::same("stage"));
        let runbook = [StageOutline { id, number: 10, title, selected: true, steps: vec![step] }];
        let log = log(outcome);
        let sources = Sources { site: "s1", log: &log.0, runbook: &runbook, transfers: vec![] };
        let document = sources.acceptance().unwrap().document(Lang::En);
        let row = document.rows().find(|row| row.key == "product.deploy-packages.file-storage").unwrap();
        row.cells[1].text.clone()
    };
    assert_eq!(told(Outcome::Changed), "UPLOADED_NOT_INSTALLED");
    assert_eq!(told(Outcome::Skipped { reason: Text::same("NO_PACKAGE") }), "NO_PACKAGE");
}
