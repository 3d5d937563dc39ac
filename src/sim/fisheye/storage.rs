//! Storage policies of the cluster (api-fisheye §8.1, site-behaviour §5.1).

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{
        clock::Moment,
        exchange::{Answer, Outcome},
    },
    Visit,
};

/// The one that the deployment makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoragePolicy {
    pub uuid: String,
    pub since: Moment,
}

/// `GET storage_policies`.
pub fn policies(visit: &mut Visit<'_>) -> Outcome {
    let whitelist: Vec<String> =
        visit.state.twin.hosts.iter().map(|host| host.storage_ip.to_string()).collect();
    let shown = visit.state.cluster.policy.iter().map(|policy| {
        let made = policy.since.epoch_seconds();
        json!({
            "uuid": policy.uuid, "name": "default", "description": "", "type": "replica", "replica_num": 2,
            "thin_provision": true, "stripe_num": 8, "stripe_size": 262_144, "datastores": [],
            "storage_pool_id": "system", "resource_state": "in-use", "read_only": false,
            "whitelist": whitelist.join(","), "created_time": made, "modified_time": made,
        })
    });
    Ok(Answer::eok(shown.collect()))
}
