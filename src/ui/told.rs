//! A running step in words, in as many columns as there are. What it is called and what it waits for give way first; the
//! time so far, the time expected and the limit are what an operator looks for, and stay.

use std::time::Duration;

use super::{
    columns::{fit, width},
    progress::{Active, Bounds, Now, Transfer},
    sentences::{own, time},
};
use crate::{
    messages::message,
    text::{Lang, Say, Text},
    units,
};

/// How many words are made about the times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    Full,
    Short,
}

/// A title of fewer columns tells nothing.
const TITLE: usize = 10;

impl Active {
    /// The reason of a wait, or a transfer with rate and time left; with it the time so far, what is expected, and the
    /// limit.
    pub fn say(&self, lang: Lang) -> String {
        self.say_of(self.subject(lang), Detail::Full, lang)
    }

    /// `Deploy: the deployment is running (1m35s of at most 40m00s)`, at most `room` columns.
    pub fn fitted(&self, title: &str, lang: Lang, room: usize) -> String {
        let details = [Detail::Full, Detail::Short];
        let said = details.into_iter().find_map(|detail| self.within(title, lang, room, detail));
        said.unwrap_or_else(|| fit(&self.times(lang), room))
    }

    /// The same in this detail; `None` where the times leave the title no room.
    pub fn within(&self, title: &str, lang: Lang, room: usize, detail: Detail) -> Option<String> {
        let subject = self.subject(lang);
        let times = width(&self.say_of("", detail, lang)) + width(": ");
        let least = if detail == Detail::Full { 2 * TITLE } else { TITLE };
        let least = least.min(width(title) + width(subject));
        let names = room.checked_sub(times).filter(|names| *names >= least)?;
        // The title gives way to the reason, and keeps a third where both are long.
        let title = fit(title, names.saturating_sub(width(subject)).max(names.min(TITLE)).max(names / 3));
        let left = names.saturating_sub(width(&title));
        // A letter or two of a reason are none.
        let subject = if left < width(subject).min(4) { String::new() } else { fit(subject, left) };
        Some(format!("{title}: {}", self.say_of(&subject, detail, lang).trim_start()))
    }

    /// The times alone, in few words.
    pub fn times(&self, lang: Lang) -> String {
        self.say_of("", Detail::Short, lang).trim_start().to_owned()
    }

    /// What it waits for or moves.
    fn subject(&self, lang: Lang) -> &str {
        match &self.now {
            None => "",
            Some(Now::Waiting { reason, .. }) => reason.get(lang),
            Some(Now::Transfer(transfer)) => &transfer.name,
        }
    }

    /// `say` with `subject` in its place.
    fn say_of(&self, subject: &str, detail: Detail, lang: Lang) -> String {
        let text = match (&self.now, detail) {
            (Some(Now::Waiting { elapsed_ms, expected_ms, limit_ms, since, .. }), _) => {
                // Between two looks the time goes on; a rehearsal's looks are close together.
                let since = if self.simulated { 0 } else { since * 1000 };
                let (so_far, reason) = (time(elapsed_ms + since), subject);
                self.waiting(&reason, &so_far, *expected_ms, *limit_ms, detail)
            }
            (None, _) => self.working(detail),
            (Some(Now::Transfer(transfer)), Detail::Full) => {
                let args: [(&str, &dyn Say); 2] =
                    [("transfer", &transfer.say(subject)), ("working", &self.working(detail))];
                message("ui.progress.transferring", &args)
            }
            (Some(Now::Transfer(transfer)), Detail::Short) => {
                let args: [(&str, &dyn Say); 2] =
                    [("transfer", &transfer.say_short(subject)), ("working", &self.working(detail))];
                message("ui.progress.transferring", &args)
            }
        };
        text.get(lang).to_owned()
    }

    fn waiting(
        &self,
        reason: &dyn Say,
        so_far: &dyn Say,
        expected: Option<u64>,
        limit: u64,
        detail: Detail,
    ) -> Text {
        let limit = time(limit);
        let args: [(&str, &dyn Say); 3] = [("reason", reason), ("time", so_far), ("limit", &limit)];
        let [reason, so_far, limit] = args;
        match (expected, detail) {
            (expected, Detail::Short) => {
                let times = short(so_far.1, expected, limit.1);
                message("ui.progress.waiting-short", &[reason, ("times", &times)])
            }
            (None, Detail::Full) => message("ui.progress.waiting", &args),
            (Some(expected), Detail::Full) => {
                let expected = self.expected(expected);
                message("ui.progress.waiting-expected", &[reason, so_far, ("expected", &expected), limit])
            }
        }
    }

    /// A step that is not waiting for anything it could name. In a rehearsal our own seconds are not the site's.
    fn working(&self, detail: Detail) -> Text {
        let so_far = own(self.seconds, self.simulated);
        let Some(bounds) = self.bounds.filter(|_| !self.simulated) else {
            return message("ui.progress.working", &[("time", &so_far)]);
        };
        let limit = time(bounds.limit_ms);
        match (bounds.expected_ms, detail) {
            (expected, Detail::Short) => short(&so_far, expected, &limit),
            (None, Detail::Full) => {
                message("ui.progress.working-limit", &[("time", &so_far), ("limit", &limit)])
            }
            (Some(expected), Detail::Full) => {
                let expected = self.expected(expected);
                let args: [(&str, &dyn Say); 3] =
                    [("time", &so_far), ("expected", &expected), ("limit", &limit)];
                message("ui.progress.working-expected", &args)
            }
        }
    }

