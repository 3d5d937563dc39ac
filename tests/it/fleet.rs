//! Several clusters at once: each is an ordinary run of its own, and none disturbs another.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;
use voyager::sim::fault::{Action, HoldPoint};

use crate::support::{
    fault::{always, hold},
    site::{SimulatedSite, files_below, until},
    tool::{SPOILT, Voyager},
    workbook::Workbook,
};

/// Two sites of different plans, and the folder that both are deployed from.
struct Pair {
    first: SimulatedSite,
    second: SimulatedSite,
    folder: TempDir,
}

impl Pair {
    fn start() -> Self {
        let site = |plan: Workbook| {
            let site = SimulatedSite::of(&plan).start();
            // Each plan has a configuration beside it, and so a way of its own.
            let path = site.folder.path().join("voyager.toml");
            let limits = fs::read_to_string(&path).expect("the configuration");
            let proxy = site.running().proxy_url();
            fs::write(&path, format!("{limits}[run]\nproxy = \"{proxy}\"\n")).expect("written");
            site
        };
        let folder = tempfile::tempdir().expect("a folder");
        Self { first: site(Workbook::good()), second: site(Workbook::storage_separate()), folder }
    }

    fn plans(&self) -> [PathBuf; 2] {
        [&self.first, &self.second].map(|site| site.folder.path().join("plan.xlsx"))
    }

    /// `voyager run` of both, without questions.
    fn run(&self) -> Voyager {
        let [first, second] = self.plans();
        let media = self.first.folder.path().join("media");
        Voyager::within(self.folder.path())
            .args(["run", "--yes", "--plan"])
            .arg(first)
            .arg("--plan")
            .arg(second)
            .arg("--media")
            .arg(media)
    }
}

const FIRST: &str = "QS-SZ-SMTX-Prod-Cls01";
const SECOND: &str = "HB-CD-SMTX-DR-Cls01";

#[test]
fn two_clusters_are_deployed_side_by_side_each_once_and_in_the_words_of_its_name() {
    let pair = Pair::start();
    // As long as one transfer at a time is allowed, none begins before another has ended.
    let ran = pair.run().env("VOYAGER_FLEET_TRANSFERS", "1").args(["--to", "03"]).run().exits_with(0);
    let ran = ran.says("all 2 clusters are done").says(&format!("[{FIRST}] == 02 init-cluster"));
    ran.says(&format!("[{SECOND}] == 02 init-cluster"));
    for (site, vlan) in [(&pair.first, "VLAN-230"), (&pair.second, "VLAN-1102")] {
        let ledger = site.ledger();
        assert_eq!(ledger.deployments.count, 1);
        let created = ledger.networks.iter().find(|(name, _)| name.ends_with(vlan));
        assert_eq!(created.map(|(_, tally)| tally.count), Some(1), "{:?}", ledger.networks);
        assert!(ledger.networks.values().all(|tally| tally.count == 1), "{:?}", ledger.networks);
        assert_eq!(ledger.breaches.len(), 0, "{:?}", ledger.breaches);
    }
    assert_eq!(folders(&pair).len(), 2, "each has a folder of its own");
    let mut transfers: Vec<(jiff::Timestamp, jiff::Timestamp)> =
        folders(&pair).iter().map(|folder| transfer(folder)).collect();
    transfers.sort();
    assert!(transfers[0].1 <= transfers[1].0, "two files travelled at a time: {transfers:?}");

    // Looking again takes sessions; they change nothing.
    let effects = |site: &SimulatedSite| {
        let mut ledger = serde_json::json!(site.ledger());
        for sessions in ["logins", "ssh_connections"] {
            ledger.as_object_mut().expect("an object").remove(sessions);
        }
        ledger
    };
    let before = [effects(&pair.first), effects(&pair.second)];
    pair.run().args(["--to", "03"]).run().exits_with(0);
    assert_eq!(before, [effects(&pair.first), effects(&pair.second)], "what is done is not done again");
}

#[test]
fn one_that_fails_does_not_disturb_the_other_and_each_is_told_how_to_go_on() {
    let pair = Pair::start();
    let refused = Action::Status { status: 403, headers: Default::default(), body: String::new() };
    pair.second.set_faults(vec![always("fisheye.deploy", refused)]);
    let ran = pair.run().args(["--to", "02"]).run().exits_with(4);
    let [_, second] = pair.plans();
    let ran = ran.says("2 clusters: 1 done, 1 not finished (exit code 4)");
    let again = format!("--plan {}", second.display());
    let line = ran.stdout.lines().find(|line| line.contains("next  voyager run") && line.contains(&again));
    let line = line.unwrap_or_else(|| panic!("no command for the second cluster\n{ran}"));
    assert_eq!(line.matches("--plan").count(), 1, "{line}");
    assert!(
        ran.stderr.contains(&format!("[{SECOND}] ")) && !ran.stderr.contains(&format!("[{FIRST}] ")),
        "{ran}"
    );
    assert_eq!((pair.first.ledger().deployments.count, pair.second.ledger().deployments.count), (1, 0));
}

