//! Follows a deployment to the verdict, through restarts that answer nothing or nonsense (api-fisheye §3.5, §3.6).

use std::{cell::RefCell, time::Duration};

use super::deploy::{ACCEPTED, expect_new_identities};
use crate::{
    clients::{
        fisheye::{DeployStatus, Verdict},
        http::Scheme,
    },
    engine::{Facts, WaitProbe, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::world::WorldRead,
    text::Text,
};

/// *Not deployed* so often in a row, after a clean end of the progress, means failed (§3.6) ...
const TO_FAIL: Row = Row {
    looks: 12,
    // ... and not before the slowest site that ends well has said otherwise: it says *not deployed* for the last 5 % of
    // its time, which is 225 s of 75 minutes (site-behaviour §3.2).
    lasting: Duration::from_secs(240),
};
/// Without any sign that the request was accepted, a minute of it means that nothing started (§3.4).
const TO_GIVE_UP: Row = Row { looks: 6, lasting: Duration::from_secs(60) };

pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    expect_new_identities(world);
    let cluster = world.cluster(handle);
    let watch = RefCell::new(Watch::new(handle.remembered(&ACCEPTED).is_some()));
    let look = async || {
        let question = watch.borrow().question;
        let said = match question {
            Question::Progress => Said::Progress(cluster.deploy_status().await?),
            Question::Verdict(scheme) => Said::Verdict(cluster.deploy_verdict(scheme).await?),
        };
        match watch.borrow_mut().judge(handle.clock().elapsed(), &said) {
            // "Nothing started" is for the probe to tell: it ends the wait, not the step.
            Look::Deployed | Look::NothingStarted => Ok(WaitProbe::Ready(Facts::none())),
            Look::NotYet(reason) => Ok(WaitProbe::NotYet(reason)),
            Look::Failed(last) => Err(Failure::new(Kind::Site, message("stages.deploy.doing", &[]))
                .at(cluster.addresses().first)
                .answer(last)
                .meaning(message("stages.deploy.failed", &[]))
                .advise(message("stages.deploy.failed_advice", &[]))),
        }
    };
    handle.poll(look).await.map(drop)
}

/// What a look asks. One request a look, so that a wait costs six a minute at most, also while hosts restart for half an
/// hour: as long as the progress is no clean `running`, it takes turns with the verdict (§3.6 asks for both at once).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Question {
    Progress,
    Verdict(Scheme),
}

/// What the site said to it.
enum Said {
    Progress(DeployStatus),
    Verdict(Verdict),
}

/// What one look at a deployment came to.
#[derive(Debug, PartialEq)]
enum Look {
    Deployed,
    NotYet(Text),
    /// The last that the progress said.
    Failed(Text),
    NothingStarted,
}

/// *Not deployed* in a row. Looks alone say little: how far they are apart depends on how long the wait has lasted.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    looks: u32,
    /// Site time from the first of them to the last.
    lasting: Duration,
}

impl Row {
    fn reaches(self, other: Self) -> bool {
        self.looks >= other.looks && self.lasting >= other.lasting
    }
}

/// What the looks so far have shown.
struct Watch {
    /// For the next look.
    question: Question,
    /// The request was answered with success, or the deployment was seen running.
    started: bool,
    /// The progress ended cleanly.
    ended: bool,
    /// *Not deployed*, since when and how often in a row.
    falses: Option<(Duration, u32)>,
    /// The last stage or message.
    last: Text,
    /// The progress as the operator sees it.
    shown: Text,
}

impl Watch {
    fn new(accepted: bool) -> Self {
        let last = message("stages.deploy.no_progress", &[]);
        let shown = last.clone();
        Self { question: Question::Progress, started: accepted, ended: false, falses: None, last, shown }
    }

