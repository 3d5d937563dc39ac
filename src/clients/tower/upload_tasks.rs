//! Upload tasks: CloudTower's own account of a package that is being sent (api-applications §§3.2, 4).

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::{Tower, TowerReader, rest};
use crate::{
    clients::{lenient, problem::Problem, upload::Stored},
    failure::Result,
    messages::message,
    text::Text,
};

/// The only resource type that has an upload operation.
pub(super) const RESOURCE: &str = "CLOUDTOWER_APPLICATION_PACKAGE";

/// An upload as CloudTower counts it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UploadTask {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default)]
    pub status: UploadStatus,
    /// The number of the newest stored chunk, from 1; of a new task 1 as well, though it has none.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub current_chunk: Option<u32>,
    /// Bytes of every chunk but the last.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub chunk_size: Option<u64>,
    /// Bytes of the whole file.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub size: Option<u64>,
    /// What it was begun with; the file's name is in it.
    #[serde(default)]
    args: Option<Args>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Args {
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UploadStatus {
    /// No chunk is stored.
    Initializing,
    Uploading,
    Paused,
    Succeeded,
    Failed,
    /// Not documented.
    Other(String),
    /// The answer does not tell: that of `createUploadTask` has no status.
    #[default]
    Untold,
}

impl<'de> Deserialize<'de> for UploadStatus {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match lenient::text(from)?.as_str() {
            "INITIALIZING" => Self::Initializing,
            "UPLOADING" => Self::Uploading,
            "PAUSED" => Self::Paused,
            "SUCCESSED" => Self::Succeeded,
            "FAILED" => Self::Failed,
            "" => Self::Untold,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// The word of the API.
impl fmt::Display for UploadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initializing => "INITIALIZING",
            Self::Uploading => "UPLOADING",
            Self::Paused => "PAUSED",
            Self::Succeeded => "SUCCESSED",
            Self::Failed => "FAILED",
            Self::Other(other) => other,
            Self::Untold => "-",
        })
    }
}

impl UploadTask {
    /// How far it is.
    pub(super) fn stored(&self) -> Stored {
        match (&self.status, self.current_chunk) {
            (UploadStatus::Initializing, _) => Stored::Chunks(0),
            (UploadStatus::Uploading, Some(chunk)) => Stored::Chunks(chunk),
            (UploadStatus::Succeeded, _) => Stored::Whole,
            (status, _) => Stored::Unusable(Text::same(status)),
        }
    }

    /// Whether its answer to chunk `number` (from 1) says that just this one was stored.
    pub(super) fn took(&self, number: u32, last: bool) -> bool {
        let going_on = match self.status {
            UploadStatus::Uploading | UploadStatus::Untold => true,
            UploadStatus::Succeeded => last,
            _ => false,
        };
        going_on && self.current_chunk.is_none_or(|chunk| chunk == number)
    }

    /// Whether it says that it has failed, or was stopped: nothing is sent to it any more (§3.2).
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.status, UploadStatus::Failed | UploadStatus::Paused)
    }

    fn is_of(&self, file: &str, size: u64) -> bool {
        let name = self.args.as_ref().is_some_and(|args| args.name == file);
        name && self.size == Some(size)
    }

    fn is_open(&self) -> bool {
        matches!(self.status, UploadStatus::Initializing | UploadStatus::Uploading | UploadStatus::Paused)
    }
}

impl TowerReader {
    /// One upload; `None`: CloudTower does not know it (any more).
    pub async fn upload_task(&self, id: &str) -> Result<Option<UploadTask>> {
        let doing = message("clients.tower.upload_task", &[]);
        let call = rest::read("tower.get-upload-tasks", doing, &json!({"where": {"id": id}}));
        let listed: Vec<UploadTask> = self.list(call).await?;
        Ok(listed.into_iter().find(|task| task.id == id))
    }

    /// Ids of the uploads of a file that have not ended.
    pub(super) async fn open_uploads(&self, file: &str, size: u64) -> Result<Vec<String>> {
        let doing = message("clients.tower.upload_task", &[]);
        let body = json!({"where": {"resource_type": RESOURCE, "size": size}});
        let listed: Vec<UploadTask> = self.list(rest::read("tower.get-upload-tasks", doing, &body)).await?;
        let ours = listed.into_iter().filter(|task| task.is_of(file, size) && task.is_open());
        Ok(ours.map(|task| task.id).collect())
    }
}

impl Tower {
    /// Gives an upload up. One that has ended already, or is not known, is none to be given up.
    pub async fn cancel_upload_task(&self, id: &str) -> Result<()> {
        let doing = message("clients.tower.cancel_upload", &[]);
        let call = rest::write("tower.cancel-upload-task", doing, &json!({"where": {"id": id}}));
        match self.call_raw(&call, rest::accepted).await {
            Err(Problem::Refused(refused)) if refused.means_absent() => Ok(()),
            result => self.told(&call, result),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(status: &str, chunk: u32) -> UploadTask {
        serde_json::from_value(json!({"id": "u", "status": status, "current_chunk": chunk})).unwrap()
    }

    #[test]
    fn a_new_task_has_nothing_although_it_counts_from_one() {
        assert_eq!(task("INITIALIZING", 1).stored(), Stored::Chunks(0));
        assert_eq!(task("UPLOADING", 1).stored(), Stored::Chunks(1));
        assert_eq!(task("SUCCESSED", 3).stored(), Stored::Whole);
        for status in ["FAILED", "PAUSED", "SOMETHING"] {
            assert_eq!(task(status, 2).stored(), Stored::Unusable(Text::same(status)));
        }
    }

    #[test]
    fn an_answer_that_does_not_echo_the_chunk_or_ends_too_early_contradicts_it() {
        assert!(task("UPLOADING", 2).took(2, false) && task("SUCCESSED", 2).took(2, true));
        assert!(task("UPLOADING", 2).took(2, true), "the package is still being taken in");
        for (status, chunk) in [("UPLOADING", 3), ("UPLOADING", 1), ("FAILED", 2), ("SUCCESSED", 2)] {
            assert!(!task(status, chunk).took(2, false), "{status} {chunk}");
        }
    }
}
