//! The command to go on with: literal, ready to be copied, without secrets.

use std::path::PathBuf;

use super::Cluster;
use crate::{
    cli::session::Session,
    clients::proxy::Proxy,
    engine::{Advice, Earlier, Selection, Stage, event::RunSummary},
    failure::Kind,
    messages::message,
    stages::world::World,
};

/// After success the look at the result; after a stop the same command again, or what its failure asks for. Where the
/// hours that the command names will not do any more, `again` are those to go on in.
pub fn command(
    cluster: &Cluster<'_>,
    selection: &Selection,
    end: &RunSummary,
    rehearsal: bool,
    again: Option<&str>,
) -> String {
    let Cluster { session, options, stages, .. } = cluster;
    let plan = quoted(&cluster.plan.display().to_string());
    match end.failure.as_ref().map(|failure| failure.kind) {
        Some(Kind::Plan) => return format!("voyager plan check {plan}"),
        Some(Kind::Usage) => return "voyager run --help".to_owned(),
        // The same command asks the same question: which answer is the operator's to choose.
        Some(Kind::Decision) => {
            let decide = message("cli.run.decide", &[("command", &line(&session.arguments))]);
            return session.screen.say(&decide).to_owned();
        }
        Some(kind) => return line(&later(&session.arguments, again.filter(|_| kind == Kind::Window))),
        None => {}
    }
    let onward = without_stages(&session.arguments);
    match following(stages, selection) {
        // Its site is gone with this process.
        Some(_) if options.simulate => onward,
        Some(stage) if rehearsal => format!("{onward} --from {stage}"),
        Some(stage) => format!("{onward} --stage {stage}"),
        None => {
            let proxy = options.site.proxy.as_deref().filter(|_| !options.simulate);
            let same_site = proxy.map(|proxy| format!(" --proxy {}", shown(proxy))).unwrap_or_default();
            if options.simulate {
                format!("voyager run --plan {plan} --dry-run")
            } else {
                format!("voyager diff --plan {plan}{same_site}")
            }
        }
    }
}

/// The command that was given.
pub fn again(session: &Session) -> String {
    line(&session.arguments)
}

/// Paths as words of a command line.
pub fn words(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| quoted(&path.display().to_string())).collect::<Vec<_>>().join(" ")
}

/// What the engine advises: literal commands, with the options of this one.
pub fn advice(cluster: &Cluster<'_>, selection: &Selection) -> Advice {
    let Cluster { session, options, stages, .. } = cluster;
    let onward = without_stages(&session.arguments);
    if !options.simulate {
        return Advice { earlier: Earlier::Alone(onward), ..Advice::default() };
    }
    let to = last(stages, selection).map(|stage| format!(" --to {}", stage.manifest.id)).unwrap_or_default();
    let plan = quoted(&cluster.plan.display().to_string());
    Advice {
        again: message("cli.run.site-gone", &[("plan", &plan)]),
        earlier: Earlier::FromTheStart(format!("{onward} --from 01{to}")),
    }
}

/// Words as a command line.
fn line(words: &[String]) -> String {
    words.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" ")
}

/// The command without its selection of stages, and without what was said about single steps.
fn without_stages(arguments: &[String]) -> String {
    const SELECTING: [&str; 6] = ["--stage", "--from", "--to", "--settle", "--redo", "--take-over"];
    let mut kept = Vec::new();
    let mut selecting = false;
    for word in arguments {
        // Values stand behind their option; `run` takes no word that belongs to none.
        if word.starts_with('-') {
            selecting = SELECTING.contains(&word.split_once('=').map_or(word.as_str(), |(option, _)| option));
        }
        if !selecting {
            kept.push(shown(word));
        }
    }
    kept.join(" ")
}

/// The stage after the last selected one.
fn following<'a>(stages: &'a [Stage<World>], selection: &Selection) -> Option<&'a str> {
    let last = last(stages, selection)?;
    let at = stages.iter().position(|stage| stage.manifest.id == last.manifest.id)?;
    stages.get(at + 1).map(|stage| stage.manifest.id.as_str())
}

