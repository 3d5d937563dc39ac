//! The command to go on with: literal, ready to be copied, without secrets.

use std::path::PathBuf;

use super::Cluster;
use crate::{
    cli::session::Session,
    clients::proxy::Proxy,
    engine::{Selection, Stage, event::RunSummary},
    failure::Kind,
    stages::world::World,
};

/// After success the look at the result; after a stop the same command again, or what its failure asks for. A command
/// whose `--until` has come asks for the same hours of another day, `again`.
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
        Some(kind) => {
            let again = again.filter(|_| kind == Kind::Window);
            let words = later(&session.arguments, again);
            return words.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" ");
        }
        None => {}
    }
    if options.simulate {
        return format!("voyager run --plan {plan} --dry-run");
    }
    let same_site = match &options.site.proxy {
        Some(proxy) => format!(" --proxy {}", shown(proxy)),
        None => String::new(),
    };
    match following(stages, selection) {
        Some(stage) if !rehearsal => format!("voyager run --plan {plan}{same_site} --stage {stage}"),
        _ => format!("voyager diff --plan {plan}{same_site}"),
    }
}

/// The command that was given.
pub fn again(session: &Session) -> String {
    session.arguments.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" ")
}

/// Paths as words of a command line.
pub fn words(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| quoted(&path.display().to_string())).collect::<Vec<_>>().join(" ")
}

/// The stage after the last selected one.
fn following<'a>(stages: &'a [Stage<World>], selection: &Selection) -> Option<&'a str> {
    let position = |name: &String| {
        let number: Option<u8> = name.parse().ok();
        stages.iter().position(|stage| stage.manifest.id == *name || Some(stage.manifest.number) == number)
    };
    let last = match selection {
        Selection::All | Selection::Range(_, None) => return None,
        Selection::Stages(names) => names.iter().filter_map(position).max()?,
        Selection::Range(_, Some(to)) => position(to)?,
    };
    stages.get(last + 1).map(|stage| stage.manifest.id.as_str())
}

/// The command with `--window AGAIN` in the place of `--until TIME`.
fn later(arguments: &[String], again: Option<&str>) -> Vec<String> {
    let Some(again) = again else { return arguments.to_vec() };
    let mut words = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        let until = word == "--until";
        if until || word.starts_with("--until=") {
            words.extend(["--window".to_owned(), again.to_owned()]);
            if until {
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
fn quoted(word: &str) -> String {
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
        assert_eq!(later(&words("voyager run --until 02:00"), None).join(" "), "voyager run --until 02:00");
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
