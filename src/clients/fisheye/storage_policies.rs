//! Storage policies (api-fisheye §8.1).

use serde::Deserialize;

use super::{Reader, envelope};
use crate::{
    clients::{http::Call, lenient, problem::Problem},
    failure::Result,
    messages::message,
};

/// How the disks of a VM are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StoragePolicy {
    #[serde(deserialize_with = "lenient::text")]
    pub uuid: String,
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
}

impl Reader {
    pub async fn storage_policies(&self) -> Result<Vec<StoragePolicy>> {
        let doing = message("clients.doing.storage_policies", &[]);
        let call = Call::read("fisheye.storage_policies", doing, "/api/v2/storage_policies");
        self.cluster(call, |answer| {
            let list = lenient::list_in(envelope::data(answer)?, "storage_policies");
            let list = list.map_err(|why| Problem::unreadable(answer, why))?;
            let policies = list.into_iter().map(serde_json::from_value).collect::<serde_json::Result<_>>();
            policies.map_err(|why| Problem::unreadable(answer, why))
        })
        .await
    }
}