    /// Only the verdict says *deployed*; only the verdict, often and long enough, says *failed*.
    fn judge(&mut self, at: Duration, said: &Said) -> Look {
        match said {
            Said::Progress(status) => self.saw(status),
            Said::Verdict(Verdict::Deployed) => return Look::Deployed,
            Said::Verdict(Verdict::NotDeployed) => {
                let (since, looks) = self.falses.unwrap_or((at, 0));
                self.falses = Some((since, looks + 1));
                self.question = Question::Progress;
            }
            Said::Verdict(Verdict::NoAnswer(_)) if self.question == Question::Verdict(Scheme::Https) => {
                self.question = Question::Verdict(Scheme::Http);
            }
            Said::Verdict(Verdict::NoAnswer(_)) => (self.falses, self.question) = (None, Question::Progress),
        }
        let row = self.falses.map(|(since, looks)| Row { looks, lasting: at.saturating_sub(since) });
        let row = row.unwrap_or_default();
        if !self.started && row.reaches(TO_GIVE_UP) {
            Look::NothingStarted
        } else if self.ended && row.reaches(TO_FAIL) {
            Look::Failed(self.last.clone())
        } else {
            Look::NotYet(self.shown.clone())
        }
    }

    fn saw(&mut self, status: &DeployStatus) {
        self.shown = progress(status);
        self.question = Question::Verdict(Scheme::Https);
        match status {
            DeployStatus::Running { .. } => {
                (self.started, self.ended, self.falses) = (true, false, None);
                self.last = words(status);
                self.question = Question::Progress;
            }
            DeployStatus::Ended { .. } => {
                if !self.ended {
                    // What was said while services restarted is no verdict.
                    (self.ended, self.falses) = (true, None);
                }
                self.last = words(status);
            }
            DeployStatus::Disturbed(_) => {}
        }
    }
}

/// What the site itself said.
fn words(status: &DeployStatus) -> Text {
    match status {
        DeployStatus::Running { stage, message, .. } => said("running", stage, message.as_deref()),
        DeployStatus::Ended { state, stage, message } => said(state, stage, message.as_deref()),
        DeployStatus::Disturbed(why) => why.clone(),
    }
}

