//! VDSes and VM networks as CloudTower sees them (api-cloudtower §9).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Named, TowerReader, rest};
use crate::{clients::lenient, failure::Result, messages::message};

/// Rows of one page where lists can be long (api-cloudtower §1.5).
const PAGE: usize = 100;

/// A VDS of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Vds {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    /// `<cluster local_id>_<uuid on the cluster>`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub local_id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub bond_mode: String,
    /// The system's own switch.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub internal: bool,
}

/// A VM network of a VDS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Vlan {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub local_id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(deserialize_with = "lenient::number")]
    pub vlan_id: u16,
    #[serde(default)]
    pub vds: Option<Named>,
}

impl TowerReader {
    /// The VDSes of a cluster, by its id.
    pub async fn vdses(&self, cluster: &str) -> Result<Vec<Vds>> {
        let doing = message("clients.tower.vdses", &[]);
        self.list(rest::read("tower.get-vdses", doing, &json!({"where": {"cluster": {"id": cluster}}}))).await
    }

    /// The VM networks of a cluster, by its id; all pages.
    pub async fn vlans(&self, cluster: &str) -> Result<Vec<Vlan>> {
        let mut all: Vec<Vlan> = Vec::new();
        loop {
            let doing = message("clients.tower.vlans", &[]);
            let filter: Value = json!({"vds": {"cluster": {"id": cluster}}});
            let body = json!({"where": filter, "orderBy": "id_ASC", "skip": all.len(), "first": PAGE});
            let page: Vec<Vlan> = self.list(rest::read("tower.get-vlans", doing, &body)).await?;
            let last = page.len() < PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }
}
