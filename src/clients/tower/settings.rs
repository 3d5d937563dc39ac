//! Settings of a cluster: the default storage policy (api-cloudtower §5, graphql-operations §3.1).

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Tower, TowerReader, graphql, rest};
use crate::{
    clients::{http::Answer, lenient, problem::Problem},
    failure::Result,
    messages::message,
};

/// The settings row of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ClusterSettings {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    /// `REPLICA_2_THIN_PROVISION` and the like.
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub default_storage_policy: Option<String>,
    #[serde(default)]
    pub default_ha: Option<bool>,
}

/// A policy by replicas; the five fields that go together (graphql-operations §3.2).
#[derive(Serialize)]
struct PolicyData {
    default_storage_policy: String,
    default_storage_policy_replica_num: u8,
    default_storage_policy_ec_k: Option<u8>,
    default_storage_policy_ec_m: Option<u8>,
    default_storage_policy_thin_provision: bool,
}

impl TowerReader {
    /// The settings of a cluster, by its id; empty for some seconds after connecting.
    pub async fn cluster_settings(&self, cluster: &str) -> Result<Vec<ClusterSettings>> {
        let doing = message("clients.tower.settings", &[]);
        let body = json!({"where": {"cluster": {"id": cluster}}});
        self.list(rest::read("tower.get-cluster-settingses", doing, &body)).await
    }
}

impl Tower {
    /// Makes *n replicas, thin* the default of new volumes; `settings` is the id of the settings, not of the cluster.
    ///
    /// # Errors
    /// Also when CloudTower echoes another policy than was sent.
    pub async fn set_default_policy(&self, settings: &str, replicas: u8) -> Result<()> {
        #[derive(Deserialize)]
        struct Echo {
            #[serde(default, deserialize_with = "lenient::text")]
            default_storage_policy: String,
        }
        let policy = thin_policy(replicas);
        let data = PolicyData {
            default_storage_policy: policy.clone(),
            default_storage_policy_replica_num: replicas,
            default_storage_policy_ec_k: None,
            default_storage_policy_ec_m: None,
            default_storage_policy_thin_provision: true,
        };
        let doing = message("clients.tower.set_policy", &[("policy", &policy)]);
        let variables = json!({"where": {"id": settings}, "data": data});
        let read = |answer: &Answer| {
            let echo: Echo = graphql::root(answer, "updateClusterSettings")?;
            if echo.default_storage_policy == policy {
                return Ok(());
            }
            Err(Problem::unreadable(answer, format_args!("echoes `{}`", echo.default_storage_policy)))
        };
        self.call(graphql::mutation("tower.updateClusterSettings", doing, &variables), read).await
    }
}

/// `REPLICA_2_THIN_PROVISION`.
pub fn thin_policy(replicas: u8) -> String {
    format!("REPLICA_{replicas}_THIN_PROVISION")
}
