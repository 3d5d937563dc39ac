//! Stories that nobody thought of: a driver that knows only the command line and the site's ledger draws stages, kills,
//! faults and plan corrections, and holds every run against the promises. One seed is one story. It begins at a fresh site
//! or where an undisturbed run has come to, so that the late stages have theirs too.
//!
//! `VOYAGER_WALK_SEED=n` tells one story again, `VOYAGER_WALK_SEEDS=n` takes so many, and `VOYAGER_WALK_SEEDS=m-n` those of
//! them from the m-th on (docs/reliability.md).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    os::unix::process::ExitStatusExt,
    sync::OnceLock,
};

use serde_json::json;
use voyager::{
    plan::{
        self, CheckOptions,
        view::{self, Value as Planned},
    },
    sim::fault::{Action, Fault, HoldPoint},
};

use crate::support::{
    fault::{always, hold},
    side_by_side,
    site::{SimulatedSite, files_below},
    staged::{End, Staged, once_only, staged},
    tool::{Ran, Voyager},
    workbook::Workbook,
};

/// Stories in the gate.
const SEEDS: u64 = 30;

/// The first and the last stage of a story, drawn as often as they stand here. Most stories are short: each of their runs
/// looks again at everything before it.
const SPANS: [(&str, &str); 20] = [
    ("01", "02"),
    ("01", "03"),
    ("01", "03"),
    ("01", "04"),
    ("01", "14"),
    ("03", "03"),
    ("03", "04"),
    ("03", "06"),
    ("04", "04"),
    ("04", "05"),
    ("05", "06"),
    ("05", "07"),
    ("06", "08"),
    ("08", "08"),
    ("08", "09"),
    ("08", "11"),
    ("09", "09"),
    ("09", "10"),
    ("10", "11"),
    ("10", "14"),
];

/// Corrections that a deployed site can follow; none as in the original plan.
const CORRECTIONS: [&[&str]; 3] =
    [&["M!E22 = 10.40.1.13"], &["H!F4 = operator"], &["H!F3 = bmc", "M!E23 = 10.40.1.14"]];

/// What the kinds of exit may be while things go wrong: well, refused by the site, timed out, undecided.
const EXPECTED: [i32; 4] = [0, 4, 5, 9];

#[test]
fn whatever_happens_on_the_way_nothing_is_lost_done_twice_or_told() {
    let seeds = seeds();
    let wrong = side_by_side(&seeds, |seed| {
        let told = std::panic::catch_unwind(|| Story::new(*seed).tell());
        told.is_err().then_some(*seed)
    });
    let wrong: Vec<u64> = wrong.into_iter().flatten().collect();
    // Figures for docs/reliability.md, shown with --nocapture.
    writeln!(std::io::stderr(), "random walks: {} stories, {} wrong", seeds.len(), wrong.len())
        .expect("stderr");
    assert!(wrong.is_empty(), "tell them again with VOYAGER_WALK_SEED: {wrong:?}");
}

fn seeds() -> Vec<u64> {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    if let Ok(seed) = std::env::var("VOYAGER_WALK_SEED") {
        return vec![number(&seed)];
    }
    let Ok(asked) = std::env::var("VOYAGER_WALK_SEEDS") else {
        return (1..=SEEDS).collect();
    };
    let (first, last) = asked.split_once('-').unwrap_or(("1", &asked));
    let seeds: Vec<u64> = (number(first)..=number(last)).collect();
    assert!(!seeds.is_empty(), "no story in {asked}");
    seeds
}

/// SplitMix64: the same seed draws the same on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("small")
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

struct Story {
    seed: u64,
    dice: Dice,
    /// The stages it is about, in order.
    stages: &'static [Staged],
    site: SimulatedSite,
    /// What happened so far, for whoever has to understand a failure.
    told: Vec<String>,
}

