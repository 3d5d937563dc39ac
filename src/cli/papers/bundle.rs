//! `voyager bundle RUN`: a support archive of a run. What it contains is told before it is written.
//!
//! Only named kinds of files get in; `secret.key`, the workbook and media never do. Everything in it was redacted when
//! it was written; with `--plan` every password of the plan is looked for once more.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{FOLDER, PastRun, whose::WhichRun};
use crate::{
    cli::{Ended, platform, session::Session},
    clients::redact::Redactor,
    engine::journal::line,
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{self, CheckOptions, Plan, view},
    ui::table::Table,
    units,
};

#[derive(Args, Debug)]
pub struct BundleOptions {
    #[command(flatten)]
    which: WhichRun,
    #[arg(long, value_name = "FILE", help = "cli.option.bundle-to")]
    to: Option<PathBuf>,
    #[arg(long, help = "cli.option.with-inspection")]
    with_inspection: bool,
}

/// The report of the inspection: named in every archive, in it only on demand.
struct Inspected {
    /// The fact, as stage 11 left it.
    fact: Value,
    file: String,
    sha256: String,
    /// `None`: not asked for, or not there as it was left.
    content: Option<Vec<u8>>,
}

/// A file of the archive, ready to be written.
struct Entry {
    name: String,
    content: Vec<u8>,
    /// Passwords that were found in it and taken out.
    masked: bool,
}

pub fn run(session: &Session, options: &BundleOptions) -> Result<Ended> {
    let past = options.which.find()?;
    let path = options.to.clone().unwrap_or_else(|| format!("voyager-bundle-{}.zip", past.run).into());
    let failure = |kind| {
        let advice = message("cli.bundle.advice", &[]);
        Failure::new(kind, message("cli.bundle.doing", &[])).at(path.display()).advise(advice)
    };
    if path.exists() {
        return Err(failure(Kind::Usage).answer(message("cli.bundle.exists", &[])));
    }
    // A plan that does not hold is no reason to be left without an archive.
    let plan = options.which.plan().and_then(|plan| plan::check(plan, &CheckOptions::default()).plan);
    let local = |error: &io::Error| failure(Kind::Local).because(error);
    let inspected = inspected(&past, options.with_inspection).map_err(|error| local(&error))?;
    let entries = entries(&past, plan.as_ref(), inspected.as_ref()).map_err(|error| local(&error))?;
    tell(session, &entries, plan.is_some(), inspected.as_ref());
    write(&path, &entries).map_err(|error| failure(Kind::Local).because(&error))?;
    if session.json() {
        let listed: Vec<_> = entries
            .iter()
            .map(|entry| json!({"name": entry.name, "bytes": entry.content.len(), "masked": entry.masked}))
            .collect();
        let report = inspected.map(|report| {
            json!({"file": report.file, "sha256": report.sha256, "included": report.content.is_some()})
        });
        session.print_json(&json!({
            "schema": "1.0", "run": past.run, "file": path, "entries": listed, "inspection": report,
        }));
    } else {
        let written = message("cli.bundle.written", &[("file", &path.display())]);
        session.screen.line(session.screen.say(&written));
    }
    Ok(Ended::Well)
}

fn tell(session: &Session, entries: &[Entry], with_plan: bool, inspected: Option<&Inspected>) {
    if session.json() {
        return;
    }
    let screen = &session.screen;
    let headings = [message("cli.bundle.file", &[]), message("cli.bundle.size", &[])];
    let mut table = Table::new(&headings.each_ref().map(|heading| screen.say(heading)));
    for entry in entries {
        table.row(vec![entry.name.clone(), units::bytes(entry.content.len() as u64)]);
    }
    screen.line(screen.say(&message("cli.bundle.contains", &[])));
    table.lines(screen.width).iter().for_each(|line| screen.line(line));
    screen.line(screen.say(&message("cli.bundle.left-out", &[])));
    if let Some(Inspected { file, sha256, content, .. }) = inspected {
        let args: [(&str, &dyn crate::text::Say); 2] = [("file", file), ("sha256", sha256)];
        screen.line(screen.say(&match content {
            Some(_) => message("cli.bundle.inspection", &args),
            None => message("cli.bundle.inspection-named", &args),
        }));
    }
    let masked = entries.iter().filter(|entry| entry.masked).count();
    let said = if with_plan {
        message("cli.bundle.masked", &[("count", &masked)])
    } else {
        message("cli.bundle.no-plan", &[])
    };
    screen.line(screen.say(&said));
}

