//! No secret of the plan or the site is found in anything the tool writes, in any usual form.

use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::Path};

use voyager::{
    plan::{CheckOptions, check_bytes, view},
    sim::{
        SECRET_CANARY,
        fault::{Action, Fault, HoldPoint, operations},
    },
};

use crate::{
    fault_matrix::everything,
    support::{
        fault::{always, hold},
        forms::Search,
        side_by_side,
        site::{SimulatedSite, files_below, undisturbed},
        tool::{Ran, Voyager},
        workbook::Workbook,
    },
};

/// Every secret cell of the plan, with a value of its own that begins with [`MARK`] and needs escaping in JSON and URLs.
const SECRETS: &[(&str, &str)] = &[
    ("主机规划!M19", "canary-root\"&/%Xq1"),
    ("主机规划!K3", "canary-smartx-1\"&/%Xq2"),
    ("主机规划!K4", "canary-smartx-2\"&/%Xq3"),
    ("主机规划!K5", "canary-smartx-3\"&/%Xq4"),
    ("主机规划!M3", "canary-admin-1\"&/%Xq5"),
    ("主机规划!M4", "canary-admin-2\"&/%Xq6"),
    ("主机规划!M5", "canary-admin-3\"&/%Xq7"),
    ("主机规划!G3", "canary-bmc-1\"&/%Xq8"),
    ("主机规划!G4", "canary-bmc-2\"&/%Xq9"),
    ("主机规划!G5", "canary-bmc-3\"&/%Xq0"),
    ("集群管理信息!G3", "canary-tower\"&/%Xqa"),
    ("集群管理信息!I3", "canary-tower-ssh\"&/%Xqb"),
    ("集群管理信息!I4", "canary-o11y\"&/%Xqc"),
];