/// The last selected stage; `None` where everything to the end is.
fn last<'a>(stages: &'a [Stage<World>], selection: &Selection) -> Option<&'a Stage<World>> {
    let position = |name: &String| {
        let number: Option<u8> = name.parse().ok();
        stages.iter().position(|stage| stage.manifest.id == *name || Some(stage.manifest.number) == number)
    };
    let at = match selection {
        Selection::All | Selection::Range(_, None) => return None,
        Selection::Stages(names) => names.iter().filter_map(position).max()?,
        Selection::Range(_, Some(to)) => position(to)?,
    };
    stages.get(at)
}

/// The command with `--window AGAIN` in the place of its own `--until TIME` or `--window HOURS`.
fn later(arguments: &[String], again: Option<&str>) -> Vec<String> {
    let Some(again) = again else { return arguments.to_vec() };
    let mut words = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        if matches!(word.split('=').next(), Some("--until" | "--window")) {
            words.extend(["--window".to_owned(), again.to_owned()]);
            if !word.contains('=') {
                rest.next();
            }
        } else {
            words.push(word.clone());
        }
    }
    words
}

/// One word of a command line; the password of a proxy is left out.
fn shown(word: &str) -> String {
    let (option, value) = match word.split_once('=') {
        Some(("--proxy", value)) => ("--proxy=", value),
        _ => ("", word),
    };
    let value = match value.split_once("://") {
        Some((scheme, rest)) if scheme.starts_with("socks") => {
            match (rest.rsplit_once('@'), Proxy::parse(value)) {
                (Some((_, place)), Ok(proxy)) if proxy.rehearsal().is_none() => {
                    format!("{scheme}://***@{place}")
                }
                (Some((_, place)), Err(_)) => format!("{scheme}://***@{place}"),
                _ => value.to_owned(),
            }
        }
        _ => value.to_owned(),
    };
    quoted(&format!("{option}{value}"))
}

/// Quoted for a shell where it must be.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@,+%*".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted("规划 表.xlsx"), "'规划 表.xlsx'");
        assert_eq!(quoted("a'b"), "'a'\\''b'");
        assert_eq!(quoted("plan.xlsx"), "plan.xlsx");
    }

    #[test]
    fn an_end_that_has_come_becomes_the_same_hours_of_another_day() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let go_on = |line: &str| later(&words(line), Some("22:05-02:00")).join(" ");
        let expected = "voyager run --window 22:05-02:00 --yes";
        assert_eq!(go_on("voyager run --until 02:00 --yes"), expected);
        assert_eq!(go_on("voyager run --until=2026-12-01T02:00 --yes"), expected);
        assert_eq!(go_on("voyager run --window 22:05-22:30 --yes"), expected);
        assert_eq!(later(&words("voyager run --until 02:00"), None).join(" "), "voyager run --until 02:00");
    }

    #[test]
    fn a_command_goes_on_with_other_stages_and_its_own_options() {
        let given =
            "voyager --lang zh run --plan p.xlsx --stage 02 03 --proxy socks5://b:1 --to=05 --redo a.b --yes";
        let words: Vec<String> = given.split(' ').map(str::to_owned).collect();
        assert_eq!(without_stages(&words), "voyager --lang zh run --plan p.xlsx --proxy socks5://b:1 --yes");
    }

    #[test]
    fn the_password_of_a_bastion_is_left_out_and_the_name_of_a_twin_kept() {
        assert_eq!(shown("socks5://joe:hunter2@b:1080"), "socks5://***@b:1080");
        assert_eq!(shown("--proxy=socks5://joe:hunter2@b:1080"), "--proxy=socks5://***@b:1080");
        assert_eq!(
            shown("socks5://simulated:t1-x20@127.0.0.1:4000"),
            "socks5://simulated:t1-x20@127.0.0.1:4000"
        );
        assert_eq!(shown("socks5://b:1080"), "socks5://b:1080");
    }
}