/// The report that the papers of this run name.
fn inspected(past: &PastRun, with_content: bool) -> io::Result<Option<Inspected>> {
    // A journal that cannot be read is no reason to be left without an archive.
    let Some(fact) = past.acceptance().ok().and_then(|acceptance| acceptance.inspection) else {
        return Ok(None);
    };
    let text = |name: &str| fact.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (file, sha256) = (text("file"), text("sha256"));
    let path = past.site.path.join(&file);
    let content = if with_content && path.is_file() { Some(fs::read(&path)?) } else { None };
    let content = content.filter(|content| line::digest(content) == sha256);
    Ok(Some(Inspected { fact, file, sha256, content }))
}

fn entries(past: &PastRun, plan: Option<&Plan>, inspected: Option<&Inspected>) -> io::Result<Vec<Entry>> {
    let redactor = Redactor::new();
    for entry in plan.into_iter().flat_map(view::entries) {
        if let view::Value::Secret(secret) = entry.value {
            redactor.learn(secret.expose());
        }
    }
    let mut entries = Vec::new();
    let mut add = |name: String, content: Vec<u8>| {
        let clean = cleaned(&redactor, &name, &content);
        let masked = clean.is_some();
        entries.push(Entry { name, content: clean.unwrap_or(content), masked });
    };
    for name in ["site.json", "journal.jsonl", "pins.json"] {
        let path = past.site.path.join(name);
        if path.is_file() {
            add(name.to_owned(), fs::read(path)?);
        }
    }
    for (folder, kinds) in [("", ["json", "jsonl", "log"].as_slice()), (FOLDER, &["html", "xlsx"])] {
        for path in files(&past.folder().join(folder), kinds)? {
            let name: Vec<&str> =
                [Some("run"), Some(folder), path.file_name().and_then(|name| name.to_str())]
                    .into_iter()
                    .flatten()
                    .filter(|part| !part.is_empty())
                    .collect();
            add(name.join("/"), fs::read(&path)?);
        }
    }
    if let Some(report) = inspected {
        add("inspection.json".to_owned(), format!("{:#}\n", report.fact).into_bytes());
        let name = Path::new(&report.file).file_name().and_then(|name| name.to_str());
        if let (Some(content), Some(name)) = (&report.content, name) {
            add(format!("inspection/{name}"), content.clone());
        }
    }
    if let Some(plan) = plan {
        let text = format!("{:#}\n", json!({"schema": "1.0", "plan": view::json(plan)}));
        add("plan.json".to_owned(), text.into_bytes());
    }
    Ok(entries)
}

/// The files of these kinds right in a folder, in order of name; none when there is no such folder.
fn files(folder: &Path, kinds: &[&str]) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let wanted = path.extension().is_some_and(|kind| kinds.iter().any(|known| kind == *known));
        if wanted && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A text without the passwords that were still in it; `None` when there were none.
fn cleaned(redactor: &Redactor, name: &str, content: &[u8]) -> Option<Vec<u8>> {
    // Archives within the archive; what is in a workbook was redacted, what the inspection says is its own.
    if name.ends_with(".xlsx") || name.ends_with(".zip") {
        return None;
    }
    let text = String::from_utf8_lossy(content);
    let clean = redactor.text(&text);
    (clean != text).then(|| clean.into_bytes())
}

fn write(path: &Path, entries: &[Entry]) -> io::Result<()> {
    let mut zip = ZipWriter::new(platform::new_private_file(path)?);
    let options = SimpleFileOptions::default().unix_permissions(0o600);
    for entry in entries {
        zip.start_file(&entry.name, options).map_err(io::Error::other)?;
        zip.write_all(&entry.content)?;
    }
    zip.finish().map_err(io::Error::other)?.sync_all()
}
