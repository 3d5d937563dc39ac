//! `voyager plan …`: findings, values, export and the blank workbook, for people and for programs.

use std::fs;

use tempfile::TempDir;
use voyager::ui::columns::width;

use crate::support::tool::{Ran, Voyager, project};

fn with_plan() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(project("examples/plan.xlsx"), folder.path().join("plan.xlsx")).expect("the example");
    folder
}

fn plan<const N: usize>(args: [&str; N]) -> Ran {
    let folder = with_plan();
    Voyager::within(folder.path()).args(["plan"]).args(args).run()
}

#[test]
fn a_good_plan_passes_and_may_be_named_as_file_folder_or_option() {
    // planning-sheet 2.1: the name by which the workbook of a folder is known.
    let named = "SmartX超融合规划设计表-ELF环境.xlsx";
    let folder = with_plan();
    fs::rename(folder.path().join("plan.xlsx"), folder.path().join(named)).expect("renamed");
    for how in [["check", named].as_slice(), &["check", "."], &["check", "--plan", named]] {
        Voyager::within(folder.path()).args(["plan"]).args(how).run().exits_with(0).says("is valid");
    }
    plan(["check", "plan.xlsx", "--lang", "zh"]).exits_with(0).says("可用");
}

#[test]
fn check_as_json_is_one_object_with_the_masked_plan() {
    let ran = plan(["check", "plan.xlsx", "--output", "json"]).exits_with(0);
    let json = ran.json();
    assert_eq!(json["schema"], "1.0");
    assert_eq!(json["plan"]["cluster"]["vip"], "10.40.8.10");
    assert_eq!(json["plan"]["hosts"][0]["ssh_password"], "***");
    assert!(json["diagnostics"].is_array());
}

#[test]
fn a_file_that_is_no_workbook_is_refused_with_3_by_every_command_that_needs_a_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("plan.xlsx"), "not a workbook").expect("written");
    let run = |args: &[&str]| Voyager::within(folder.path()).args(args).run();
    let json = run(&["plan", "check", "plan.xlsx", "--output", "json"]).exits_with(3).json();
    assert!(json["plan"].is_null());
    assert_eq!(json["diagnostics"][0]["severity"], "error");
    for command in [
        ["plan", "show", "plan.xlsx"].as_slice(),
        &["plan", "export", "plan.xlsx"],
        &["run", "--plan", "plan.xlsx", "--simulate"],
        &["run", "--plan", "plan.xlsx", "--dry-run"],
        &["diff", "--plan", "plan.xlsx"],
        &["simulate", "--plan", "plan.xlsx"],
    ] {
        run(command).exits_with(3).says("PLAN-0").says("voyager plan check plan.xlsx");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing was left behind");
}

#[test]
fn show_aligns_chinese_text_and_masks_secrets() {
    let ran =
        plan(["show", "plan.xlsx", "--lang", "zh"]).exits_with(0).says("cluster.vip").says("主机规划!I19");
    let cell_column = |line: &str| {
        line.find('!').map(|at| width(&line[..line[..at].rfind(' ').map_or(0, |blank| blank + 1)]))
    };
    let columns: Vec<usize> = ran.stdout.lines().filter_map(cell_column).collect();
    assert!(columns.len() > 50 && columns.iter().all(|column| *column == columns[0]), "{ran}");
    assert!(ran.stdout.contains("***"), "{ran}");
}

#[test]
fn without_a_terminal_nothing_limits_a_line() {
    let wide = plan(["show", "plan.xlsx"]).exits_with(0);
    assert!(wide.stdout.lines().any(|line| width(line) > 80), "{wide}");
}

#[test]
fn export_masks_secrets_unless_asked_for_them_and_then_writes_a_private_file() {
    let folder = with_plan();
    let masked = Voyager::within(folder.path()).args(["plan", "export", "plan.xlsx"]).run().exits_with(0);
    assert_eq!(masked.json()["plan"]["cluster"]["admin_password"], "***");

    let args = ["plan", "export", "plan.xlsx", "--with-secrets", "--to", "plan.json"];
    let ran = Voyager::within(folder.path()).args(args).run().exits_with(0);
    assert_eq!(ran.stdout, "", "secrets go to the file only");
    let path = folder.path().join("plan.json");
    let clear: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("written")).expect("JSON");
    assert_ne!(clear["plan"]["cluster"]["admin_password"], "***");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn an_export_is_told_and_never_written_over_a_file_least_of_all_the_workbook() {
    let folder = with_plan();
    let export =
        |to: &str| Voyager::within(folder.path()).args(["plan", "export", "plan.xlsx", "--to", to]).run();
    let workbook = || fs::read(folder.path().join("plan.xlsx")).expect("the workbook is there");
    let before = workbook();
    export("plan.xlsx").exits_with(8).says("the file exists").says("--to another.json");
    assert_eq!(workbook(), before);
    export("plan.json").exits_with(0).says("written: plan.json");
    export("plan.json").exits_with(8).says("the file exists");
}

#[test]
fn a_blank_workbook_is_written_once_and_never_over_another_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let template = || Voyager::within(folder.path()).args(["plan", "template", "new.xlsx"]).run();
    template().exits_with(0).says("voyager plan check new.xlsx");
    let first = fs::read(folder.path().join("new.xlsx")).expect("written");
    template().exits_with(8).says("the file exists");
    assert_eq!(fs::read(folder.path().join("new.xlsx")).expect("there"), first);
    let check = Voyager::within(folder.path()).args(["plan", "check", "new.xlsx"]).run();
    check.exits_with(3).says("虚拟网络!B3");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_failure_and_a_full_disk_is_one() {
    use std::process::{Command, Stdio};

    let folder = with_plan();
    let show = |to: Stdio| {
        Command::new(env!("CARGO_BIN_EXE_voyager"))
            .args(["--lang", "en", "plan", "show", "plan.xlsx"])
            .current_dir(folder.path())
            .env_clear()
            .stdout(to)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    };
    let mut closed = show(Stdio::piped());
    drop(closed.stdout.take());
    let ended = closed.wait_with_output().expect("it ends");
    let words = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && !words.contains("panicked"), "{words}");

    if let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") {
        let ended = show(full.into()).wait_with_output().expect("it ends");
        let words = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code() == Some(8) && words.contains("standard output"), "{words}");
    }
}
