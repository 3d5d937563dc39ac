//! The papers that end a project: both forms say the same, rest on evidence, and are made again from the journal.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use calamine::{Reader, Xlsx};
use serde_json::{Value, json};

use crate::support::{
    site::{SimulatedSite, files_below},
    tool::{Ran, Voyager, left_out},
};

/// Rows of a form: key → what its cells say.
type Rows = Vec<(String, Vec<String>)>;

/// `voyager COMMAND` in the operator's folder, away from the site.
fn voyager(site: &SimulatedSite, command: &[&str]) -> Ran {
    Voyager::within(site.folder.path()).args(command).run()
}

/// The folder of the newest run.
fn run_folder(site: &SimulatedSite) -> PathBuf {
    let files = files_below(&site.folder.path().join("artifacts"));
    let logs = files.iter().filter(|path| path.ends_with("wire.jsonl"));
    logs.max().expect("a run has left its transcript").parent().expect("a folder").to_owned()
}

fn paper(site: &SimulatedSite, name: &str) -> Vec<u8> {
    let path = run_folder(site).join("acceptance").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn page(site: &SimulatedSite, lang: &str) -> String {
    String::from_utf8(paper(site, &format!("acceptance-{lang}.html"))).expect("a page is text")
}

/// The rows of a page, in order.
fn rows_of_page(page: &str) -> Rows {
    let rows = page.split("<tr data-key=\"").skip(1).map(|row| {
        let (key, rest) = row.split_once('"').expect("a key");
        let cells = rest.split("</tr>").next().expect("cells").split("<td").skip(1);
        let text = |cell: &str| cell.split_once('>').expect("a cell").1.replace("</td>", "");
        (key.to_owned(), cells.map(|cell| unescaped(text(cell).trim_end_matches('\n'))).collect())
    });
    rows.collect()
}

fn unescaped(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// Every row of every sheet, without blank cells.
fn rows_of_workbook(bytes: Vec<u8>) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).expect("a workbook");
    let mut rows = Vec::new();
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).expect("a sheet");
        let texts = range.rows().map(|row| row.iter().map(ToString::to_string));
        rows.extend(texts.map(|row| row.filter(|text| !text.is_empty()).collect::<Vec<_>>()));
    }
    rows
}

#[test]
fn an_undisturbed_run_leaves_the_pack_in_both_languages_and_both_forms_say_the_same() {
    let site = SimulatedSite::finished();
    for lang in ["zh", "en"] {
        let page = rows_of_page(&page(&site, lang));
        assert!(page.iter().filter(|(key, _)| key.starts_with("setting.")).count() > 20, "{page:#?}");
        let in_page: Vec<Vec<String>> = page
            .iter()
            .map(|(_, cells)| cells.iter().filter(|text| !text.is_empty()).cloned().collect())
            .collect();
        let in_workbook = rows_of_workbook(paper(&site, &format!("acceptance-{lang}.xlsx")));
        let mut rest = in_workbook.iter();
        for row in &in_page {
            assert!(rest.any(|found| found == row), "not in the workbook, or not in this order: {row:?}");
        }
    }
}

#[test]
fn nothing_is_called_as_planned_without_the_exchange_that_shows_it() {
    let site = SimulatedSite::finished();
    let rows = rows_of_page(&page(&site, "en"));
    let settings: Vec<&Vec<String>> =
        rows.iter().filter(|(key, _)| key.starts_with("setting.")).map(|(_, cells)| cells).collect();
    let proved = settings.iter().filter(|cells| cells[4] == "as planned");
    for cells in proved.clone() {
        assert!(!cells[5].is_empty() && !cells[6].is_empty() && cells[7].len() == 64, "{cells:?}");
        assert!(!cells[2].is_empty(), "{cells:?}");
    }
    assert!(proved.count() > 20);
    let open = settings.iter().filter(|cells| cells[4] == "not provable");
    assert!(open.count() > 0, "what no call reads is named so");
}

