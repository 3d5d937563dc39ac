//! Tasks: what an asynchronous call began, and how it went (api-cloudtower §1.5).

use serde::Deserialize;
use serde_json::json;

use super::{TowerReader, rest};
use crate::{clients::lenient, failure::Result, messages::message, text::Text};

/// One look at a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Its status, and how much of it is done where CloudTower says so (`EXECUTING 40 %`).
    Running(String),
    Done,
    /// The cause in the site's words.
    Failed(Text),
    /// Not listed: a task may be missing right after the call (site-behaviour §7.2).
    Unlisted,
}

#[derive(Deserialize)]
pub(super) struct Task {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    status: String,
    #[serde(default)]
    progress: Option<f64>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    error_code: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    error_message: Option<String>,
}

impl Task {
    /// `PENDING`, `EXECUTING` and `PAUSED` go on.
    pub(super) fn state(&self, mask: impl Fn(&str) -> String) -> TaskState {
        match self.status.as_str() {
            "SUCCESSED" => TaskState::Done,
            "FAILED" => {
                let words = self.error_message.as_deref().map(rest::inner_message);
                let parts: Vec<String> = self.error_code.clone().into_iter().chain(words).collect();
                let told = if parts.is_empty() { self.status.clone() } else { parts.join(": ") };
                TaskState::Failed(Text::same(mask(&told)))
            }
            status => TaskState::Running(match self.progress {
                Some(share) if share > 0.0 => format!("{status} {:.0} %", share * 100.0),
                _ => status.to_owned(),
            }),
        }
    }
}

impl TowerReader {
    /// One look at several tasks, in the order of `ids`.
    pub async fn tasks(&self, ids: &[String]) -> Result<Vec<TaskState>> {
        let doing = message("clients.tower.tasks", &[]);
        let call = rest::read("tower.get-tasks", doing, &json!({"where": {"id_in": ids}}));
        let listed: Vec<Task> = self.list(call).await?;
        let redactor = self.http.wire().redactor();
        let state = |id: &String| match listed.iter().find(|task| task.id == *id) {
            Some(task) => task.state(|words| redactor.text(words)),
            None => TaskState::Unlisted,
        };
        Ok(ids.iter().map(state).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(task: serde_json::Value) -> TaskState {
        serde_json::from_value::<Task>(task).unwrap().state(str::to_owned)
    }

    #[test]
    fn a_task_ends_with_one_of_two_statuses_and_everything_else_goes_on() {
        assert_eq!(state(json!({"id": "t", "status": "SUCCESSED"})), TaskState::Done);
        for status in ["PENDING", "EXECUTING", "PAUSED", "SUCCEEDED"] {
            assert_eq!(state(json!({"id": "t", "status": status})), TaskState::Running(status.into()));
        }
        let running = json!({"id": "t", "status": "EXECUTING", "progress": 0.4});
        assert_eq!(state(running), TaskState::Running("EXECUTING 40 %".into()));
    }

    #[test]
    fn a_failed_task_tells_its_code_and_the_cause_inside_its_words() {
        let words = r#"message: {"ec":"E","error":{"msg":"no way"}}"#;
        let failed = json!({"id": "t", "status": "FAILED", "error_code": "C", "error_message": words});
        assert_eq!(state(failed), TaskState::Failed(Text::same(format!("C: E: no way ({words})"))));
        let silent = state(json!({"id": "t", "status": "FAILED"}));
        assert_eq!(silent, TaskState::Failed(Text::same("FAILED")));
    }
}