#[test]
fn ctrl_c_stops_all_of_them_at_a_safe_place() {
    let pair = Pair::start();
    for site in [&pair.first, &pair.second] {
        site.set_faults(vec![hold("fisheye.deploy", HoldPoint::BeforeEffect)]);
    }
    let log = pair.folder.path().join("run.log");
    let mut tool = pair.run().args(["--to", "03"]).start(&log);
    let said = || fs::read_to_string(&log).unwrap_or_default();
    pair.first.until_held();
    pair.second.until_held();
    let sent = std::process::Command::new("kill").args(["-s", "INT", &tool.id().to_string()]).status();
    assert!(sent.expect("kill(1) is there").success());
    until("the tool says that it stops", || said().contains("stopping"));
    pair.first.release();
    pair.second.release();
    assert_eq!(tool.wait().expect("the tool ends").code(), Some(130), "{}", said());
    for site in [&pair.first, &pair.second] {
        let ledger = site.ledger();
        assert_eq!((ledger.deployments.count, ledger.setup_root.count), (1, 0), "{}", said());
    }
}

#[test]
fn as_json_every_record_names_its_cluster_and_the_last_one_lists_them() {
    let folder = tempfile::tempdir().expect("a folder");
    Workbook::good().write(folder.path(), "a.xlsx");
    Workbook::storage_separate().write(folder.path(), "b.xlsx");
    fs::write(folder.path().join("~$a.xlsx"), "an open workbook").expect("written");
    fs::write(folder.path().join("voyager.toml"), "[limits]\nsilent_probe = \"500ms\"\n").expect("written");
    let args = ["run", "--plan", ".", "--simulate", "--stage", "01", "--speed", "1000", "--output", "json"];
    let ran = Voyager::within(folder.path()).args(args).run().exits_with(0);
    let mut records = ran.records();
    let last = records.pop().expect("records");
    assert_eq!((&last["event"], &last["exit_code"]), (&"fleet-finished".into(), &0.into()), "{ran}");
    let names: Vec<&Value> =
        last["clusters"].as_array().expect("a list").iter().map(|one| &one["cluster"]).collect();
    assert_eq!(names, [FIRST, SECOND]);
    let took = |record: &Value| record["elapsed_ms"].as_u64().expect("milliseconds");
    let longest = last["clusters"].as_array().into_iter().flatten().map(took).max();
    assert_eq!(longest, Some(took(&last)), "they run side by side");
    for name in [FIRST, SECOND] {
        let own: Vec<&Value> = records.iter().filter(|record| record["cluster"] == name).collect();
        assert_eq!(own.first().map(|first| &first["event"]), Some(&"run-started".into()), "{ran}");
        assert_eq!(own.last().map(|last| &last["event"]), Some(&"run-finished".into()), "{ran}");
        let listed = last["clusters"].as_array().into_iter().flatten().find(|one| one["cluster"] == name);
        assert_eq!(listed.map(took), own.last().map(|last| took(last)), "{ran}");
    }
    assert!(records.iter().all(|record| record["cluster"].is_string()), "{ran}");

    Voyager::within(folder.path())
        .args(["run", "--plan", ".", "--settle", "init-cluster.deploy=done"])
        .run()
        .exits_with(2)
        .says("run the one that it is for alone");
}

#[test]
fn on_a_terminal_each_cluster_has_a_line_and_is_left_as_it_was_found() {
    let folder = tempfile::tempdir().expect("a folder");
    Workbook::good().write(folder.path(), "a.xlsx");
    Workbook::storage_separate().write(folder.path(), "b.xlsx");
    let run = Voyager::within(folder.path()).env("VOYAGER_LIMITS_SILENT_PROBE", "500ms");
    let run = run.args(["run", "--plan", ".", "--simulate", "--stage", "01", "--speed", "1000"]);
    let ran = run.env("TERM", "xterm").run_at_terminal("stty rows 24 cols 100", "2\nno-such\n");
    let Some(ran) = ran else { return };
    let ran = ran.exits_with(0).says(&format!(" 2 {SECOND}    01 prepare")).does_not_say(SPOILT);
    ran.says("type the number or the name of a cluster")
        .says("no cluster is called \"no-such\"")
        .says("all 2 clusters are done; the whole fleet took ")
        .says("next  voyager");
}

/// The run folders of both clusters.
fn folders(pair: &Pair) -> Vec<PathBuf> {
    let files = files_below(pair.folder.path());
    let wires = files.into_iter().filter(|path| path.ends_with("wire.jsonl"));
    wires.map(|path| path.parent().expect("a folder").to_owned()).collect()
}

/// When the first chunk of a run left and the last one was answered.
fn transfer(folder: &Path) -> (jiff::Timestamp, jiff::Timestamp) {
    let text = fs::read_to_string(folder.join("wire.jsonl")).expect("a transcript");
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let is_chunk = |record: &Value| record["request"].as_str().is_some_and(|body| body.contains("chunk of "));
    let spans: Vec<_> = records
        .filter(is_chunk)
        .map(|record| {
            let left: jiff::Timestamp = record["time"].as_str().expect("a time").parse().expect("a time");
            (left, left + jiff::SignedDuration::from_millis(record["ms"].as_i64().expect("a number")))
        })
        .collect();
    let first = spans.iter().map(|span| span.0).min().expect("chunks travelled");
    (first, spans.iter().map(|span| span.1).max().expect("chunks travelled"))
}
