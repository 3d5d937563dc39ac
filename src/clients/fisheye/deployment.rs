//! Before the cluster exists: scans, the deployment, its progress and the verdict (api-fisheye §3).

use std::net::Ipv4Addr;

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{Deploy, Fisheye, Host, Reader, envelope};
use crate::{
    clients::{
        http::{Answer, Call, Scheme, Target},
        lenient,
        problem::Problem,
        retry::{Auth, Route},
        wire::Class,
    },
    failure::{Failure, Result},
    messages::message,
    secret::Secret,
    text::Text,
};

/// The token of every call before the cluster has accounts (api-fisheye §1). Printed in the vendor's
/// own front end: no secret.
const FIXED_TOKEN: &str = "e79b85fc18b7402fbcc0391fe8d7d24c";

/// What the node answered to the deployment request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    pub message: String,
}

impl Deployed {
    /// Whether it is the message known so far; another one with `EOK` deserves a warning only (§3.4).
    pub fn is_usual(&self) -> bool {
        self.message.starts_with("SUCCEEDED")
    }
}

/// One look at a running deployment. None of these ends it: `deploy_verify` does (§3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeployStatus {
    Running {
        stage: String,
        current: Option<u32>,
        total: Option<u32>,
        message: Option<String>,
    },
    /// A clean answer whose state is no longer `running`.
    Ended {
        state: String,
        stage: String,
        message: Option<String>,
    },
    /// Errors, resets, odd answers: usual while services restart.
    Disturbed(Text),
}

/// What `deploy_verify` says.
#[derive(Clone, Debug)]
pub enum Verdict {
    Deployed,
    NotDeployed,
    /// No clean answer, and why.
    NoAnswer(Box<Failure>),
}

impl Reader {
    /// Asks one host about itself.
    pub async fn scan_host(&self, address: Ipv4Addr) -> Result<Host> {
        let doing = message("clients.doing.scan_host", &[("address", &address)]);
        let call = Call::read("fisheye.scan.host", doing, "/api/v2/deployment/host");
        self.node(&call, Target::http(address), envelope::v2).await
    }

    /// Asks a host of the cluster about itself; `None`: it tells nothing any more without a session
    /// (site-behaviour §3.1).
    pub async fn scan_member(&self, address: Ipv4Addr) -> Result<Option<Host>> {
        let doing = message("clients.doing.scan_host", &[("address", &address)]);
        let call = Call::read("fisheye.scan.host", doing, "/api/v2/deployment/host");
        match self.node_raw(&call, Target::http(address), envelope::v2).await {
            Err(Problem::Refused(refused)) if matches!(refused.status, 401 | 403) => Ok(None),
            result => self.told(&call, result).map(Some),
        }
    }

    /// What host row 1 finds on its own network; empty where it finds nothing or cannot look (§3.2).
    pub async fn scan_cluster(&self) -> Result<Vec<Host>> {
        #[derive(Default, Deserialize)]
        struct Found {
            #[serde(default, deserialize_with = "lenient::list")]
            hosts: Vec<Host>,
        }
        let doing = message("clients.doing.scan_cluster", &[]);
        let call = Call::read("fisheye.scan.cluster", doing, "/api/v2/deployment/cluster");
        let first = Target::http(self.addresses().first);
        Ok(self.node(&call, first, envelope::v2_or_default::<Found>).await?.hosts)
    }

    /// The clock of a host, from the `Date` header of any answer; `None` where it sends none.
    pub async fn clock(&self, address: Ipv4Addr) -> Result<Option<Timestamp>> {
        let doing = message("clients.doing.clock", &[("address", &address)]);
        let call = Call::read("fisheye.deploy.verify", doing, "/api/v2/deployment/deploy_verify");
        self.node(&call, Target::http(address), |answer| Ok(answer.date)).await
    }

    /// One look at the deployment, without repetition: the caller polls.
    ///
    /// # Errors
    /// Only what polling cannot heal: a refused identity, a transcript that cannot be written.
    pub async fn deploy_status(&self) -> Result<DeployStatus> {
        let first = self.addresses().first;
        let doing = message("clients.doing.deploy_status", &[]);
        let call = Call::read("fisheye.deploy.status", doing, "/api/v2/deployment/host/deploy_status")
            .query("host_ip", first)
            .polled();
        match self.node_raw(&call, Target::http(first), envelope::v2::<Progress>).await {
            Ok(progress) => Ok(progress.into()),
            Err(problem @ (Problem::Untrusted(_) | Problem::Unrecorded(_))) => self.told(&call, Err(problem)),
            Err(problem) => {
                Ok(DeployStatus::Disturbed(Text::same(problem.words(self.http.wire().redactor()))))
            }
        }
    }

