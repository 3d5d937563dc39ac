//! The command line itself: wrong arguments, help, languages, configuration, completions.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::support::tool::{Ran, Voyager, project};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn voyager<const N: usize>(args: [&str; N]) -> Ran {
    let folder = folder();
    Voyager::within(folder.path()).args(args).run()
}

/// A folder with the example's plan in it.
fn with_plan() -> TempDir {
    let folder = folder();
    fs::copy(project("examples/plan.xlsx"), folder.path().join("plan.xlsx")).expect("the example");
    folder
}

fn within<const N: usize>(folder: &Path, args: [&str; N]) -> Ran {
    Voyager::within(folder).args(args).run()
}

#[test]
fn wrong_arguments_exit_with_2_and_say_what_is_wrong_in_both_languages() {
    voyager(["plan", "check", "--frob", "x"]).exits_with(2).says("there is no option --frob");
    voyager(["--lang", "zh", "plan", "check", "--frob", "x"]).exits_with(2).says("没有选项 --frob");
    voyager(["chekc"]).exits_with(2).says("there is no command chekc");
    voyager(["plan", "chekc", "x"]).exits_with(2).says("did you mean check?");
    voyager(["run"]).exits_with(2).says("--plan <PLAN> is missing");
    voyager(["plan", "check", "--lang", "fr", "x"]).exits_with(2).says("possible values: zh, en");
    voyager(["run", "--plan", "p", "--simulate", "--proxy", "socks5://h:1"])
        .exits_with(2)
        .says("together with");
    voyager(["run", "--plan"]).exits_with(2).says("--plan <PLAN> needs a value").says("voyager run --help");
    voyager(["run", "--plan", "p", "--speed", "5"]).exits_with(2).says("--speed: with --simulate");
}

#[test]
fn what_cannot_be_done_is_followed_by_what_to_do() {
    let folder = with_plan();
    let refused = |args: &[&str], code: i32, advice: &str| {
        Voyager::within(folder.path()).args(args).run().exits_with(code).says("what now").says(advice);
    };
    refused(&["plan", "template", "none/x.xlsx"], 8, "voyager plan template another.xlsx");
    refused(&["simulate", "--plan", "plan.xlsx", "--faults", "none.toml"], 2, "[[fault]]");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").to_string();
    refused(&["simulate", "--plan", "plan.xlsx", "--listen", &port], 8, "--listen 127.0.0.1:0");
    refused(&["diff", "--plan", "plan.xlsx", "--proxy", "socks5://127.0.0.1:1"], 4, "ssh -D");
    let backwards = ["run", "--plan", "plan.xlsx", "--simulate", "--from", "05", "--to", "02"];
    refused(&backwards, 2, "voyager stages");
    let nowhere = ["run", "--plan", "plan.xlsx", "--simulate", "--to", "01", "--media", "none"];
    refused(&nowhere, 6, "--media DIR");
}

#[test]
fn the_locale_decides_the_language_and_the_option_overrules_it() {
    let folder = folder();
    let zh = |name: &str| Voyager::within(folder.path()).env("LANG", "C").env(name, "zh_CN.UTF-8");
    for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
        zh(name).args(["frob"]).run().exits_with(2).says("没有命令 frob");
    }
    zh("LC_ALL").args(["--lang", "en", "frob"]).run().exits_with(2).says("there is no command frob");
    let variable = Voyager::within(folder.path()).env("VOYAGER_LANG", "zh");
    variable.args(["frob"]).run().exits_with(2).says("没有命令 frob");
}

