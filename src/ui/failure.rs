//! A failure as the operator reads it: what was done, where, what came back, what it means, what to do next.

use super::{
    columns::{pad, width},
    screen::{Screen, Tint},
};
use crate::{
    failure::{Failure, Kind},
    messages::message,
};

/// The lines of a failure in the language of the screen, wrapped to its width.
pub fn lines(failure: &Failure, screen: &Screen) -> Vec<String> {
    let (head, tint) = match failure.kind {
        // Nothing is wrong: it waits for the next maintenance window.
        Kind::Window => (message("ui.failure.put-off", &[("doing", &failure.doing)]), Tint::Warn),
        // Neither is there when the operator stops it.
        _ if failure.kind.is_stop() => {
            (message("ui.failure.stopped", &[("doing", &failure.doing)]), Tint::Warn)
        }
        _ => (message("ui.failure.head", &[("doing", &failure.doing)]), Tint::Bad),
    };
    let mut lines = vec![screen.tint(tint, screen.say(&head))];
    let labels = [
        message("ui.failure.at", &[]),
        message("ui.failure.answer", &[]),
        message("ui.failure.meaning", &[]),
        message("ui.failure.cause", &[]),
        message("ui.failure.advice", &[]),
        message("ui.failure.log", &[]),
    ];
    let label_width = labels.iter().map(|label| width(screen.say(label))).max().unwrap_or(0);
    let [at, answer, meaning, cause, advice, log] = labels.each_ref().map(|label| screen.say(label));

    let mut part = |label: &str, value: &str, wrap: bool| {
        let indent = 2 + label_width + 2;
        let value = if wrap { screen.wrapped(value, indent) } else { value.to_owned() };
        lines.push(format!("  {}  {value}", pad(label, label_width)));
    };
    if let Some(place) = &failure.at {
        part(at, place, false);
    }
    if let Some(text) = &failure.answer {
        part(answer, screen.say(text), true);
    }
    if let Some(text) = &failure.meaning {
        part(meaning, screen.say(text), true);
    }
    if !failure.causes.is_empty() {
        part(cause, &failure.causes.join(" ← "), true);
    }
    // Commands are not wrapped: they are there to be copied.
    for (position, text) in failure.advice.iter().enumerate() {
        part(if position == 0 { advice } else { "" }, screen.say(text), false);
    }
    if let Some(path) = &failure.log {
        part(log, &path.display().to_string(), false);
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::text::{Lang, Text};

    fn deploy_failure() -> Box<Failure> {
        Failure::new(Kind::Site, Text::new("部署集群", "deploying the cluster"))
            .at("http://10.0.20.11/api/v2/deployment/cluster")
            .answer(Text::same("HTTP 500 EC_INTERNAL"))
            .meaning(Text::new("部署请求没有被接受", "the deployment was not accepted"))
            .advise(Text::new("稍后重试：voyager run --plan p.xlsx", "try again: voyager run --plan p.xlsx"))
            .logged_at("/tmp/run/voyager.log")
    }

    fn screen(lang: Lang) -> Screen {
        Screen::new(lang, Box::new(io::sink()), Box::new(io::sink()))
    }

    #[test]
    fn a_failure_names_place_answer_meaning_advice_and_log_in_both_languages() {
        let english = lines(&deploy_failure(), &screen(Lang::En)).join("\n");
        assert_eq!(
            english,
            "failed: deploying the cluster\n  \
             at        http://10.0.20.11/api/v2/deployment/cluster\n  \
             answer    HTTP 500 EC_INTERNAL\n  \
             meaning   the deployment was not accepted\n  \
             what now  try again: voyager run --plan p.xlsx\n  \
             log       /tmp/run/voyager.log"
        );
        let chinese = lines(&deploy_failure(), &screen(Lang::Zh)).join("\n");
        assert_eq!(
            chinese,
            "失败：部署集群\n  \
             位置    http://10.0.20.11/api/v2/deployment/cluster\n  \
             返回    HTTP 500 EC_INTERNAL\n  \
             含义    部署请求没有被接受\n  \
             怎么办  稍后重试：voyager run --plan p.xlsx\n  \
             日志    /tmp/run/voyager.log"
        );
    }

    #[test]
    fn what_was_stopped_is_not_called_failed() {
        let stopped =
            Failure::new(Kind::Interrupted, Text::new("上传映像", "uploading")).meaning(Text::same("Ctrl-C"));
        let head = |lang| lines(&stopped, &screen(lang)).swap_remove(0);
        assert_eq!([head(Lang::En), head(Lang::Zh)], ["stopped: uploading", "已停止：上传映像"]);
    }

    #[test]
    fn words_wrap_at_forty_columns_under_their_label() {
        let mut narrow = screen(Lang::En);
        narrow.width = Some(40);
        let failure =
            Failure::new(Kind::Site, Text::same("x")).meaning(Text::same("one two three ".repeat(6)));
        let text = lines(&failure, &narrow).join("\n");
        assert!(text.lines().all(|line| width(line) <= 40), "{text}");
        assert!(text.lines().skip(2).all(|line| line.starts_with("            ")), "{text}");
    }
}
