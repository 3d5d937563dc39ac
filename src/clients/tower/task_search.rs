//! Tasks that are known by their descriptions alone: nobody answers with their ids (api-applications §§2.5, 3.6).

use serde::Deserialize;
use serde_json::json;

use super::{
    TowerReader, rest,
    tasks::{Task, TaskState},
};
use crate::{
    clients::{lenient, problem::Problem},
    failure::Result,
    messages::message,
};

/// So many of the newest ones are looked at, and so many where CloudTower does not choose them.
const NEWEST: usize = 20;
const UNCHOSEN: usize = 200;

/// A task and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedTask {
    pub id: String,
    pub description: String,
    pub state: TaskState,
    pub resource_id: Option<String>,
    /// By CloudTower's clock, ISO text.
    pub local_created_at: String,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(flatten)]
    task: Task,
    #[serde(default, deserialize_with = "lenient::text")]
    description: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    resource_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    local_created_at: String,
}

impl TowerReader {
    /// The tasks of these very descriptions, the newest first; `since` leaves out those begun before it, by
    /// CloudTower's own clock.
    pub async fn tasks_described(
        &self,
        descriptions: &[&str],
        since: Option<&str>,
    ) -> Result<Vec<DescribedTask>> {
        let any: Vec<_> = descriptions.iter().map(|text| json!({"description": text})).collect();
        let mut filter = json!({"OR": any});
        if let Some(since) = since {
            filter["local_created_at_gte"] = since.into();
        }
        let mut listed = self.newest_tasks(Some(&filter), NEWEST).await?;
        // A server that does not know the filter sends all, or was asked for all.
        let in_time = |task: &DescribedTask| {
            let created = task.local_created_at.as_str();
            since.is_none_or(|since| created.is_empty() || created >= since)
        };
        listed.retain(|task| descriptions.contains(&task.description.as_str()) && in_time(task));
        Ok(listed)
    }

    /// When the newest task was begun, by CloudTower's own clock: whatever is newer comes after this call.
    pub async fn newest_task_time(&self) -> Result<Option<String>> {
        let newest = self.newest_tasks(None, 1).await?.into_iter().next();
        Ok(newest.map(|task| task.local_created_at).filter(|time| !time.is_empty()))
    }

    /// A `filter` that CloudTower refuses is left out (§2.5): the caller holds it against the answer anyway.
    async fn newest_tasks(
        &self,
        filter: Option<&serde_json::Value>,
        count: usize,
    ) -> Result<Vec<DescribedTask>> {
        let mut body = json!({"orderBy": "local_created_at_DESC", "first": count});
        if let Some(filter) = filter {
            body["where"] = filter.clone();
        }
        let call = |body| rest::read("tower.get-tasks", message("clients.tower.tasks", &[]), body);
        let chosen = call(&body);
        let listed: Vec<Listed> = match self.call_raw(&chosen, rest::list).await {
            Err(Problem::Refused(refused)) if filter.is_some() && rest::is_verdict(&refused) => {
                self.list(call(&json!({"orderBy": "local_created_at_DESC", "first": UNCHOSEN}))).await?
            }
            result => self.told(&chosen, result)?,
        };
        let redactor = self.http.wire().redactor();
        let described = |listed: Listed| DescribedTask {
            state: listed.task.state(|words| redactor.text(words)),
            id: listed.task.id,
            description: listed.description,
            resource_id: listed.resource_id,
            local_created_at: listed.local_created_at,
        };
        Ok(listed.into_iter().map(described).collect())
    }
}