/// What happens to one run.
#[derive(Clone, Debug)]
enum Disturbance {
    Nothing,
    CrashAt(String),
    KilledAt(Box<Fault>),
    Faults(Vec<Fault>),
    Corrected(&'static [&'static str]),
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let (first, last) = *dice.pick(&SPANS);
        let at = |number| staged().iter().position(|stage| stage.number == number).expect("a stage");
        let stages = &staged()[at(first)..=at(last)];
        let site = SimulatedSite::restored(&stages[0].before);
        Self { seed, dice, stages, site, told: Vec::new() }
    }

    fn last(&self) -> &'static Staged {
        self.stages.last().expect("a stage")
    }

    fn end(&self) -> &'static End {
        &self.last().end
    }

    /// What the site is asked for in the story's stages.
    fn operations(&self) -> Vec<&'static String> {
        let asked: BTreeSet<&String> = self.stages.iter().flat_map(|stage| &stage.operations).collect();
        asked.into_iter().collect()
    }

    fn tell(mut self) {
        for _ in 0..2 + self.dice.below(3) {
            let (disturbance, selection) = (self.disturbance(), self.selection());
            self.told.push(format!("{disturbance:?} {selection:?}"));
            let ran = self.run(&disturbance, &selection);
            let kill = matches!(disturbance, Disturbance::CrashAt(_) | Disturbance::KilledAt(_));
            self.told.push(format!("  {}", ran.status));
            self.holds(&ran, kill);
            self.site.set_faults(Vec::new());
            if ran.status.code() == Some(9) {
                let ran = self.decided(ran, &selection);
                self.holds(&ran, false);
            }
        }
        // Nothing is in the way any more, and the plan is the first one again.
        Workbook::good().write(self.site.folder.path(), "plan.xlsx");
        let selection = vec!["--to".to_owned(), self.last().number.to_owned()];
        let mut ran = self.command(&selection).run();
        // On a busy machine even a host that is well may be too late for a probe: the same command again.
        for _ in 0..3 {
            ran = self.decided(ran, &selection);
            self.holds(&ran, false);
            if ran.status.code() == Some(0) {
                break;
            }
            self.told.push(format!("  {}, once more", ran.status));
            ran = self.command(&selection).run();
        }
        assert_eq!(ran.status.code(), Some(0), "{} {ran}", self.so_far());
        assert_eq!(&End::of(&self.site), self.end(), "{}", self.so_far());
        let changes = self.changes();
        let again = self.command(&selection).run();
        assert_eq!(again.status.code(), Some(0), "{} {again}", self.so_far());
        assert_eq!(self.changes(), changes, "{} {ran}\nonce more:\n{again}", self.so_far());
    }

    /// The changing requests that the site has counted, by operation.
    fn changes(&self) -> BTreeMap<String, u64> {
        self.site.ledger().changes.iter().map(|(operation, tally)| (operation.clone(), tally.count)).collect()
    }

    fn so_far(&self) -> String {
        let (first, last) = (self.stages[0].number, self.last().number);
        format!("story {} of stages {first} to {last}:\n{}\n", self.seed, self.told.join("\n"))
    }

    fn disturbance(&mut self) -> Disturbance {
        let operations = &self.operations();
        match self.dice.below(10) {
            0 => Disturbance::Nothing,
            1..=3 => {
                let steps: Vec<&str> = self.steps();
                let points =
                    ["before-intent", "after-intent", "after-answer", "before-outcome", "after-outcome"];
                // A stage that only looks has nothing to die at.
                if steps.is_empty() {
                    return Disturbance::Nothing;
                }
                Disturbance::CrashAt(format!("{}:{}", self.dice.pick(&steps), self.dice.pick(&points)))
            }
            4 | 5 => {
                let point = *self.dice.pick(&[HoldPoint::BeforeEffect, HoldPoint::AfterEffect]);
                let (operation, nth) = (self.dice.pick(operations), 1 + self.dice.below(3) as u64);
                Disturbance::KilledAt(Box::new(Fault { nth, ..hold(operation, point) }))
            }
            6..=8 => {
                let number = 1 + self.dice.below(3);
                Disturbance::Faults((0..number).map(|_| self.fault(operations)).collect())
            }
            _ => Disturbance::Corrected(CORRECTIONS[self.dice.below(CORRECTIONS.len())]),
        }
    }

    fn fault(&mut self, operations: &[&String]) -> Fault {
        let status = |status, body: &str| Action::Status {
            status,
            headers: BTreeMap::from([("Retry-After".to_owned(), "1".to_owned())]),
            body: body.to_owned(),
        };
        let menu = [
            Action::ResetBefore,
            Action::ResetAfter,
            Action::DropAnswer,
            Action::ExpireTokens,
            Action::CutBody { bytes: 7 },
            Action::Delay { seconds: 3.0 },
            status(429, ""),
            status(500, ""),
            status(502, "<html><body>Bad Gateway</body></html>"),
            status(503, "{}"),
            Action::V2 { ec: "SIM_ODD".into(), msg: "not today".into(), detail: json!({}) },
        ];
        let (nth, count) = (1 + self.dice.below(4) as u64, 1 + self.dice.below(2) as u64);
        let operation = (*self.dice.pick(operations)).clone();
        Fault { nth, count, ..always(&operation, self.dice.pick(&menu).clone()) }
    }

    /// The acting steps of the story's stages.
    fn steps(&self) -> Vec<&'static str> {
        self.stages.iter().flat_map(|stage| &stage.acted).map(|step| step.id.as_str()).collect()
    }

    fn selection(&mut self) -> Vec<String> {
        let (first, last) = (self.stages[0].number, self.last().number);
        let stage = self.dice.pick(self.stages).number;
        let words: &[&str] = match self.dice.below(6) {
            // What is named must be planned, and the example leaves one component out.
            0 if stage != "10" => &["--stage", stage],
            1 => &["--to", stage],
            2 => &["--from", stage, "--to", last],
            3 => &["--to", last],
            _ => &["--from", first, "--to", last],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn command(&self, selection: &[String]) -> Voyager {
        self.site.run().args(selection)
    }

    fn run(&mut self, disturbance: &Disturbance, selection: &[String]) -> Ran {
        let command = self.command(selection);
        match disturbance {
            Disturbance::Nothing => command.run(),
            Disturbance::CrashAt(point) => command.args(["--crash-at", point]).run(),
            Disturbance::Faults(faults) => {
                self.site.set_faults(faults.clone());
                command.run()
            }
            Disturbance::Corrected(edits) => {
                Workbook::good().edit(edits).write(self.site.folder.path(), "plan.xlsx");
                command.run()
            }
            Disturbance::KilledAt(fault) => {
                self.site.set_faults(vec![(**fault).clone()]);
                let log = self.site.folder.path().join("killed.log");
                let mut child = command.start(&log);
                let held = || !self.site.running().site().holds.list().is_empty();
                let status = loop {
                    if let Some(status) = child.try_wait().expect("it can be asked") {
                        break status;
                    }
                    if held() {
                        child.kill().expect("it is killed");
                        break child.wait().expect("it ended");
                    }
                    std::thread::yield_now();
                };
                self.site.release();
                Ran { status, stdout: fs::read_to_string(log).expect("the log"), stderr: String::new() }
            }
        }
    }

    /// The same command with the operator's word, as long as it is asked for.
    fn decided(&mut self, mut ran: Ran, selection: &[String]) -> Ran {
        for _ in 0..4 {
            if ran.status.code() != Some(9) {
                break;
            }
            let flags = self.flags(&ran);
            self.told.push(format!("  asked: {flags:?}"));
            ran = self.command(selection).args(flags).run();
            self.told.push(format!("  {}", ran.status));
        }
        ran
    }

    /// The flags that the tool printed, chosen by what the site has counted.
    fn flags(&self, ran: &Ran) -> Vec<String> {
        let mut flags = Vec::new();
        for pair in ran.words().windows(2) {
            match pair {
                ["--redo", step] => flags.extend(["--redo".to_owned(), (*step).to_owned()]),
                ["--settle", word] => {
                    let (step, decision) = word.split_once('=').expect("STEP=WORD");
                    if decision.starts_with("done") == self.happened(step) {
                        let vm = self.site.running().site().with(|state, _| {
                            state.cluster.vms().next().map(|vm| vm.uuid.clone()).unwrap_or_default()
                        });
                        flags.extend(["--settle".to_owned(), word.replace("<tower_vm>", &vm)]);
                    }
                }
                _ => {}
            }
        }
        assert!(!flags.is_empty(), "{} asks, and names no flag: {ran}", self.so_far());
        flags
    }

    fn happened(&self, step: &str) -> bool {
        let ledger = self.site.ledger();
        match step {
            "init-cluster.deploy" => ledger.deployments.count > 0,
            "deploy-cloudtower.vm" => ledger.vms.values().any(|tally| tally.count > 0),
            _ => panic!("how does one see at the site whether {step} happened?"),
        }
    }

    /// What holds after every run.
    fn holds(&self, ran: &Ran, kill: bool) {
        let so_far = self.so_far();
        let code = ran.status.code();
        let killed = kill && ran.status.signal() == Some(9);
        assert!(killed || code.is_some_and(|code| EXPECTED.contains(&code)), "{so_far} {ran}");
        let ledger = self.site.ledger();
        for (what, count) in once_only(&ledger) {
            let most = self.end().once.get(&what).copied().unwrap_or(0);
            assert!(count <= most, "{so_far} {what} happened {count} times, not {most}: {ran}");
        }
        assert!(ledger.breaches.is_empty(), "{so_far} {:?}", ledger.breaches);
        assert!(ledger.outside_plan.is_empty() && ledger.secrets_in_urls.is_empty(), "{so_far}");
        let files = files_below(self.site.folder.path());
        if files.iter().any(|file| file.ends_with("journal.jsonl")) {
            let runs =
                Voyager::within(self.site.folder.path()).args(["runs", "--artifacts", ARTIFACTS]).run();
            assert_eq!(runs.status.code(), Some(0), "{so_far} the journal cannot be read: {runs}");
        }
        let tokens = self
            .site
            .running()
            .site()
            .with(|state, _| [state.cluster.session_tokens(), state.tower.tokens()].concat());
        let told = files.iter().filter(|file| file.extension().is_none_or(|kind| kind != "xlsx"));
        let told = told.map(|file| String::from_utf8_lossy(&fs::read(file).expect("read")).into_owned());
        for text in told.chain([ran.stdout.clone(), ran.stderr.clone()]) {
            let secret = secrets().iter().chain(&tokens).find(|secret| text.contains(secret.as_str()));
            assert!(secret.is_none(), "{so_far} a secret was told");
        }
    }
}

const ARTIFACTS: &str = "artifacts/simulated";

/// The passwords of the plan that are no everyday words.
fn secrets() -> &'static [String] {
    static SECRETS: OnceLock<Vec<String>> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let checked = plan::check_bytes(&Workbook::good().bytes(), "plan.xlsx", &CheckOptions::default());
        let entries = view::entries(&checked.plan.expect("a good plan"));
        let secrets = entries.into_iter().filter_map(|entry| match entry.value {
            Planned::Secret(secret) => Some(secret.expose().clone()),
            _ => None,
        });
        secrets.filter(|secret| secret.len() > 7).collect()
    })
}
