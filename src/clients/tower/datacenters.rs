//! Organizations and datacenters (api-cloudtower §4).

use serde::Deserialize;
use serde_json::json;

use super::{Begun, Named, Tower, TowerReader, rest};
use crate::{clients::lenient, failure::Result, messages::message};

/// An organization and the datacenters in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Organization {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default, deserialize_with = "lenient::list")]
    pub datacenters: Vec<Named>,
}

/// A datacenter and what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Datacenter {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default)]
    pub organization: Option<Named>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub clusters: Vec<Named>,
}

impl TowerReader {
    pub async fn organizations(&self) -> Result<Vec<Organization>> {
        let doing = message("clients.tower.organizations", &[]);
        self.list(rest::read("tower.get-organizations", doing, &json!({}))).await
    }

    /// The datacenters of that name, in any organization.
    pub async fn datacenters(&self, name: &str) -> Result<Vec<Datacenter>> {
        let doing = message("clients.tower.datacenters", &[("name", &name)]);
        self.list(rest::read("tower.get-datacenters", doing, &json!({"where": {"name": name}}))).await
    }
}

impl Tower {
    pub async fn create_datacenter(&self, organization: &str, name: &str) -> Result<Begun> {
        let doing = message("clients.tower.create_datacenter", &[("name", &name)]);
        let body = json!([{"organization_id": organization, "name": name}]);
        self.mutate(rest::write("tower.create-datacenter", doing, &body)).await
    }
}
