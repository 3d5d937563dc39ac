//! The life of a deployment: fresh → deploying → member, along the time line of site-behaviour §3.2.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        clock::Moment,
        durations,
        exchange::{Answer, Outcome, Refused},
        hold::Cut,
        random,
        reach::Reach,
        site::State,
        strict,
        variants::StatusBefore,
    },
    FIRST_PASSWORD, PASSWORD_CODE, Visit,
    deploy_body::DeployBody,
    deploy_checks,
};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deployment {
    #[default]
    Fresh,
    Deploying(Progress),
    Member(Progress),
    Failed(Progress),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Progress {
    pub body: DeployBody,
    pub since: Moment,
    pub until: Moment,
    /// Connections and polls met so far; picks the disturbances.
    draws: u64,
}

/// Where on its way a deployment is; shares of its length as in §3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Preparing,
    /// The management interface is rebuilt.
    Rebuilding,
    Working,
    /// Services restart.
    Restarting,
    Ending,
}

impl Progress {
    fn share(&self, now: Moment) -> f64 {
        let length = self.until.since(self.since).as_secs_f64();
        if length > 0.0 { now.since(self.since).as_secs_f64() / length } else { 1.0 }
    }

    fn section(&self, now: Moment) -> Section {
        match self.share(now) {
            share if share < 0.05 => Section::Preparing,
            share if share < 0.08 => Section::Rebuilding,
            share if share < 0.80 => Section::Working,
            share if share < 0.95 => Section::Restarting,
            _ => Section::Ending,
        }
    }

    fn draw(&mut self) -> String {
        self.draws += 1;
        self.draws.to_string()
    }

    fn involves(&self, uuid: &str) -> bool {
        self.body.hosts.iter().any(|host| host.host_uuid == uuid)
    }
}

impl Deployment {
    pub fn is_member(&self, uuid: &str) -> bool {
        matches!(self, Self::Member(progress) if progress.involves(uuid))
    }

    pub fn member(&self) -> Option<&Progress> {
        match self {
            Self::Member(progress) => Some(progress),
            _ => None,
        }
    }
}

impl State {
    /// Whether the session calls are answered at this address: a member, or the VIP once it is up.
    pub(super) fn serves(&self, address: Ipv4Addr) -> bool {
        let host = self.twin.host_at(address);
        self.twin.plan.vip == Some(address)
            || host.is_some_and(|host| self.cluster.deployment.is_member(&host.uuid))
    }

    /// What a new connection to a host meets while it is being deployed, if that is out of the ordinary.
    pub fn interruption(&mut self, now: Moment, address: Ipv4Addr, port: u16) -> Option<Reach> {
        let (seed, uuid) = (self.seed(), self.twin.host_at(address)?.uuid.clone());
        let Deployment::Deploying(progress) = &mut self.cluster.deployment else { return None };
        if !progress.involves(&uuid) {
            return None;
        }
        match progress.section(now) {
            Section::Rebuilding => {
                let end = progress.since.plus(progress.until.since(progress.since).mul_f64(0.08));
                let draw = progress.draw();
                // Resets and time-outs by turns.
                Some(Reach::Rebuilding(*random::pick(seed, &[now, end], &["rebuilding", &draw])))
            }
            Section::Restarting if port == 443 => Some(Reach::Refused),
            Section::Restarting if port == 80 => {
                let draw = progress.draw();
                let refused = random::fraction(seed, &["restarting", &draw]) < 0.2;
                refused.then_some(Reach::Refused)
            }
            _ => None,
        }
    }

    /// Makes the hosts members when the time has come.
    pub(super) fn finish_deployment(&mut self, now: Moment) {
        if !matches!(&self.cluster.deployment, Deployment::Deploying(progress) if progress.until <= now) {
            return;
        }
        let Deployment::Deploying(progress) = std::mem::take(&mut self.cluster.deployment) else { return };
        if self.quirks.deployment_fails {
            self.cluster.deployment = Deployment::Failed(progress);
            return;
        }
        for deployed in &progress.body.hosts {
            let Some(address) = self.twin.host(&deployed.host_uuid).map(|host| host.mgmt_ip) else {
                continue;
            };
            let accounts = deployed.host_passwords.iter().map(|entry| {
                // Any other code leaves the account with a password that nobody knows (§3.1).
                let known = entry.password == PASSWORD_CODE;
                let lost = random::hex(&random::bytes(self.twin.seed, &["lost", &entry.user]));
                (entry.user.clone(), if known { FIRST_PASSWORD.to_owned() } else { lost })
            });
            self.accounts.insert(address, accounts.collect());
        }
        let early = progress.since.plus(progress.until.since(progress.since).mul_f64(0.05));
        self.create_initial_objects(&progress.body, early);
        self.cluster.deployment = Deployment::Member(progress);
    }
}

