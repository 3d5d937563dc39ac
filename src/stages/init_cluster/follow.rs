//! Follows a deployment to the verdict, through restarts that answer nothing or nonsense (api-fisheye §3.5, §3.6).

use std::cell::RefCell;

use super::deploy::{ACCEPTED, expect_new_identities};
use crate::{
    clients::fisheye::{DeployStatus, Verdict},
    engine::{Facts, WaitProbe, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::world::WorldRead,
    text::Text,
};

/// So often in a row *not deployed*, after a clean end of the progress, means failed (§3.6).
const FALSES_TO_FAIL: u32 = 12;
/// And not before a site that ends well would have said otherwise: it says *not deployed* for the last 5 % of its
/// time, which is 225 s of 75 minutes (site-behaviour §3.2).
const SHARE_OF_FALSES: u32 = 19;
/// And without any sign that the request was accepted, a minute of it means that nothing started (§3.4).
const FALSES_TO_GIVE_UP: u32 = 6;

pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    expect_new_identities(world);
    let cluster = world.cluster(handle);
    let watch = RefCell::new(Watch::new(handle.remembered(&ACCEPTED).is_some()));
    let look = async || {
        let status = cluster.deploy_status().await?;
        let verdict = match status {
            DeployStatus::Running { .. } => None,
            _ => Some(cluster.deploy_verify().await?),
        };
        match watch.borrow_mut().judge(&status, verdict.as_ref()) {
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

/// What one look at a deployment came to.
#[derive(Debug, PartialEq)]
enum Look {
    Deployed,
    NotYet(Text),
    /// The last that the progress said.
    Failed(Text),
    NothingStarted,
}

/// What the looks so far have shown.
struct Watch {
    /// The request was answered with success, or the deployment was seen running.
    started: bool,
    /// The progress ended cleanly.
    ended: bool,
    looks: u32,
    /// *Not deployed*, so often in a row.
    falses: u32,
    /// The last stage or message.
    last: Text,
}

impl Watch {
    fn new(accepted: bool) -> Self {
        let last = message("stages.deploy.no_progress", &[]);
        Self { started: accepted, ended: false, looks: 0, falses: 0, last }
    }

    /// Only the verdict says *deployed*; only the verdict, often enough, says *failed*.
    fn judge(&mut self, status: &DeployStatus, verdict: Option<&Verdict>) -> Look {
        self.looks += 1;
        match status {
            DeployStatus::Running { .. } => {
                (self.started, self.ended, self.falses) = (true, false, 0);
                self.last = words(status);
            }
            DeployStatus::Ended { .. } => {
                self.ended = true;
                self.last = words(status);
            }
            DeployStatus::Disturbed(_) => {}
        }
        match verdict {
            Some(Verdict::Deployed) => return Look::Deployed,
            Some(Verdict::NotDeployed) => self.falses += 1,
            Some(Verdict::NoAnswer(_)) => self.falses = 0,
            None => {}
        }
        if !self.started && self.falses >= FALSES_TO_GIVE_UP {
            Look::NothingStarted
        } else if self.ended && self.falses >= FALSES_TO_FAIL.max(self.looks.div_ceil(SHARE_OF_FALSES)) {
            Look::Failed(self.last.clone())
        } else {
            Look::NotYet(progress(status))
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

fn said(state: &str, stage: &str, message: Option<&str>) -> Text {
    let parts = [state, stage, message.unwrap_or_default()];
    Text::same(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "))
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

    fn waits(look: &Look) -> bool {
        matches!(look, Look::NotYet(_))
    }

    #[test]
    fn only_the_verdict_ends_the_wait_well() {
        let mut watch = Watch::new(true);
        assert!(waits(&watch.judge(&running(), None)));
        assert!(waits(&watch.judge(&disturbed(), Some(&no_answer()))));
        assert!(waits(&watch.judge(&ended(), Some(&Verdict::NotDeployed))));
        assert_eq!(watch.judge(&disturbed(), Some(&Verdict::Deployed)), Look::Deployed);
    }

    #[test]
    fn a_clean_end_and_refusals_in_a_row_are_a_failure_in_the_site_s_words() {
        let mut watch = Watch::new(true);
        for _ in 1..FALSES_TO_FAIL {
            assert!(waits(&watch.judge(&ended(), Some(&Verdict::NotDeployed))));
        }
        let Look::Failed(last) = watch.judge(&disturbed(), Some(&Verdict::NotDeployed)) else {
            panic!("still waits")
        };
        assert!(last.en.contains("no disk"), "{last:?}");
    }

    #[test]
    fn a_site_at_the_upper_end_of_its_times_may_refuse_for_its_last_twentieth() {
        let mut watch = Watch::new(true);
        assert!((0..427).all(|_| waits(&watch.judge(&running(), None))));
        assert!((0..22).all(|_| waits(&watch.judge(&ended(), Some(&Verdict::NotDeployed)))));
        assert_eq!(watch.judge(&ended(), Some(&Verdict::Deployed)), Look::Deployed);
    }

    #[test]
    fn a_restart_in_between_starts_the_count_again() {
        let mut watch = Watch::new(true);
        for _ in 0..5 {
            for _ in 1..FALSES_TO_FAIL {
                assert!(waits(&watch.judge(&ended(), Some(&Verdict::NotDeployed))));
            }
            assert!(waits(&watch.judge(&disturbed(), Some(&no_answer()))));
        }
    }

    #[test]
    fn refusals_without_a_clean_end_never_fail_an_accepted_deployment() {
        let mut watch = Watch::new(true);
        assert!((0..100).all(|_| waits(&watch.judge(&disturbed(), Some(&Verdict::NotDeployed)))));
    }

    #[test]
    fn a_request_that_nobody_answered_is_looked_for_a_minute() {
        let mut watch = Watch::new(false);
        for _ in 1..FALSES_TO_GIVE_UP {
            assert!(waits(&watch.judge(&disturbed(), Some(&Verdict::NotDeployed))));
        }
        assert_eq!(watch.judge(&disturbed(), Some(&Verdict::NotDeployed)), Look::NothingStarted);
    }

    #[test]
    fn once_it_was_seen_running_a_lost_answer_no_longer_matters() {
        let mut watch = Watch::new(false);
        assert!(waits(&watch.judge(&running(), None)));
        assert!((0..50).all(|_| waits(&watch.judge(&disturbed(), Some(&Verdict::NotDeployed)))));
    }
}