#[test]
fn the_papers_of_a_rehearsal_say_so_on_every_sheet_and_name_what_never_ran() {
    let site = SimulatedSite::example().start();
    site.run().args(["--to", "02"]).run().exits_with(0);
    voyager(&site, &["report"]).exits_with(0).says("this was a rehearsal");
    let page = page(&site, "en");
    assert!(page.contains("class=\"banner\">REHEARSAL"));
    let rows: BTreeMap<String, Vec<String>> = rows_of_page(&page).into_iter().collect();
    assert_eq!(rows["step.config-cluster.vip"][1], "not run");
    assert_eq!(rows["step.init-cluster.deploy"][1], "changed and proved");
    assert!(rows["result.settings"][1].starts_with("no setting was read back"), "{rows:#?}");
    assert!(rows["deviation.03"][0].contains("Configure the cluster"));
    let sheets = rows_of_workbook(paper(&site, "acceptance-en.xlsx"));
    let banners = sheets.iter().filter(|row| row.first().is_some_and(|text| text.starts_with("REHEARSAL")));
    assert_eq!(banners.count(), 4, "one for each sheet");
}

#[test]
fn a_report_made_again_from_the_journal_is_the_first_one_to_the_byte() {
    let site = SimulatedSite::finished();
    let folder = run_folder(&site).join("acceptance");
    let read = |path: PathBuf| (path.clone(), fs::read(&path).expect("a paper"));
    let first: Vec<_> = files_below(&folder).into_iter().map(read).collect();
    assert_eq!(first.len(), 4);
    fs::remove_dir_all(&folder).expect("the papers are thrown away");
    voyager(&site, &["report"]).exits_with(0);
    for (path, content) in first {
        assert!(fs::read(&path).expect("a paper") == content, "{} differs", path.display());
    }
    fs::remove_dir_all(&folder).expect("the papers are thrown away");
    voyager(&site, &["report", "--lang", "zh"]).exits_with(0).says("验收资料");
    assert_eq!(files_below(&folder).len(), 2);
}

#[test]
fn evidence_holds_until_a_byte_is_changed_anywhere() {
    let site = SimulatedSite::finished();
    voyager(&site, &["report", "--verify"]).exits_with(0).says("4 papers are what the journal gives");
    let run = run_folder(&site);
    let journal = run.parent().and_then(Path::parent).expect("the site folder").join("journal.jsonl");
    let mut files: Vec<PathBuf> = files_below(&run);
    files.retain(|path| !path.ends_with("voyager.log"));
    files.push(journal);
    for path in files {
        let whole = fs::read(&path).expect("a file of the run");
        let last_line = whole.len() - 40;
        for at in [0, whole.len() / 3, whole.len() / 2, last_line, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).expect("it is changed");
            let ran = voyager(&site, &["report", "--verify"]);
            assert_eq!(ran.status.code(), Some(7), "byte {at} of {}: {ran}", path.display());
        }
        fs::write(&path, &whole[..whole.len() - 1]).expect("it is cut");
        voyager(&site, &["report", "--verify"]).exits_with(7);
        fs::write(&path, &whole).expect("it is put back");
    }
    fs::remove_file(run.join("wire.jsonl")).expect("it is removed");
    voyager(&site, &["report", "--verify"]).exits_with(7).says("is missing");
}

#[test]
fn a_run_that_was_killed_has_papers_but_no_seal() {
    let site = SimulatedSite::example().start();
    site.run().args(["--to", "02", "--crash-at", "init-cluster.deploy:after-intent"]).run();
    voyager(&site, &["report"]).exits_with(0);
    let rows: BTreeMap<String, Vec<String>> = rows_of_page(&page(&site, "en")).into_iter().collect();
    assert_eq!(rows["step.init-cluster.deploy"][1], "interrupted, end unknown");
    voyager(&site, &["report", "--verify"]).exits_with(7).says("has no seal");
}

