//! Applications of CloudTower, which only an operator's own description of their VMs can make (api-applications §4).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Tower, TowerReader, backup::ServiceStatus, rest};
use crate::{
    clients::{http::Answer, lenient},
    failure::Result,
    messages::message,
};

/// An application; the descriptions and states of its VMs may hold passwords and are not read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Application {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default)]
    pub state: ApplicationState,
    /// Id of its package.
    #[serde(default, rename = "targetPackage", deserialize_with = "lenient::text")]
    pub package: String,
}

/// How far an application is: as a service, and `CONFIGURE_FAILED` is bad as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationState(pub ServiceStatus);

impl<'de> Deserialize<'de> for ApplicationState {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(match ServiceStatus::deserialize(from)? {
            ServiceStatus::Other(word) if word.ends_with("_FAILED") => ServiceStatus::Bad(word),
            status => status,
        }))
    }
}

impl TowerReader {
    /// The applications of that name.
    pub async fn applications(&self, name: &str) -> Result<Vec<Application>> {
        let doing = message("clients.tower.applications", &[]);
        let body = json!({"where": {"name": name}});
        self.list(rest::read("tower.get-cloudtower-applications", doing, &body)).await
    }
}

impl Tower {
    /// Deploys an application by the operator's own description of its VMs; its id. Nobody has seen this call work.
    pub async fn deploy_application(&self, name: &str, package: &str, vms: &Value) -> Result<String> {
        let body = json!({"name": name, "targetPackage": package, "vmSpec": vms});
        let doing = message("clients.tower.deploy_application", &[("name", &name)]);
        let call = rest::write("tower.deploy-cloudtower-application", doing, &body);
        let read = |answer: &Answer| rest::body::<Application>(answer);
        Ok(self.call(call, read).await?.id)
    }
}
