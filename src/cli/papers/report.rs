//! `voyager report RUN`: the papers of a run, made again from its journal; with `--verify` checked instead.

use clap::Args;
use serde_json::json;

use super::{evidence, whose::WhichRun};
use crate::{
    cli::{Ended, arguments::Language, platform, session::Session},
    failure::{Failure, Kind, Result},
    messages::message,
    report::acceptance::Standing,
    stages::handover::{Papers, keep},
    text::{Lang, Text},
    ui::screen::Tint,
};

#[derive(Args, Debug)]
pub struct ReportOptions {
    #[command(flatten)]
    which: WhichRun,
    #[arg(long, help = "cli.option.verify")]
    verify: bool,
}

pub fn run(session: &Session, options: &ReportOptions) -> Result<Ended> {
    let mut past = options.which.find()?;
    if options.verify {
        return verify(session, &past);
    }
    // Both languages, unless one is asked for.
    past.languages = match session.global.lang {
        None => past.languages,
        Some(Language::Zh) => vec![Lang::Zh],
        Some(Language::En) => vec![Lang::En],
    };
    platform::private_from_now_on();
    let acceptance = past.acceptance()?;
    let papers = past.make()?;
    let folder = Papers::folder(&past);
    keep(&folder, &papers)?;
    let files: Vec<String> =
        papers.iter().map(|paper| folder.join(&paper.name).display().to_string()).collect();
    let count = |of: fn(Standing) -> bool| acceptance.settings.iter().filter(|row| of(row.standing)).count();
    let proved = count(|standing| standing == Standing::Proved);
    let (wrong, open) = (count(Standing::is_wrong), count(Standing::is_open));
    if session.json() {
        session.print_json(&json!({
            "schema": "1.0", "run": past.run, "site": past.site.key, "simulated": acceptance.run.simulated,
            "settings": {"proved": proved, "wrong": wrong, "open": open}, "files": files,
        }));
        return Ok(Ended::Well);
    }
    let screen = &session.screen;
    let args: &[(&str, &dyn crate::text::Say)] =
        &[("run", &past.run), ("proved", &proved), ("wrong", &wrong), ("open", &open)];
    let tint = if wrong == 0 { Tint::Good } else { Tint::Warn };
    screen.line(&screen.tint(tint, screen.say(&message("cli.report.made", args))));
    if acceptance.run.simulated {
        screen.line(screen.say(&message("cli.report.simulated", &[])));
    }
    files.iter().for_each(|file| screen.line(&format!("  {file}")));
    Ok(Ended::Well)
}

fn verify(session: &Session, past: &super::PastRun) -> Result<Ended> {
    let checked = evidence::check(past)?;
    if !checked.broken.is_empty() {
        let all = |lang| checked.broken.iter().map(|text| text.get(lang)).collect::<Vec<_>>().join("\n");
        return Err(Failure::new(Kind::Checkpoint, message("cli.verify.doing", &[("run", &past.run)]))
            .at(past.folder().display())
            .answer(Text::new(all(Lang::Zh), all(Lang::En)))
            .meaning(message("cli.verify.meaning", &[]))
            .advise(message("cli.verify.advice", &[])));
    }
    let (lines, exchanges, papers) = (checked.lines, checked.exchanges, checked.papers);
    if session.json() {
        session.print_json(&json!({
            "schema": "1.0", "run": past.run, "lines": lines, "exchanges": exchanges, "papers": papers,
        }));
        return Ok(Ended::Well);
    }
    let args: &[(&str, &dyn crate::text::Say)] =
        &[("run", &past.run), ("lines", &lines), ("exchanges", &exchanges), ("papers", &papers)];
    session.screen.line(session.screen.say(&message("cli.verify.holds", args)));
    Ok(Ended::Well)
}