#[test]
fn help_and_version_go_to_standard_output_and_exit_with_0() {
    let ran = voyager(["--help"]).exits_with(0);
    assert!(ran.stdout.contains("Usage: voyager") && ran.stderr.is_empty(), "{ran}");
    let ran = voyager(["--lang", "zh", "run", "--help"]).exits_with(0).says("用法：").says("--dry-run");
    assert!(!ran.stdout.contains("--crash-at"), "it is for rehearsals in tests: {ran}");
    assert_eq!(
        voyager(["--version"]).exits_with(0).stdout,
        format!("voyager {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn without_a_command_the_help_is_shown_and_the_exit_code_is_2() {
    let ran = voyager([]).exits_with(2);
    assert!(ran.stderr.contains("Usage: voyager") && ran.stdout.is_empty(), "{ran}");
}

#[test]
fn a_usage_error_is_a_record_where_json_is_asked_for() {
    let ran = voyager(["--output", "json", "frob"]).exits_with(2);
    let record = ran.json();
    assert_eq!((&record["schema"], &record["exit_code"]), (&"1.0".into(), &2.into()), "{ran}");
    assert_eq!(record["failure"]["kind"], "usage", "{ran}");
}

#[test]
fn completions_and_the_manual_name_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        voyager(["completions", shell]).exits_with(0).says("simulate").says("dry-run");
    }
    voyager(["man"]).exits_with(0).says(".TH voyager").says("simulate");
}

#[test]
fn an_unknown_key_of_the_configuration_is_named_before_anything_happens() {
    let folder = with_plan();
    fs::write(folder.path().join("voyager.toml"), "[limits]\ncal = \"1s\"\n").expect("written");
    within(folder.path(), ["run", "--plan", "plan.xlsx", "--simulate"]).exits_with(2).says("limits.cal");
    assert!(!folder.path().join("artifacts").exists(), "nothing was begun");
}

#[test]
fn a_stage_or_step_that_does_not_exist_is_refused_before_anything_happens() {
    let folder = with_plan();
    let run = |option: &str, value: &str| {
        within(folder.path(), ["run", "--plan", "plan.xlsx", "--simulate", option, value])
    };
    run("--stage", "99").exits_with(2).says("03 config-cluster");
    run("--stage", "init").exits_with(2).says("02 init-cluster");
    run("--settle", "config-cluster.vip").exits_with(2).says("STEP=done");
    run("--settle", "config-cluster.vipp=done").exits_with(2).says("voyager stages");
    run("--redo", "vip").exits_with(2).says("voyager stages");
    run("--speed", "0").exits_with(2).says("greater than zero");
    run("--crash-at", "config-cluster.vip:sometime").exits_with(2).says("after-intent");
    assert!(!folder.path().join("artifacts").exists(), "nothing was begun");
}

#[test]
fn the_runbook_lists_every_step_with_its_limit_and_its_graph_is_one_of_graphviz() {
    let ran = voyager(["stages"]).exits_with(0).says("02 init-cluster").says("deploy");
    assert!(ran.stdout.contains("1h15m"), "{ran}");
    let json = voyager(["stages", "--output", "json"]).exits_with(0).json();
    assert_eq!(json["stages"][0]["id"], "prepare");
    let graph = voyager(["stages", "--graph"]).exits_with(0);
    let (path, drawn) = graph.stdout.split_once('\n').expect("lines");
    assert!(
        path.starts_with("// critical path, expected 1h") && path.contains("init-cluster.deploy → "),
        "{graph}"
    );
    assert!(drawn.starts_with("digraph runbook {\n") && drawn.ends_with("}\n"), "{graph}");
    assert!(graph.stdout.contains("\"init-cluster.scan\" -> \"init-cluster.layout\""), "{graph}");
    let steps = json["stages"].as_array().expect("a list").iter().flat_map(|stage| stage["steps"].as_array());
    let ids: Vec<&str> = steps.flatten().filter_map(|step| step["id"].as_str()).collect();
    let last: Vec<_> = ids.iter().filter(|id| !drawn.contains(&format!("\"{id}\" -> "))).collect();
    assert_eq!(last, [&"handover.pack"], "everything else is waited for");
}

#[test]
fn no_runs_is_an_answer() {
    voyager(["runs"]).exits_with(0).says("no runs");
    assert_eq!(
        voyager(["runs", "--output", "json"]).exits_with(0).json()["runs"].as_array().map(Vec::len),
        Some(0)
    );
}
