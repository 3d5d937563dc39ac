//! What a fault can do to a task or a connection, beyond what happens on the wire (site-behaviour §10).

use serde::{Deserialize, Serialize};

/// How a task goes that is not an ordinary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskFate {
    /// FAILED with a plain message (TASK-FAIL).
    Failed,
    /// FAILED with a cluster job inside the message (TASK-FAIL).
    FailedJob,
    /// EXECUTING for ever.
    Stuck,
    /// 300 s longer than usual (TASK-LATE).
    Late,
}

/// How connecting a cluster goes wrong (CONN-STATE); the names of `disconnected_reason` (api-cloudtower §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectFate {
    Unauthorized,
    NetworkError,
    NotFound,
    Unhealthy,
    Failed,
    /// INITIALIZING for ever.
    Never,
}

/// How a package upload goes wrong after a chunk (api-applications §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UploadFate {
    /// FAILED: at once, or after the last chunk when the import is over.
    Failed,
    /// PAUSED for ever.
    Paused,
}

/// How installing an application goes wrong (api-applications §3.6, §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicationFate {
    InstallFailed,
    Error,
    /// INSTALLING for ever.
    Stuck,
}

impl ApplicationFate {
    /// What the task that installs it comes to.
    pub fn of_task(self) -> TaskFate {
        if self == Self::Stuck { TaskFate::Stuck } else { TaskFate::Failed }
    }
}

impl ConnectFate {
    /// The reason that the row shows; none while it is still initialising.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Unauthorized => Some("LOAD_CLUSTER_UNAUTHORIZED"),
            Self::NetworkError => Some("LOAD_CLUSTER_NETWORK_ERROR"),
            Self::NotFound => Some("LOAD_CLUSTER_NOT_FOUND"),
            Self::Unhealthy => Some("LOAD_CLUSTER_UNHEALTHY"),
            Self::Failed => Some("LOAD_CLUSTER_FAILED"),
            Self::Never => None,
        }
    }
}