    /// Whether the cluster is deployed: https first, then http (§3.6). Without repetition.
    pub async fn deploy_verify(&self) -> Result<Verdict> {
        match self.deploy_verdict(Scheme::Https).await? {
            Verdict::NoAnswer(_) => self.deploy_verdict(Scheme::Http).await,
            verdict => Ok(verdict),
        }
    }

    /// The same over one of the two; a single request.
    pub async fn deploy_verdict(&self, scheme: Scheme) -> Result<Verdict> {
        let first = self.addresses().first;
        let target = match scheme {
            Scheme::Https => Target::https(first),
            Scheme::Http => Target::http(first),
        };
        let doing = message("clients.doing.deploy_verify", &[]);
        let call = Call::read("fisheye.deploy.verify", doing, "/api/v2/deployment/deploy_verify").polled();
        match self.node_raw(&call, target, is_deployed).await {
            Ok(true) => Ok(Verdict::Deployed),
            Ok(false) => Ok(Verdict::NotDeployed),
            Err(problem @ (Problem::Untrusted(_) | Problem::Unrecorded(_))) => self.told(&call, Err(problem)),
            Err(problem) => self.told(&call, Err(problem)).or_else(|failure| Ok(Verdict::NoAnswer(failure))),
        }
    }

    /// A call with the fixed token to one node.
    async fn node<T>(
        &self,
        call: &Call,
        target: Target,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T> {
        let result = self.node_raw(call, target, read).await;
        let refused =
            matches!(&result, Err(Problem::Refused(refused)) if matches!(refused.status, 401 | 403));
        self.told(call, result).map_err(|failure| {
            if !refused {
                return failure;
            }
            failure
                .meaning(message("clients.fisheye.fixed_token_refused", &[]))
                .advise(message("clients.fisheye.fixed_token_advice", &[]))
        })
    }

    async fn node_raw<T>(
        &self,
        call: &Call,
        target: Target,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let token = Secret::from(FIXED_TOKEN);
        self.http.call(call, &Route::to(target), Auth::Fixed(super::sessions::HEADER, &token), read).await
    }
}

impl Fisheye {
    /// Starts the deployment, which erases the disks it lists. Sent once; after a lost answer only
    /// `deploy_status` and `deploy_verify` can tell (§3.4).
    pub async fn deploy(&self, request: &Deploy) -> Result<Deployed> {
        #[derive(Default, Deserialize)]
        struct Reply {
            #[serde(default, deserialize_with = "lenient::text")]
            msg: String,
        }
        let doing = message("clients.doing.deploy", &[]);
        let call = Call::write("fisheye.deploy", doing, Method::POST, "/api/v2/deployment/cluster")
            .class(Class::Once)
            .json(request);
        let first = Target::http(self.addresses().first);
        let reply = self.node(&call, first, envelope::v2_or_default::<Reply>).await?;
        Ok(Deployed { message: reply.msg })
    }
}

#[derive(Deserialize)]
struct Progress {
    #[serde(default, deserialize_with = "lenient::text")]
    state: String,
    #[serde(default, deserialize_with = "lenient::text")]
    stage_info: String,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    current_stage: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    total_stages: Option<u32>,
    #[serde(default)]
    msg: Value,
}

impl From<Progress> for DeployStatus {
    fn from(progress: Progress) -> Self {
        let message = match progress.msg {
            Value::Null => None,
            Value::String(text) => Some(text).filter(|text| !text.is_empty()),
            other => Some(other.to_string()),
        };
        if progress.state.contains("running") {
            Self::Running {
                stage: progress.stage_info,
                current: progress.current_stage,
                total: progress.total_stages,
                message,
            }
        } else {
            Self::Ended { state: progress.state, stage: progress.stage_info, message }
        }
    }
}

fn is_deployed(answer: &Answer) -> Result<bool, Problem> {
    #[derive(Deserialize)]
    struct Reply {
        #[serde(deserialize_with = "lenient::flag")]
        is_deployed: bool,
    }
    envelope::v2::<Reply>(answer).map(|reply| reply.is_deployed)
}
