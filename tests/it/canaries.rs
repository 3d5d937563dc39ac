//! No secret of the plan or the site is found in anything the tool writes, in any usual form.

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::support::{
    site::{SimulatedSite, files_below},
    tool::{Ran, Voyager},
    workbook::Workbook,
};

/// Every secret cell of the plan that stages 01 to 03 read, with a value of its own that needs escaping in JSON and URLs.
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

#[test]
fn a_whole_run_at_the_highest_verbosity_tells_no_secret() {
    let site = SimulatedSite::of(&plan()).start();
    let ran = site.run().args(["-vvv"]).run().exits_with(0);
    tells_nothing(&site, &ran);
}

#[test]
fn a_run_whose_answers_are_lost_tells_no_secret() {
    let faults = r#"
        [[fault]]
        operation = "fisheye.setup_root"
        action = "drop-answer"
        [[fault]]
        operation = "fisheye.sessions"
        nth = 3
        action = { status = { status = 500, body = "<html>login failed for canary-root\"&/%Xq1</html>" } }
        [[fault]]
        operation = "fisheye.vds.create"
        action = { v2 = { ec = "SIM_ODD", msg = "echo: canary-bmc-1\"&/%Xq8", detail = {} } }
    "#;
    let site = SimulatedSite::of(&plan()).scenario(faults).start();
    let ran = site.run().args(["-vvv"]).run();
    tells_nothing(&site, &ran);
}

#[test]
fn plan_commands_mask_every_secret_unless_told_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = plan().write(folder.path(), "plan.xlsx");
    for command in [&["plan", "check"][..], &["plan", "show"], &["plan", "export"]] {
        for output in ["human", "json"] {
            let ran =
                Voyager::within(folder.path()).args(command).arg(&plan).args(["--output", output]).run();
            for needle in needles(&[]) {
                assert!(!contains(ran.stdout.as_bytes(), &needle), "{command:?} told a secret: {ran}");
                assert!(!contains(ran.stderr.as_bytes(), &needle), "{command:?} told a secret: {ran}");
            }
        }
    }
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
        let checked = voyager::plan::check_bytes(&workbook.bytes(), "plan.xlsx", &Default::default());
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

#[track_caller]
fn tells_nothing(site: &SimulatedSite, ran: &Ran) {
    let tokens = site
        .running()
        .site()
        .with(|state, _| [state.cluster.session_tokens(), state.tower.tokens()].concat());
    assert!(!tokens.is_empty(), "no session was ever opened");
    // And what the site shows to whoever asks for more than he needs.
    let needles = needles(&[tokens, vec![voyager::sim::SECRET_CANARY.to_owned()]].concat());
    let plan = site.folder.path().join("plan.xlsx");
    let mut files = files_below(site.folder.path());
    // The workbook is where the secrets come from; its copy in a rehearsal holds them too.
    files.retain(|file| file.extension().is_none_or(|ext| ext != "xlsx") && *file != plan);
    assert!(files.iter().any(|file| file.ends_with("journal.jsonl")), "no journal among {files:?}");
    assert!(files.iter().any(|file| file.ends_with("wire.jsonl")), "no transcript among {files:?}");
    let read = |file: &PathBuf| (file.display().to_string(), std::fs::read(file).expect("a file is read"));
    let mut contents: Vec<(String, Vec<u8>)> = files.iter().map(read).collect();
    contents.extend(bundled(site));
    for needle in &needles {
        assert!(
            !contains(ran.stdout.as_bytes(), needle),
            "standard output tells {}",
            String::from_utf8_lossy(needle)
        );
        assert!(
            !contains(ran.stderr.as_bytes(), needle),
            "standard error tells {}",
            String::from_utf8_lossy(needle)
        );
        for (name, content) in &contents {
            assert!(!contains(content, needle), "{name} tells {}", String::from_utf8_lossy(needle));
        }
    }
}

/// The support archives of the newest run, with and without the plan, down to the parts of the workbooks in them.
fn bundled(site: &SimulatedSite) -> Vec<(String, Vec<u8>)> {
    // Papers too, of a run that did not come so far by itself.
    Voyager::within(site.folder.path()).arg("report").run().exits_with(0);
    let mut parts = Vec::new();
    for (name, plan) in [("a.zip", &[][..]), ("b.zip", &["--plan", "plan.xlsx"])] {
        let places = ["--artifacts", "artifacts/simulated"];
        let bundle =
            Voyager::within(site.folder.path()).args(["bundle", "--to", name]).args(places).args(plan);
        bundle.run().exits_with(0);
        let archive = std::fs::read(site.folder.path().join(name)).expect("the archive is read");
        unpack(name, archive, &mut parts);
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

/// Every secret in the forms in which it might leak.
fn needles(tokens: &[String]) -> Vec<Vec<u8>> {
    let planned = SECRETS.iter().map(|(_, secret)| (*secret).to_owned());
    let mut needles = Vec::new();
    for secret in planned.chain(tokens.iter().cloned()) {
        let json = serde_json::to_string(&secret).expect("text is JSON");
        needles.push(json.trim_matches('"').as_bytes().to_vec());
        needles.push(STANDARD.encode(&secret).into_bytes());
        needles.push(
            percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
                .into_bytes(),
        );
        needles.push(secret.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
        needles.push(secret.encode_utf16().flat_map(u16::to_le_bytes).collect());
        needles.push(secret.into_bytes());
    }
    needles
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
