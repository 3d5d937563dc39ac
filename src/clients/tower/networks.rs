//! VDSes and VM networks as CloudTower sees them (api-cloudtower §9).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Begun, Named, Tower, TowerReader, rest};
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
    /// `CREATING` and the like while something is done to it.
    #[serde(default, rename = "entityAsyncStatus", deserialize_with = "lenient::maybe_text")]
    pub busy: Option<String>,
}

impl TowerReader {
    /// The VDSes of a cluster, by its id.
    pub async fn vdses(&self, cluster: &str) -> Result<Vec<Vds>> {
        let doing = message("clients.tower.vdses", &[]);
        self.list(rest::read("tower.get-vdses", doing, &json!({"where": {"cluster": {"id": cluster}}}))).await
    }

    /// The VM networks of that name in a cluster, by its id (api-applications §2.6).
    pub async fn vlans_named(&self, cluster: &str, name: &str) -> Result<Vec<Vlan>> {
        self.vlans_where(json!({"name": name, "vds": {"cluster": {"id": cluster}}})).await
    }

    /// The VM networks of that name on a VDS, by its id (api-applications §3.4).
    pub async fn vlans_on(&self, vds: &str, name: &str) -> Result<Vec<Vlan>> {
        self.vlans_where(json!({"vds": {"id": vds}, "name": name})).await
    }

    async fn vlans_where(&self, filter: Value) -> Result<Vec<Vlan>> {
        let doing = message("clients.tower.vlans", &[]);
        self.list(rest::read("tower.get-vlans", doing, &json!({"where": filter}))).await
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

impl Tower {
    /// Makes a VM network for one VLAN on a VDS, by its id. A second call makes a twin.
    pub async fn create_vm_vlan(&self, vds: &str, name: &str, vlan_id: u16) -> Result<Begun> {
        let doing = message("clients.tower.create_vlan", &[("name", &name), ("vlan", &vlan_id)]);
        let body = json!([{"vds_id": vds, "name": name, "vlan_id": vlan_id, "mode_type": "VLAN_ACCESS"}]);
        self.mutate(rest::write("tower.create-vm-vlan", doing, &body)).await
    }
}
