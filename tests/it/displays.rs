//! What a run shows: lines for logs, records for programs, the last lines, both languages, no terminal tricks.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::support::tool::{Ran, Voyager, project};

/// A folder with the example's plan, and limits that suit a simulated site on this machine.
fn with_plan() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(project("examples/plan.xlsx"), folder.path().join("plan.xlsx")).expect("the example");
    fs::write(folder.path().join("voyager.toml"), "[limits]\nsilent_probe = \"500ms\"\n").expect("written");
    folder
}

/// The first stage only: it changes nothing and is quick.
fn prepare(folder: &Path, options: &[&str]) -> Ran {
    let args = ["run", "--plan", "plan.xlsx", "--simulate", "--stage", "01", "--speed", "1000"];
    Voyager::within(folder).args(args).args(options).run()
}

#[test]
fn the_last_lines_tell_the_outcome_the_run_folder_and_the_next_command() {
    let folder = with_plan();
    let ran = prepare(folder.path(), &[]).exits_with(0);
    let last: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("  run folder  ")).collect();
    let run_folder = last.first().expect("the run folder is named").trim_start_matches("  run folder  ");
    assert!(folder.path().join(run_folder).join("voyager.log").is_file(), "{ran}");
    assert!(ran.stdout.contains("Done in ") && ran.stdout.contains("  next        voyager "), "{ran}");
    assert!(
        !ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'),
        "no terminal, no colours: {ran}"
    );
}

#[test]
fn lines_come_in_the_language_that_was_asked_for() {
    let folder = with_plan();
    let ran = prepare(folder.path(), &["--lang", "zh"]).exits_with(0);
    ran.says("模拟现场").says("== 01 prepare  ").says("通过").says("完成，用时").says("运行目录");
}

#[test]
fn quiet_leaves_the_result_and_verbose_adds_the_beginnings() {
    let folder = with_plan();
    prepare(folder.path(), &["-q"]).exits_with(0).does_not_say("passed").says("Done in ");
    prepare(folder.path(), &["-v"]).exits_with(0).says("begins").says("passed");
}

#[test]
fn as_json_every_event_is_a_line_and_the_first_names_the_schema() {
    let folder = with_plan();
    let ran = prepare(folder.path(), &["--output", "json"]).exits_with(0);
    let records = ran.records();
    let (first, last) = (&records[0], &records[records.len() - 1]);
    assert_eq!((&first["event"], &first["schema"]), (&"run-started".into(), &"1.0".into()), "{ran}");
    assert_eq!((&last["event"], &last["exit_code"]), (&"run-finished".into(), &0.into()), "{ran}");
    let ended = |record: &&serde_json::Value| record["event"] == "step-finished";
    assert!(
        records
            .iter()
            .filter(ended)
            .all(|record| record["step"].is_string() && record["outcome"].is_string())
    );
    assert_eq!(ran.stderr, "", "{ran}");
}

#[test]
fn a_failing_run_tells_what_where_and_what_now_and_exits_as_the_table_says() {
    let folder = with_plan();
    // Nothing listens there: a bastion that is not up.
    let args = ["run", "--plan", "plan.xlsx", "--proxy", "socks5://127.0.0.1:1", "--yes"];
    let ran = Voyager::within(folder.path()).args(args).run();
    assert!(matches!(ran.status.code(), Some(3..=5)), "{ran}");
    let ran =
        ran.says("failed: Addresses and clocks of the site").says("the proxy 127.0.0.1:1 could not connect");
    let ran = ran.says("ssh -D").says("what now").says("voyager.log").says("Not finished (exit code ");
    ran.says("next        voyager run --plan plan.xlsx --proxy socks5://127.0.0.1:1 --yes");
    assert!(folder.path().join("artifacts").is_dir(), "the checkpoint lies beside the plan");
}

#[test]
fn a_rehearsal_of_a_later_stage_alone_is_told_to_begin_at_the_start() {
    let folder = with_plan();
    let args = ["run", "--plan", "plan.xlsx", "--simulate", "--stage", "03"];
    let ran = Voyager::within(folder.path()).args(args).run().exits_with(4);
    ran.says("voyager run --plan plan.xlsx --simulate --from 01 --to config-cluster");
}

#[test]
fn without_a_terminal_a_question_exits_with_9_and_names_the_flag() {
    let folder = with_plan();
    let log = folder.path().join("site.log");
    let args = ["simulate", "--plan", "plan.xlsx", "--speed", "1000"];
    let mut site = Voyager::within(folder.path()).args(args).start(&log);
    let proxy = loop {
        let text = fs::read_to_string(&log).unwrap_or_default();
        if let Some(line) = text.lines().find(|line| line.starts_with("socks5://")) {
            break line.to_owned();
        }
        assert!(site.try_wait().expect("the site can be asked").is_none(), "the site ended: {text}");
        std::thread::yield_now();
    };
    let args = ["run", "--plan", "plan.xlsx", "--to", "02", "--proxy", &proxy];
    let ran = Voyager::within(folder.path()).args(args).run().exits_with(9).says("--yes").says("erased");
    ran.says("QS-SZ-SMTX-Node-01");
    site.kill().expect("the site can be stopped");
    site.wait().expect("it ends");
}

#[cfg(unix)]
#[test]
fn whatever_a_run_leaves_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = with_plan();
    prepare(folder.path(), &[]).exits_with(0);
    let mut open = vec![folder.path().join("artifacts/simulated")];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).expect("a folder").flatten() {
            let mode = entry.metadata().expect("there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} is readable by others", entry.path().display());
            seen += 1;
            if entry.path().is_dir() {
                open.push(entry.path());
            }
        }
    }
    assert!(seen > 8, "journal, pins, log and the rest are there");
}