fn said(state: &str, stage: &str, words: Option<&str>) -> Text {
    let parts = [state, stage, words.unwrap_or_default()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { message("stages.deploy.no_progress", &[]) } else { Text::same(parts.join(", ")) }
}

fn progress(status: &DeployStatus) -> Text {
    match status {
        DeployStatus::Running { stage, current, total, message: words } => {
            let counted = match (current, total) {
                (Some(current), Some(total)) => format!(" ({current}/{total})"),
                _ => String::new(),
            };
            let words = words.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
            message("stages.deploy.running", &[("stage", stage), ("counted", &counted), ("words", &words)])
        }
        DeployStatus::Ended { state, stage, message: words } => {
            let words = words.as_deref().unwrap_or(stage);
            message("stages.deploy.ended", &[("state", state), ("words", &words)])
        }
        DeployStatus::Disturbed(why) => message("stages.deploy.disturbed", &[("why", why)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> DeployStatus {
        DeployStatus::Running { stage: "prepare".into(), current: Some(1), total: Some(1), message: None }
    }

    fn ended() -> DeployStatus {
        DeployStatus::Ended {
            state: "SIM_failed".into(),
            stage: "disk".into(),
            message: Some("no disk".into()),
        }
    }

    fn disturbed() -> DeployStatus {
        DeployStatus::Disturbed(Text::same("reset"))
    }

    fn no_answer() -> Verdict {
        Verdict::NoAnswer(Failure::new(Kind::Site, Text::same("verify")))
    }

    /// A look every so many seconds.
    struct Looks {
        watch: Watch,
        every: u64,
        seconds: u64,
    }

    impl Looks {
        fn every(seconds: u64, accepted: bool) -> Self {
            Self { watch: Watch::new(accepted), every: seconds, seconds: 0 }
        }

        /// The progress and, where it is asked, the verdict.
        fn judge(&mut self, status: &DeployStatus, verdict: Option<&Verdict>) -> Look {
            self.seconds += self.every;
            let at = Duration::from_secs(self.seconds);
            let mut look = self.watch.judge(at, &Said::Progress(status.clone()));
            while let (Question::Verdict(_), Some(verdict)) = (self.watch.question, verdict) {
                look = self.watch.judge(at, &Said::Verdict(verdict.clone()));
                if look == Look::Deployed {
                    break;
                }
            }
            look
        }

        fn waits(&mut self, times: u32, status: &DeployStatus, verdict: Option<&Verdict>) -> bool {
            (0..times).all(|_| matches!(self.judge(status, verdict), Look::NotYet(_)))
        }
    }

    #[test]
    fn only_the_verdict_ends_the_wait_well() {
        let mut looks = Looks::every(10, true);
        assert!(looks.waits(1, &running(), None));
        assert!(looks.waits(1, &disturbed(), Some(&no_answer())));
        assert!(looks.waits(1, &ended(), Some(&Verdict::NotDeployed)));
        assert_eq!(looks.judge(&disturbed(), Some(&Verdict::Deployed)), Look::Deployed);
    }

    #[test]
    fn a_look_asks_one_thing_and_the_verdict_over_http_only_when_https_does_not_answer() {
        let mut watch = Watch::new(true);
        let said = [
            (Said::Progress(running()), Question::Progress),
            (Said::Progress(disturbed()), Question::Verdict(Scheme::Https)),
            (Said::Verdict(no_answer()), Question::Verdict(Scheme::Http)),
            (Said::Verdict(no_answer()), Question::Progress),
            (Said::Progress(ended()), Question::Verdict(Scheme::Https)),
            (Said::Verdict(Verdict::NotDeployed), Question::Progress),
        ];
        for (at, (said, next)) in (0..).zip(said) {
            watch.judge(Duration::from_secs(at), &said);
            assert_eq!(watch.question, next, "after {at}");
        }
    }

    #[test]
    fn a_clean_end_and_refusals_in_a_row_are_a_failure_in_the_site_s_words() {
        let mut looks = Looks::every(10, true);
        assert!(looks.waits(24, &ended(), Some(&Verdict::NotDeployed)));
        let Look::Failed(last) = looks.judge(&disturbed(), Some(&Verdict::NotDeployed)) else {
            panic!("still waits")
        };
        assert!(last.en.contains("no disk"), "{last:?}");
    }

    #[test]
    fn a_few_looks_far_apart_are_no_failure_and_many_close_together_neither() {
        let mut looks = Looks::every(30, true);
        assert!(looks.waits(11, &ended(), Some(&Verdict::NotDeployed)));
        let mut looks = Looks::every(1, true);
        assert!(looks.waits(240, &ended(), Some(&Verdict::NotDeployed)));
    }

    #[test]
    fn a_site_at_the_upper_end_of_its_times_may_refuse_for_its_last_twentieth_also_after_a_restart_of_the_tool()
     {
        for already in [0, 427] {
            let mut looks = Looks::every(10, true);
            assert!(looks.waits(already, &running(), None));
            assert!(looks.waits(23, &ended(), Some(&Verdict::NotDeployed)));
            assert_eq!(looks.judge(&ended(), Some(&Verdict::Deployed)), Look::Deployed);
        }
    }

    #[test]
    fn what_was_said_before_the_clean_end_does_not_count() {
        let mut looks = Looks::every(10, true);
        assert!(looks.waits(60, &disturbed(), Some(&Verdict::NotDeployed)));
        assert!(looks.waits(23, &ended(), Some(&Verdict::NotDeployed)));
        assert_eq!(looks.judge(&ended(), Some(&Verdict::Deployed)), Look::Deployed);
    }

    #[test]
    fn a_restart_in_between_starts_the_count_again() {
        let mut looks = Looks::every(10, true);
        for _ in 0..5 {
            assert!(looks.waits(24, &ended(), Some(&Verdict::NotDeployed)));
            assert!(looks.waits(1, &disturbed(), Some(&no_answer())));
        }
    }

    #[test]
    fn refusals_without_a_clean_end_never_fail_an_accepted_deployment() {
        let mut looks = Looks::every(10, true);
        assert!(looks.waits(100, &disturbed(), Some(&Verdict::NotDeployed)));
    }

    #[test]
    fn a_request_that_nobody_answered_is_looked_for_a_minute() {
        for (every, times) in [(10, 6), (1, 60)] {
            let mut looks = Looks::every(every, false);
            assert!(looks.waits(times, &disturbed(), Some(&Verdict::NotDeployed)));
            assert_eq!(looks.judge(&disturbed(), Some(&Verdict::NotDeployed)), Look::NothingStarted);
        }
    }

    #[test]
    fn once_it_was_seen_running_a_lost_answer_no_longer_matters() {
        let mut looks = Looks::every(10, false);
        assert!(looks.waits(1, &running(), None));
        assert!(looks.waits(50, &disturbed(), Some(&Verdict::NotDeployed)));
    }
}
