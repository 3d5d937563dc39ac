//! Jobs: pending, then processing, then done or failed; their effect happens at the end (site-behaviour §5.2).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        clock::Moment,
        durations,
        exchange::{Answer, Outcome, Refused},
        fault::{Action, JobFate},
        site::State,
    },
    Cluster, Visit,
    network::Vds,
    vms::{GuestNetwork, Vm},
};

/// What a job does to the cluster when it ends well.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It has happened already.
    Nothing,
    SetDns(Vec<String>),
    SetNtp(String, Vec<String>),
    CreateVds(Box<Vds>),
    CreateVm(Box<Vm>),
    /// The VM's UUID and what its guest is told.
    SetGuestNetwork(String, GuestNetwork),
    Power {
        vm: String,
        on: bool,
    },
    DeleteVm(String),
}

/// Why a job that was accepted cannot end well: error code and text.
pub type Impossible = (&'static str, &'static str);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Such as `NETWORK_CREATE_VDS`.
    description: String,
    since: Moment,
    until: Moment,
    fate: Option<JobFate>,
    /// Code and text of its failure.
    failure: (String, String),
    pub effect: Effect,
    applied: bool,
    /// Filled from the start (S), keyed by UUID.
    resources: Value,
    message: (String, String),
}

impl Job {
    fn state(&self, now: Moment) -> &'static str {
        let tenth = self.since.plus(self.until.since(self.since) / 10);
        match self.fate {
            Some(JobFate::Stuck) => "pending",
            _ if now < tenth => "pending",
            _ if now < self.until => "processing",
            Some(JobFate::Failed) => "failed",
            _ => "done",
        }
    }
}

impl Job {
    /// Whether its effect is still to come.
    pub fn state_is_open(&self, now: Moment) -> bool {
        ["pending", "processing"].contains(&self.state(now))
    }
}

impl Visit<'_> {
    /// Starts a job that takes so many site seconds; answers with its id.
    pub fn start_job(
        &mut self,
        description: &str,
        seconds: f64,
        effect: Effect,
        resources: Value,
        message: (&str, &str),
    ) -> Answer {
        self.start(description, seconds, Ok(effect), resources, message)
    }

    /// Starts a job that fails at its end when its effect is impossible.
    pub fn start(
        &mut self,
        description: &str,
        seconds: f64,
        effect: Result<Effect, Impossible>,
        resources: Value,
        message: (&str, &str),
    ) -> Answer {
        let id = self.state.new_uuid();
        let fate = self.course.actions.iter().find_map(|action| match action {
            Action::Job(fate) => Some(*fate),
            _ => None,
        });
        let fate = fate.or(effect.is_err().then_some(JobFate::Failed));
        let (code, text) = effect.as_ref().err().unwrap_or(&("SIM_NO_RESOURCE", "a node did not answer"));
        let job = Job {
            description: description.to_owned(),
            since: self.now,
            until: self.now.plus(durations::seconds(seconds)),
            fate,
            failure: ((*code).to_owned(), (*text).to_owned()),
            effect: effect.unwrap_or(Effect::Nothing),
            applied: false,
            resources,
            message: (message.0.to_owned(), message.1.to_owned()),
        };
        self.state.cluster.jobs.insert(id.clone(), job);
        Answer::eok(json!({"job_id": id}))
    }
}

impl Cluster {
    /// Takes over the jobs of a lie, which will do nothing.
    pub fn adopt_jobs(&mut self, lie: Self) {
        for (id, job) in lie.jobs {
            self.jobs.entry(id).or_insert(Job { effect: Effect::Nothing, ..job });
        }
    }
}

impl State {
    /// Applies the effects of the jobs that have ended by now, in the order of their ends.
    pub(super) fn finish_jobs(&mut self, now: Moment) {
        let mut ended: Vec<(Moment, String)> = self
            .cluster
            .jobs
            .iter()
            .filter(|(_, job)| !job.applied && job.until <= now)
            .filter(|(_, job)| !matches!(job.fate, Some(JobFate::Stuck | JobFate::Failed)))
            .map(|(id, job)| (job.until, id.clone()))
            .collect();
        ended.sort();
        for (until, id) in ended {
            let Some(job) = self.cluster.jobs.get_mut(&id) else { continue };
            job.applied = true;
            match job.effect.clone() {
                Effect::Nothing => {}
                Effect::SetDns(servers) => self.cluster.dns = servers,
                Effect::SetNtp(mode, servers) => self.cluster.ntp = (mode, servers),
                Effect::CreateVds(vds) => self.cluster.vdses.push(*vds),
                Effect::CreateVm(vm) => self.create_vm(until, *vm),
                Effect::SetGuestNetwork(vm, network) => self.set_guest_network(until, &vm, network),
                Effect::Power { vm, on } => self.power(until, &vm, on),
                Effect::DeleteVm(vm) => self.delete_vm(until, &vm),
            }
        }
    }
}

/// `GET jobs/{id}`.
pub fn show(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.call.param(0);
    let known = visit.state.cluster.jobs.get(id).filter(|job| job.fate != Some(JobFate::Gone));
    let Some(job) = known else {
        let gone = Answer::failure(404, "SIM_JOB_NOT_FOUND", "job not found", &json!(""));
        return Err(Refused::With(gone));
    };
    let state = job.state(visit.now);
    let (code, text, tasks) = if state == "failed" {
        let tasks = json!([
            {"state": "failed", "error_code": job.failure.0, "error_msg": job.failure.1},
            {"state": "failed", "error_code": "JOB_FOLLOWER_FAILED_DUE_TO_DEPENDENCY", "error_msg": ""},
        ]);
        (json!("SIM_JOB_FAILED"), json!("a task of the job failed"), tasks)
    } else {
        (Value::Null, Value::Null, json!([]))
    };
    Ok(Answer::eok(json!({"job": {
        "job_id": id, "state": state, "description": job.description, "type": "action", "life_cycle": "run",
        "ctime": job.since.epoch_seconds(), "user": "root", "resources": job.resources, "task_list": tasks,
        "error_code": code, "error_msg": text,
        "event": {
            "event_name": job.description, "user_name": "root", "user_role": "ROOT", "user_type": "USER",
            "resources": job.resources, "detail": {}, "batch": null,
            "data": event_data(&job.resources),
            "message": {"zh_CN": job.message.0, "en_US": job.message.1},
        },
        "schedule_task": null, "one_time_task": null, "queue": "default", "resource_group": null,
    }})))
}

/// Name and UUID of the first resource (api-fisheye §5).
fn event_data(resources: &Value) -> Value {
    let first = resources.as_object().and_then(|map| map.iter().next());
    first.map_or(
        json!({}),
        |(uuid, resource)| json!({"uuid": uuid, "name": resource.get("name").or(resource.get("vm_name"))}),
    )
}