fn plan() -> Workbook {
    let edits: Vec<String> = SECRETS.iter().map(|(cell, secret)| format!("{cell} = {secret}")).collect();
    Workbook::good().edit(&edits.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What all secrets of the plan begin with, so that a piece of one is found too.
const MARK: &str = "canary-";

#[test]
fn every_secret_of_the_plan_is_a_canary() {
    let plan =
        check_bytes(&plan().bytes(), "plan.xlsx", &CheckOptions::default()).plan.expect("a valid plan");
    let mut secrets = 0;
    for entry in view::entries(&plan) {
        if let view::Value::Secret(secret) = &entry.value {
            secrets += 1;
            assert!(secret.expose().starts_with(MARK), "{} has no canary", entry.key);
        }
    }
    assert!(secrets >= SECRETS.len(), "only {secrets} secrets are known to the plan");
}

#[test]
fn a_whole_run_at_the_highest_verbosity_tells_no_secret() {
    let site = SimulatedSite::of(&plan()).start();
    let dry = dry_run(&site, &["-vvv"]).exits_with(0);
    let ran = site.run().args(["-vvv"]).run().exits_with(0);
    let diff = site.voyager("diff").args(["-vvv"]).run().exits_with(0);
    tells_nothing(&site, &[dry, ran, diff]);
}

#[test]
fn no_verbosity_and_no_output_tells_a_secret() {
    let stages: &[&str] = if everything() { &[] } else { &["--to", "03"] };
    let mut combinations = Vec::new();
    let verbosities = [&[][..], &["-v"], &["-vv"], &["-vvv"], &["-q"]];
    let outputs = [&[][..], &["--output", "json"], &["--lang", "zh"]];
    for (at, verbosity) in verbosities.iter().enumerate() {
        for (other, output) in outputs.iter().enumerate() {
            // In the gate each verbosity with one output, and each output with one verbosity at least.
            if !everything() && at % outputs.len() != other {
                continue;
            }
            combinations.push([*verbosity, *output].concat());
        }
    }
    side_by_side(&combinations, |options| {
        let site = SimulatedSite::of(&plan()).start();
        let dry = dry_run(&site, options).exits_with(0);
        let ran = site.run().args(stages).args(options).run().exits_with(0);
        tells_nothing(&site, &[dry, ran]);
    });
}

fn dry_run(site: &SimulatedSite, options: &[&str]) -> Ran {
    let command = ["run", "--plan", "plan.xlsx", "--media", "media", "--dry-run"];
    Voyager::within(site.folder.path()).args(command).args(options).run()
}

/// The first answer to each operation that looks is a page with whatever the request told, in many forms.
#[test]
fn a_site_that_repeats_what_it_was_told_makes_the_tool_tell_no_secret() {
    for status in [500, 200] {
        let site = SimulatedSite::of(&plan()).start();
        let looks = |operation: &&str| {
            !operation.starts_with("ssh.")
                && !undisturbed().requests.iter().any(|seen| seen.operation == **operation && seen.changing)
        };
        let echo = |operation| Fault { count: 1, ..always(operation, Action::Echo { status }) };
        // Those that change something meet it in the fault matrix, and one of them here.
        let changing = echo("tower.create-view");
        site.set_faults(operations().filter(looks).map(echo).chain([changing]).collect());
        let first = site.run().args(["-vvv"]).run();
        let second = site.run().args(["-vvv"]).run();
        assert!(first.status.code().is_some() && !first.stderr.contains("panicked"), "{first}");
        let met = site.running().site().with(|state, _| state.faults.iter().filter(|f| f.acted > 0).count());
        assert!(met > 20, "only {met} operations answered so: {first}\n{second}");
        tells_nothing(&site, &[first, second]);
    }
}

#[test]
fn a_run_whose_answers_are_lost_tells_no_secret() {
    let faults = r#"
        [[fault]]
        operation = "fisheye.setup_root"
        action = "drop-answer"
        [[fault]]
        operation = "fisheye.sessions"
        action = { shorten = { bytes = 60 } }
        [[fault]]
        operation = "tower.login"
        count = 3
        action = { shorten = { bytes = 40 } }
        [[fault]]
        operation = "fisheye.vds.create"
        action = { v2 = { ec = "SIM_ODD", msg = "echo: canary-bmc-1\"&/%Xq8", detail = {} } }
        [[fault]]
        operation = "ssh.chpasswd"
        action = { status = { status = 1, body = "bad password: canary-smartx-1\"&/%Xq2" } }
    "#;
    let site = SimulatedSite::of(&plan()).scenario(faults).start();
    let ran = site.run().args(["-vvv"]).run();
    tells_nothing(&site, &[ran]);
}

#[test]
fn what_other_processes_see_of_a_run_tells_no_secret() {
    let site = SimulatedSite::of(&plan()).start();
    let holds =
        vec![hold("fisheye.vip", HoldPoint::BeforeEffect), hold("ssh.chpasswd", HoldPoint::BeforeEffect)];
    site.set_faults(holds);
    let mut tool = site.run().args(["--to", "03"]).start(&site.folder.path().join("run.log"));
    let mut seen = Vec::new();
    for _ in 0..2 {
        site.until_held();
        for name in ["cmdline", "environ", "comm", "stat"] {
            let path = format!("/proc/{}/{name}", tool.id());
            seen.extend(fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")));
        }
        let children = format!("/proc/{0}/task/{0}/children", tool.id());
        assert_eq!(fs::read_to_string(children).unwrap_or_default(), "", "the tool starts no other program");
        site.release();
    }
    assert!(tool.wait().expect("the tool ends").success());
    assert!(String::from_utf8_lossy(&seen).contains("plan.xlsx"), "these are not the arguments");
    assert_eq!(search(&site).leak(&seen), None);
}

#[test]
fn plan_commands_mask_every_secret_unless_told_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plan, mark) = (plan().write(folder.path(), "plan.xlsx"), Search::for_all([MARK]));
    for command in [&["plan", "check"][..], &["plan", "show"], &["plan", "export"]] {
        for output in ["human", "json"] {
            let ran =
                Voyager::within(folder.path()).args(command).arg(&plan).args(["--output", output]).run();
            let told = ran.stdout.clone() + &ran.stderr;
            assert_eq!(mark.leak(told.as_bytes()), None, "{command:?}: {ran}");
        }
    }
    let exported =
        Voyager::within(folder.path()).args(["plan", "export", "--to", "exported.json"]).arg(&plan);
    exported.run().exits_with(0);
    let exported = folder.path().join("exported.json");
    is_ours_alone(&exported);
    assert_eq!(mark.leak(&fs::read(exported).expect("it is there")), None);
    let told = Voyager::within(folder.path()).args(["plan", "export", "--with-secrets"]).arg(&plan).run();
    assert!(mark.leak(told.stdout.as_bytes()).is_some(), "the search finds nothing: {told}");
}

/// Findings quote cells as they are: any part of a planned secret would show by its first word.
#[track_caller]
fn quotes_no_secret(text: &str, what: &str) {
    assert!(!text.contains("canary"), "{what}: {text}");
}

/// The plan after a row or column was inserted or taken out, with the merged ranges moved as Excel does it, or left
/// where they were as libraries do it.
fn moved_layouts() -> Vec<(String, Workbook)> {
    type Change = fn(Workbook, &str, u32) -> Workbook;
    let changes: [(&str, u32, Change); 4] = [
        ("row inserted", 24, Workbook::insert_row),
        ("row taken out", 24, Workbook::delete_row),
        ("column inserted", 17, Workbook::insert_column),
        ("column taken out", 17, Workbook::delete_column),
    ];
    let mut moved = Vec::new();
    for sheet in ["主机规划", "集群管理信息"] {
        for (name, last, change) in changes {
            for at in 1..=last {
                let mut plan = plan();
                let merges = plan.sheet(sheet).merges.clone();
                let changed = change(plan, sheet, at);
                let mut left = changed.clone();
                left.sheet(sheet).merges = merges;
                moved.push((format!("{sheet}: {name} at {at}"), changed));
                moved.push((format!("{sheet}: {name} at {at}, merges left"), left));
            }
        }
    }
    moved
}

#[test]
fn a_layout_that_moved_shows_no_password_wherever_it_came_to_lie() {
    let mut refused = 0;
    for (what, workbook) in moved_layouts() {
        let checked = check_bytes(&workbook.bytes(), "plan.xlsx", &Default::default());
        refused += usize::from(checked.has_errors());
        quotes_no_secret(&format!("{:?}", checked.diagnostics), &what);
        quotes_no_secret(&checked.json(voyager::text::Lang::Zh).to_string(), &what);
    }
    assert!(refused > 200, "only {refused} layouts were refused");
}

#[test]
fn commands_that_refuse_a_moved_layout_tell_no_password() {
    let folder = tempfile::tempdir().expect("a folder");
    for workbook in [plan().insert_column("主机规划", 5), plan().insert_row("主机规划", 3)] {
        workbook.write(folder.path(), "plan.xlsx");
        for command in
            ["plan check plan.xlsx", "plan show plan.xlsx", "plan export plan.xlsx", "run --plan plan.xlsx"]
        {
            for output in ["human", "json"] {
                let args = command.split(' ').chain(["-v", "--output", output]);
                let ran = Voyager::within(folder.path()).args(args).run().exits_with(3);
                quotes_no_secret(&ran.stdout, command);
                quotes_no_secret(&ran.stderr, command);
            }
        }
    }
}

/// Those of the plan by what they have in common; every token of the site by itself.
fn search(site: &SimulatedSite) -> Search {
    let tokens = site
        .running()
        .site()
        .with(|state, _| [state.cluster.session_tokens(), state.tower.tokens()].concat());
    assert!(!tokens.is_empty(), "no session was ever opened");
    // And what the site shows to whoever asks for more than he needs.
    Search::for_all(tokens.iter().map(String::as_str).chain([MARK, SECRET_CANARY]))
}

#[track_caller]
fn tells_nothing(site: &SimulatedSite, told: &[Ran]) {
    let search = search(site);
    for ran in told {
        for (stream, text) in [("standard output", &ran.stdout), ("standard error", &ran.stderr)] {
            assert_eq!(search.leak(text.as_bytes()), None, "{stream}");
        }
    }
    // Command lines, which every user of a host can see, and addresses, which proxies write down.
    for request in site.running().requests() {
        assert_eq!(search.leak(request.target.as_bytes()), None, "{}", request.operation);
    }
    let mut files = files_below(site.folder.path());
    // The workbook is where the secrets come from; its copy in a rehearsal holds them too.
    files.retain(|file| file.extension().is_none_or(|ext| ext != "xlsx"));
    for name in ["journal.jsonl", "wire.jsonl"] {
        assert!(files.iter().any(|file| file.ends_with(name)), "no {name} among {files:?}");
    }
    for file in &files {
        let content = fs::read(file).expect("a file is read");
        assert_eq!(search.leak(&content), None, "{}", file.display());
    }
    for file in files_below(&site.folder.path().join("artifacts")) {
        is_ours_alone(&file);
    }
    let parts = bundled(site);
    for (name, content) in &parts {
        assert_eq!(search.leak(content), None, "{name}");
    }
    let searched = 2 * told.len() + site.running().requests().len() + files.len() + parts.len();
    let patterns = search.patterns();
    writeln!(std::io::stderr(), "canaries: {patterns} forms of secrets in none of {searched} texts")
        .expect("stderr");
}

#[track_caller]
fn is_ours_alone(file: &Path) {
    let mode = fs::metadata(file).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", file.display());
}

/// The support archives of the newest run, with and without the plan, down to the parts of the workbooks in them.
fn bundled(site: &SimulatedSite) -> Vec<(String, Vec<u8>)> {
    // Papers too, of a run that did not come so far by itself.
    let mut told = vec![
        Voyager::within(site.folder.path()).args(["report", "-vvv"]).run().exits_with(0),
        Voyager::within(site.folder.path()).arg("runs").run().exits_with(0),
    ];
    let mut parts = Vec::new();
    for (name, plan) in [("a.zip", &[][..]), ("b.zip", &["--plan", "plan.xlsx"])] {
        let places = ["--artifacts", "artifacts/simulated"];
        let bundle =
            Voyager::within(site.folder.path()).args(["bundle", "--to", name]).args(places).args(plan);
        told.push(bundle.arg("-vvv").run().exits_with(0));
        is_ours_alone(&site.folder.path().join(name));
        let archive = fs::read(site.folder.path().join(name)).expect("the archive is read");
        unpack(name, archive, &mut parts);
    }
    for ran in told {
        parts.push(("what a command said".to_owned(), (ran.stdout + &ran.stderr).into_bytes()));
    }
    assert!(parts.iter().any(|(name, _)| name.contains("acceptance-zh.xlsx/xl/worksheets/sheet1.xml")));
    assert!(parts.iter().all(|(name, _)| !name.contains("secret.key")));
    parts
}

fn unpack(name: &str, content: Vec<u8>, parts: &mut Vec<(String, Vec<u8>)>) {
    if !content.starts_with(b"PK") {
        return parts.push((name.to_owned(), content));
    }
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(content)).expect("an archive");
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).expect("an entry");
        let inner = format!("{name}/{}", entry.name().expect("a name"));
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).expect("it is whole");
        unpack(&inner, content, parts);
    }
}