    fn expected(&self, ms: u64) -> Text {
        let args: [(&str, &dyn Say); 1] = [("time", &time(ms))];
        match self.bounds {
            Some(Bounds { past: 1.., .. }) => message("ui.progress.expected-here", &args),
            _ => message("ui.progress.expected", &args),
        }
    }
}

/// `1m35s of ~20m00s, max 40m00s`.
fn short(so_far: &dyn Say, expected: Option<u64>, limit: &dyn Say) -> Text {
    match expected {
        None => message("ui.progress.short", &[("time", so_far), ("limit", limit)]),
        Some(expected) => {
            let args: [(&str, &dyn Say); 3] =
                [("time", so_far), ("expected", &time(expected)), ("limit", limit)];
            message("ui.progress.short-expected", &args)
        }
    }
}

impl Transfer {
    fn say(&self, name: &str) -> Text {
        let (sent, total) = (units::bytes(self.sent), units::bytes(self.total));
        let percent = self.percent();
        let base: [(&str, &dyn Say); 4] =
            [("name", &name), ("sent", &sent), ("total", &total), ("percent", &percent)];
        let (Some(rate), Some(left)) = (self.rate(), self.left()) else {
            return message("ui.progress.transfer", &base);
        };
        let [name, sent, total, percent] = base;
        let args = [name, sent, total, percent, ("rate", &units::bytes(rate)), ("left", &left)];
        message("ui.progress.transfer-rate", &args)
    }

    /// Without bytes and rate.
    fn say_short(&self, name: &str) -> Text {
        let percent = self.percent();
        match self.left() {
            None => message("ui.progress.transfer-short", &[("name", &name), ("percent", &percent)]),
            Some(left) => {
                let args: [(&str, &dyn Say); 3] = [("name", &name), ("percent", &percent), ("left", &left)];
                message("ui.progress.transfer-short-left", &args)
            }
        }
    }

    fn left(&self) -> Option<String> {
        let seconds = self.total.saturating_sub(self.sent).checked_div(self.rate()?)?;
        Some(units::duration(Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::event::{Event, EventKind},
        ui::{
            progress::Progress,
            testing::{at, run_started},
        },
    };

    const STEP: &str = "init-cluster.deploy";

    /// A step that is expected to take twenty minutes, and then this.
    fn active(then: EventKind) -> Active {
        let mut event = run_started();
        if let EventKind::RunStarted(run) = &mut event.kind {
            run.simulated = false;
            run.stages[0].steps.iter_mut().for_each(|step| step.expected_ms = Some(1_200_000));
        }
        let mut progress = Progress::default();
        let begun: [Event; 3] = [event, at(0, EventKind::StepStarted { step: STEP.into() }), at(1, then)];
        begun.iter().for_each(|event| progress.learn(event));
        progress.active.remove(STEP).expect("it runs")
    }

    fn wait() -> Active {
        active(EventKind::Waiting {
            step: STEP.into(),
            reason: Text::new(
                "等待全部节点重启后重新加入集群并同步数据",
                "all the nodes restart and join the cluster again",
            ),
            elapsed_ms: 95_000,
            expected_ms: Some(1_200_000),
            limit_ms: 2_400_000,
        })
    }

    #[test]
    fn from_80_to_110_columns_a_line_ends_with_all_the_times_of_a_wait() {
        let (zh, en) =
            ("部署集群并等待其各项服务全部就绪", "Deploy the cluster and wait for all its services");
        for room in 76..=110 {
            let said = wait().fitted(en, Lang::En, room);
            assert!(said.ends_with(" (1m35s, expected 20m00s, at most 40m00s)"), "{said}");
            assert!(said.starts_with("Deploy ") && width(&said) <= room, "{said}");
            let said = wait().fitted(zh, Lang::Zh, room);
            assert!(said.ends_with("（1m35s，预计 20m00s，上限 40m00s）"), "{said}");
            assert!(said.starts_with("部署") && width(&said) <= room, "{said}");
        }
    }

    #[test]
    fn a_transfer_gives_up_bytes_and_rate_before_the_times() {
        let (name, sent, total) = ("SMTXOS-6.2.0-el7-x86_64.iso".to_owned(), 4 << 30, 8 << 30);
        let active = active(EventKind::Transfer { step: STEP.into(), name, sent, total });
        let said = active.fitted("Upload the image", Lang::En, 76);
        assert_eq!(said, "Upload the im…: SMTXOS-6.2.0-el7-x86_64.iso 50%; 0.0s of ~20m00s, max 40m00s");
        let said = active.fitted("上传映像", Lang::Zh, 78);
        assert_eq!(said, "上传映像: SMTXOS-6.2.0-el7-x86_64.iso 50%；0.0s，约 20m00s，限 40m00s");
    }

    #[test]
    fn where_there_is_no_room_for_a_title_the_times_stand_alone() {
        assert_eq!(wait().fitted("Deploy the cluster", Lang::En, 30), "1m35s of ~20m00s, max 40m00s");
    }
}