/// `POST deployment/cluster`.
pub fn deploy(visit: &mut Visit<'_>) -> Outcome {
    let state = &mut *visit.state;
    let body: DeployBody = strict::body(visit.call, state.quirks.lenient)?;
    let Some(receiver) = state.twin.host_at(visit.call.address) else {
        return Err(Refused::Shape("the deployment goes to a node".into()));
    };
    if !matches!(state.cluster.deployment, Deployment::Fresh) {
        let busy = "the host belongs to a deployment already";
        return Err(Refused::With(Answer::failure(400, "SIM_ALREADY_DEPLOYED", busy, &json!(""))));
    }
    deploy_checks::check(&state.twin, receiver, &body)?;
    let until = visit.now.plus(durations::seconds(state.durations.deployment));
    state.cluster.deployment = Deployment::Deploying(Progress { body, since: visit.now, until, draws: 0 });
    state.ledger.deployments.add(visit.now);
    Ok(Answer::eok(json!({"msg": "SUCCEEDED: A new cluster deploying task is on its way now."})))
}

/// `GET deployment/host/deploy_status`.
pub fn status(visit: &mut Visit<'_>) -> Outcome {
    if visit.call.query("host_ip").parse() != Ok(visit.call.address) && !visit.state.quirks.lenient {
        return Err(Refused::Shape("host_ip must be the management address asked".into()));
    }
    let stage = |state: &str, info: &str, current: u64, total: u64| {
        json!({
            "state": state, "stage_info": info, "current_stage": current, "total_stages": total, "msg": null,
        })
    };
    let data = match &visit.state.cluster.deployment {
        Deployment::Fresh => match visit.state.variants.status_before {
            StatusBefore::EmptyState => stage("", "", 0, 0),
            StatusBefore::Failure => {
                let none = Answer::failure(200, "SIM_NO_DEPLOYMENT", "no deployment task", &json!(""));
                return Err(Refused::With(none));
            }
            StatusBefore::NotFound => return Err(Refused::With(Answer::html(404, "Not Found"))),
        },
        Deployment::Deploying(progress) => match progress.section(visit.now) {
            Section::Preparing | Section::Rebuilding => {
                stage("running", "prepare_network_and_config_file", 1, 1)
            }
            Section::Working | Section::Restarting => {
                let step = 1 + (progress.share(visit.now) * 10.0) as u64;
                stage("running", &format!("SIM_STAGE_{step}"), step, 10)
            }
            Section::Ending => stage("SIM_done", "SIM_STAGE_10", 10, 10),
        },
        Deployment::Member(_) => stage("SIM_done", "SIM_STAGE_10", 10, 10),
        Deployment::Failed(_) => {
            let error = json!({"msg": "SIM_STAGE_FAILED", "detail": "the disks could not be prepared"});
            let data = stage("SIM_failed", "SIM_STAGE_7", 7, 10);
            return Ok(Answer::json(200, &json!({"ec": "EOK", "error": error, "data": data})));
        }
    };
    Ok(Answer::eok(data))
}

/// `GET deployment/deploy_verify`.
pub fn verify(visit: &mut Visit<'_>) -> Outcome {
    let deployed = visit.state.serves(visit.call.address);
    Ok(Answer::eok(json!({"is_deployed": deployed, "platform": "kvm"})))
}

impl Visit<'_> {
    /// What happens to a request on an open connection while a deployment disturbs its host.
    pub fn disturbance(&mut self, operation: &str) -> Option<Result<Answer, Cut>> {
        let seed = self.state.seed();
        let uuid = &self.state.twin.host_at(self.call.address)?.uuid;
        let Deployment::Deploying(progress) = &mut self.state.cluster.deployment else { return None };
        if !progress.involves(uuid) {
            return None;
        }
        match progress.section(self.now) {
            Section::Rebuilding => Some(Err(Cut::Reset)),
            Section::Restarting => {
                let draw = progress.draw();
                restarting(seed, &draw, operation == "fisheye.deploy.verify")
            }
            _ => None,
        }
    }
}

/// One answer of the restart window; `None` is an ordinary one.
fn restarting(seed: u64, draw: &str, verify: bool) -> Option<Result<Answer, Cut>> {
    let odd = |body: Value| Some(Ok(Answer::json(200, &body)));
    match random::pick(seed, &[0, 1, 2, 3, 4, 5, 6, 7, 8], &["restart", draw]) {
        0 => Some(Err(Cut::Reset)),
        1 => Some(Err(Cut::Close)),
        2 => Some(Ok(Answer::html(502, "Bad Gateway"))),
        3 => Some(Ok(Answer::html(503, "Service Temporarily Unavailable"))),
        4 => Some(Ok(Answer::html(404, "Not Found"))),
        // The verdict itself is never odd: it is unreachable or false (§3.2).
        _ if verify => None,
        5 => odd(json!({"ec": "SIM_NOT_READY", "error": {"msg": "starting", "detail": ""}, "data": {}})),
        6 => odd(json!({"ec": "EOK", "error": {}})),
        7 => Some(Ok(Answer::json(401, &json!({"message": "SIM_UNAUTHORIZED"})))),
        _ => None,
    }
}