#[test]
fn every_wrong_fact_turns_exactly_its_row_red() {
    let site = SimulatedSite::finished();
    let patch = |pointer: &str, value: Value| site.running().patch(pointer, value).expect("it is patched");
    patch("/cluster/cpu_model", json!("host_passthrough"));
    patch("/cluster/licence/serial", json!("0-0-0"));
    patch("/twin/plan/patch", json!("P3"));
    site.run().args(["--stage", "verify"]).run().exits_with(4);
    voyager(&site, &["report"]).exits_with(0).says("not as planned");
    let page = page(&site, "en");
    let red = page.split("<tr data-key=\"").skip(1).filter(|row| row.contains("class=\"bad\""));
    let mut keys: Vec<&str> = red
        .filter_map(|row| row.split('"').next())
        .filter(|key| key.starts_with("setting."))
        .map(|key| key.splitn(4, '.').nth(3).expect("setting.stage.step.key"))
        .collect();
    keys.sort_unstable();
    // The cluster and CloudTower both tell the CPU model and the licence.
    keys.dedup();
    let expected = [
        "cluster.cpu_model",
        "cluster.licence",
        "hosts[0].smtx_version",
        "hosts[1].smtx_version",
        "hosts[2].smtx_version",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn papers_are_made_of_a_run_in_which_something_failed_and_name_it() {
    let site = SimulatedSite::finished();
    // No step of an earlier stage mends the version of the hosts.
    site.running().patch("/twin/plan/patch", json!("P3")).expect("it is patched");
    site.run().run().exits_with(4).says("the acceptance pack lies in");
    let page = page(&site, "en");
    let rows: BTreeMap<String, Vec<String>> = rows_of_page(&page).into_iter().collect();
    assert_eq!(rows["step.verify.fisheye"][1], "failed");
    assert!(rows.contains_key("deviation.verify.fisheye"), "it is among the deviations: {rows:#?}");
    assert_eq!(rows["step.config-cluster.vip"][1], "was as planned");
    voyager(&site, &["report", "--verify"]).exits_with(0);
}

#[test]
fn a_bundle_names_the_inspection_report_and_holds_it_only_on_demand() {
    let site = SimulatedSite::finished();
    let mut reports =
        files_below(&run_folder(&site)).into_iter().filter(|path| path.extension() == Some("zip".as_ref()));
    let report = reports.next_back().expect("a report");
    let name = report.file_name().and_then(|name| name.to_str()).expect("a name");
    let bundle = |to: &str, more: &[&str]| {
        let places = ["--artifacts", "artifacts/simulated"];
        let bundle = Voyager::within(site.folder.path()).args(["bundle", "--to", to]).args(places).args(more);
        (bundle.run().exits_with(0).says(name), names_in(&fs::read(site.folder.path().join(to)).expect("it")))
    };
    let (ran, names) = bundle("a.zip", &[]);
    ran.says("named only, not contained");
    assert!(names.contains(&"inspection.json".to_owned()));
    assert!(!names.iter().any(|entry| entry.contains(name)), "{names:?}");
    let (ran, names) = bundle("b.zip", &["--with-inspection"]);
    ran.says("contains the inspection report");
    assert!(names.contains(&format!("inspection/{name}")), "{names:?}");
}

#[test]
fn the_timeline_of_the_workbook_is_printed_on_one_page() {
    let Some(office) = installed(&["soffice", "libreoffice"]) else { return left_out("LibreOffice") };
    let Some(reader) = installed(&["pdftotext"]) else { return left_out("pdftotext") };
    let site = SimulatedSite::finished();
    let home = tempfile::tempdir().expect("a folder");
    for (lang, last) in [("zh", "下载巡检报告"), ("en", "Download of the report")] {
        let pdf = as_pdf(&site, &office, home.path(), lang);
        let text = Command::new(&reader).arg(&pdf).arg("-").output().expect("it starts").stdout;
        let text = String::from_utf8_lossy(&text).into_owned();
        let (first, last) = (if lang == "zh" { "时间线" } else { "Timeline" }, last);
        let pages: Vec<&str> = text.split('\u{c}').filter(|page| page.contains(first)).collect();
        assert_eq!(pages.len(), 1, "{lang}: the timeline has one page");
        assert!(pages[0].contains(last), "{lang}: its last lane is on the same page");
    }
}

/// The workbook of the newest run as an office program prints it.
fn as_pdf(site: &SimulatedSite, office: &Path, home: &Path, lang: &str) -> PathBuf {
    let workbook = run_folder(site).join(format!("acceptance/acceptance-{lang}.xlsx"));
    let profile = format!("-env:UserInstallation=file://{}/profile", home.display());
    let made = Command::new(office)
        .args([&profile, "--headless", "--convert-to", "pdf", "--outdir"])
        .args([home, &workbook])
        .env("HOME", home)
        .output()
        .expect("it starts");
    let pdf = home.join(format!("acceptance-{lang}.pdf"));
    assert!(pdf.is_file(), "{made:?}");
    pdf
}

#[test]
fn a_run_is_found_by_its_id_and_by_its_folder_and_an_unknown_one_is_refused() {
    let site = SimulatedSite::finished();
    let folder = run_folder(&site);
    let id = folder.file_name().and_then(|name| name.to_str()).expect("an id").to_owned();
    voyager(&site, &["report", &id]).exits_with(0).says(&id);
    voyager(&site, &["report", folder.to_str().expect("text")]).exits_with(0).says(&id);
    voyager(&site, &["report", "20010101-000000"]).exits_with(2).says("there is no such run");
}

#[test]
fn a_bundle_tells_what_it_contains_and_is_its_owners_alone() {
    let site = SimulatedSite::finished();
    let ran = voyager(
        &site,
        &["bundle", "--plan", "plan.xlsx", "--artifacts", "artifacts/simulated", "--to", "b.zip"],
    );
    let ran = ran.exits_with(0).says("journal.jsonl").says("left out: secret.key").says("written: b.zip");
    let path = site.folder.path().join("b.zip");
    let names = names_in(&fs::read(&path).expect("the archive"));
    for name in &names {
        assert!(ran.stdout.find(name.as_str()) < ran.stdout.find("written:"), "{name} is told before: {ran}");
    }
    assert!(
        names.iter().any(|name| name == "run/wire.jsonl") && names.iter().any(|name| name == "plan.json")
    );
    assert!(!names.iter().any(|name| name.contains("secret") || name.contains("plan.xlsx")), "{names:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    }
    voyager(&site, &["bundle", "--to", "b.zip"]).exits_with(2).says("the file exists");
}

fn names_in(archive: &[u8]) -> Vec<String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).expect("an archive");
    (0..archive.len())
        .map(|at| {
            let mut entry = archive.by_index(at).expect("an entry");
            entry.read_to_end(&mut Vec::new()).expect("it is whole");
            entry.name().expect("a name").to_string()
        })
        .collect()
}

#[test]
fn the_workbook_becomes_a_pdf_in_an_office_program() {
    let Some(office) = installed(&["soffice", "libreoffice"]) else { return left_out("LibreOffice") };
    let site = SimulatedSite::finished();
    let home = tempfile::tempdir().expect("a folder");
    for lang in ["zh", "en"] {
        let pdf = fs::read(as_pdf(&site, &office, home.path(), lang)).expect("it is read");
        assert!(pdf.starts_with(b"%PDF") && pdf.len() > 20_000);
    }
}

#[test]
fn the_page_renders_in_a_browser_without_a_complaint() {
    let Some(browser) = installed(&["chromium", "chromium-browser", "google-chrome"]) else {
        return left_out("a headless browser");
    };
    let site = SimulatedSite::finished();
    let home = tempfile::tempdir().expect("a folder");
    for lang in ["zh", "en"] {
        let path = run_folder(&site).join(format!("acceptance/acceptance-{lang}.html"));
        let rendered = Command::new(&browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"])
            .arg(format!("--user-data-dir={}", home.path().display()))
            .arg(format!("file://{}", path.display()))
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .output()
            .expect("it starts");
        let (dom, complaints) =
            (String::from_utf8_lossy(&rendered.stdout), String::from_utf8_lossy(&rendered.stderr));
        assert!(!complaints.contains("CONSOLE"), "{complaints}");
        let written = rows_of_page(&page(&site, lang)).len();
        assert_eq!(dom.matches("<tr data-key=").count(), written, "{complaints}");
        assert!(dom.contains("<rect class=\"bar-worked\""), "the picture is there");
    }
}

/// The first of these programs that the machine has.
fn installed(names: &[&str]) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/usr/local/bin", "/snap/bin"];
    names
        .iter()
        .flat_map(|name| folders.map(|folder| Path::new(folder).join(name)))
        .find(|path| path.is_file())
}
