//! Jobs: what an asynchronous call started, and how it went (api-fisheye §5).

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Reader, envelope};
use crate::{
    clients::{http::Call, lenient, problem::Problem},
    failure::Result,
    messages::message,
    text::Text,
};

/// The answer of a call that may start a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Started {
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub job_id: Option<String>,
}

/// One look at a job.
#[derive(Clone, Debug)]
pub enum JobState {
    /// Resources may be listed already; they are not usable before `Done`.
    Running(Job),
    Done(Job),
    /// The cause in the site's words.
    Failed(Text),
    /// The site does not know it (any more): look at the object itself.
    Gone,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Job {
    #[serde(default, deserialize_with = "lenient::text")]
    pub job_id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub state: String,
    /// `NETWORK_CREATE_VDS` and the like.
    #[serde(default, deserialize_with = "lenient::text")]
    pub description: String,
    #[serde(default, deserialize_with = "object")]
    resources: Map<String, Value>,
    #[serde(default, deserialize_with = "lenient::list")]
    task_list: Vec<Task>,
    #[serde(default)]
    event: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    message: Value,
    #[serde(flatten)]
    cause: Task,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Task {
    #[serde(default, deserialize_with = "lenient::text")]
    error_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    error_msg: String,
}

impl Job {
    /// The UUID of the first resource of that type (`NETWORK_VDS`, `KVM_VM`), else the event's.
    pub fn resource(&self, kind: &str) -> Option<&str> {
        let listed = self.resources.iter().find(|(_, value)| value["type"] == kind);
        listed.map(|(uuid, _)| uuid.as_str()).or_else(|| self.event["data"]["uuid"].as_str())
    }

    /// The UUID of the VM that the job made: by type, else by the VM's name (§8.2).
    pub fn vm(&self, name: &str) -> Option<&str> {
        let named = self.resources.iter().find(|(_, value)| value["vm_name"] == name);
        let typed = self.resources.iter().find(|(_, value)| value["type"] == "KVM_VM");
        typed.or(named).map(|(uuid, _)| uuid.as_str())
    }

    /// The first non-empty of what the site says about a failure (§5).
    fn failure_text(&self) -> String {
        let own = self.cause.shown();
        let follower = |task: &&Task| task.error_code == "JOB_FOLLOWER_FAILED_DUE_TO_DEPENDENCY";
        let telling: Vec<&Task> = self.task_list.iter().filter(|task| !task.shown().is_empty()).collect();
        let causes: Vec<&Task> = telling.iter().copied().filter(|task| !follower(task)).collect();
        let tasks: Vec<String> =
            if causes.is_empty() { &telling } else { &causes }.iter().map(|task| task.shown()).collect();
        let plain = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Object(fields) if fields.is_empty() => String::new(),
            other => other.to_string(),
        };
        [
            own,
            tasks.join("; "),
            plain(&self.error),
            plain(&self.message),
            plain(&self.event["message"]["en_US"]),
            self.description.clone(),
        ]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| self.state.clone())
    }
}

impl Task {
    fn shown(&self) -> String {
        [self.error_code.as_str(), self.error_msg.as_str()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(": ")
    }
}

impl Reader {
    /// One look at a job.
    pub async fn job(&self, job_id: &str) -> Result<JobState> {
        #[derive(Deserialize)]
        struct Reply {
            job: Job,
        }
        let doing = message("clients.doing.job", &[("job", &job_id)]);
        let call = Call::read("fisheye.job", doing, format!("/api/v2/jobs/{job_id}"));
        match self.cluster_raw(&call, envelope::v2::<Reply>).await {
            Ok(Reply { job }) => Ok(match job.state.to_ascii_lowercase().as_str() {
                "done" | "success" | "succeed" | "finished" => JobState::Done(job),
                "failed" | "error" | "aborted" => {
                    JobState::Failed(Text::same(self.http.wire().redactor().text(&job.failure_text())))
                }
                _ => JobState::Running(job),
            }),
            Err(Problem::Refused(refused)) if refused.means_absent() => Ok(JobState::Gone),
            result => self.told(&call, result.map(|_| JobState::Gone)),
        }
    }
}

fn object<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Map<String, Value>, D::Error> {
    // `null` and `[]` stand for "none yet".
    match Value::deserialize(from)? {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(job: Value) -> String {
        serde_json::from_value::<Job>(job).unwrap().failure_text()
    }

    #[test]
    fn the_cause_is_told_rather_than_those_who_waited_for_it() {
        let tasks = json!([
            {"error_code": "JOB_FOLLOWER_FAILED_DUE_TO_DEPENDENCY", "error_msg": "waited"},
            {"error_code": "NO_SPACE", "error_msg": "pool full"},
        ]);
        assert_eq!(text(json!({"state": "failed", "task_list": tasks})), "NO_SPACE: pool full");
    }

    #[test]
    fn the_failure_text_falls_back_from_job_to_tasks_to_event_to_description() {
        assert_eq!(text(json!({"error_code": "A", "error_msg": "b", "message": "m"})), "A: b");
        assert_eq!(text(json!({"task_list": null, "error": {}, "message": "m"})), "m");
        assert_eq!(text(json!({"event": {"message": {"en_US": "e"}}, "description": "D"})), "e");
        assert_eq!(text(json!({"description": "D"})), "D");
        assert_eq!(text(json!({"state": "failed"})), "failed");
    }

    #[test]
    fn a_resource_is_found_by_type_and_else_by_the_event() {
        let job = json!({"resources": {"u-1": {"type": "OTHER"}, "u-2": {"type": "NETWORK_VDS"}}});
        assert_eq!(serde_json::from_value::<Job>(job).unwrap().resource("NETWORK_VDS"), Some("u-2"));
        let job = json!({"resources": null, "event": {"data": {"uuid": "u-3"}}});
        assert_eq!(serde_json::from_value::<Job>(job).unwrap().resource("NETWORK_VDS"), Some("u-3"));
    }
}
