//! Observability as CloudTower's web page sees it: packages, instances and what is associated with them
//! (api-applications §2). Read and changed by GraphQL; packages go in through the operator service (`ovm`).

mod alerting;
mod model;
mod ovm;

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::json;

pub use self::{
    alerting::{AlertingRule, SystemServiceInstance},
    model::{BundlePackage, ConnectedCluster, Instance, InstancePackage, Observability},
    ovm::{Committed, OvmSink},
};
use super::{Named, Tower, TowerReader, graphql};
use crate::{
    clients::{http::Answer, lenient, problem::Problem},
    failure::Result,
    messages::message,
};

/// An Observability to be made (api-applications §2.6).
#[derive(Clone, Debug)]
pub struct NewInstance<'a> {
    pub name: &'a str,
    /// Id of the package.
    pub package: &'a str,
    /// Id of the cluster that carries the VM.
    pub cluster: &'a str,
    pub ip: Ipv4Addr,
    pub mask: Ipv4Addr,
    pub gateway: Ipv4Addr,
    /// Id of the VM network.
    pub network: &'a str,
}

/// What every such VM has: CPUs, and bytes as texts (captured).
const VCPUS: u32 = 16;
const MEMORY: &str = "34359738368";
const STORAGE: &str = "549755813888";

impl TowerReader {
    /// One look at everything (api-applications §2.2). A release without `error_code` is asked without it.
    pub async fn observability(&self) -> Result<Observability> {
        // Both are asked for, so an answer without one is somebody else's: it does not say that there is nothing.
        #[derive(Deserialize)]
        struct Reply {
            #[serde(rename = "bundleApplicationPackages", deserialize_with = "lenient::list")]
            packages: Vec<BundlePackage>,
            #[serde(rename = "bundleApplicationInstances", deserialize_with = "lenient::list")]
            instances: Vec<Instance>,
        }
        const OPERATION: &str = "tower.observabilityInstanceAndApps";
        let doing = || message("clients.observability.look", &[]);
        let read = |answer: &Answer| {
            let data = graphql::data(answer)?;
            serde_json::from_value::<Reply>(data).map_err(|why| Problem::unreadable(answer, why))
        };
        let call = graphql::query(OPERATION, doing(), &json!({}));
        let Reply { packages, instances } = match self.web_raw(&call, read).await {
            Err(Problem::Refused(refused))
                if refused.status < 500 && refused.words.contains("error_code") =>
            {
                let call = graphql::query_without("error_code", OPERATION, doing(), &json!({}));
                self.web(call, read).await?
            }
            result => self.told(&call, result)?,
        };
        Ok(Observability { packages, instances })
    }
}

impl Tower {
    /// Makes an Observability and answers its id; its VM comes later.
    pub async fn create_observability(&self, new: &NewInstance<'_>) -> Result<String> {
        let doing = message("clients.observability.create", &[("name", &new.name)]);
        let data = json!({
            "name": new.name,
            "description": "",
            "bundle_application_package": {"id": new.package},
            "cluster": {"id": new.cluster},
            // Any host.
            "host_id": "",
            "vm_spec": {
                "ip": new.ip,
                "subnet_mask": new.mask,
                "gateway": new.gateway,
                "vlan_id": new.network,
                "vcpu_count": VCPUS,
                "memory_size_bytes": MEMORY,
                "storage_size_bytes": STORAGE,
                "env_vars": {"PRODUCT_VENDOR": "SMARTX"},
            },
        });
        const ROOT: &str = "createBundleApplicationInstance";
        let call = graphql::mutation("tower.createBundleApplicationInstance", doing, &json!({"data": data}));
        Ok(self.web_mutation(call, |answer| graphql::root::<Named>(answer, ROOT)).await?.id)
    }

    /// Sets its NTP servers and answers those that CloudTower then names.
    pub async fn set_observability_ntp(&self, instance: &str, servers: &[String]) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Echo {
            #[serde(default, deserialize_with = "lenient::text")]
            ntp_service_url: String,
        }
        let doing = message("clients.observability.ntp", &[]);
        let variables = json!({"data": {"ntp_service_url": servers.join(",")}, "where": {"id": instance}});
        let call = graphql::mutation("tower.updateObservabilityNtpUrl", doing, &variables);
        let read = |answer: &Answer| graphql::root::<Echo>(answer, "updateObservabilityNtpUrl");
        let echo = self.web_mutation(call, read).await?;
        // Sent with `,`, answered with `;`.
        let parts = echo.ntp_service_url.split([',', ';']).map(str::trim);
        Ok(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// Makes these clusters (ids) all that are associated.
    pub async fn associate_clusters(&self, instance: &str, clusters: &[&str]) -> Result<()> {
        let doing = message("clients.observability.clusters", &[]);
        let variables = json!({
            "where": {"id": instance},
            "data": {"connected_clusters": {"id_in": clusters}},
        });
        const ROOT: &str = "updateBundleApplicationInstanceConnectClusters";
        let call =
            graphql::mutation("tower.updateBundleApplicationInstanceConnectClusters", doing, &variables);
        self.web_mutation(call, |answer| graphql::root::<Named>(answer, ROOT)).await.map(drop)
    }

    /// Associates CloudTower itself with the Observability of that name, and gives it its alert rules.
    pub async fn associate_cloudtower(
        &self,
        name: &str,
        rules: &[AlertingRule],
        instance: &SystemServiceInstance,
    ) -> Result<()> {
        #[derive(Serialize)]
        struct Variables<'a> {
            ovm_name: &'a str,
            connected_system_services: [Service<'a>; 1],
        }
        #[derive(Serialize)]
        struct Service<'a> {
            system_service_id: &'static str,
            system_service_name: &'static str,
            r#type: &'static str,
            alerting_rules: &'a [AlertingRule],
            instances: [&'a SystemServiceInstance; 1],
        }
        let service = Service {
            system_service_id: "CLOUDTOWER",
            system_service_name: "CloudTower",
            r#type: "CLOUDTOWER",
            alerting_rules: rules,
            instances: [instance],
        };
        let variables = Variables { ovm_name: name, connected_system_services: [service] };
        let doing = message("clients.observability.services", &[]);
        let call = graphql::mutation("tower.updateObservabilityConnectedSystemServices", doing, &variables);
        self.web_mutation(call, |answer| {
            let root = "updateObservabilityConnectedSystemServices";
            graphql::root::<serde_json::Value>(answer, root).map(drop)
        })
        .await
    }

    /// Switches the display of traffic on for an association, by the association's id (§7, D7).
    pub async fn enable_traffic(&self, association: &str) -> Result<()> {
        let doing = message("clients.observability.traffic", &[]);
        let variables = json!({"where": {"id": association}, "data": {"traffic_enabled": true}});
        const ROOT: &str = "updateObservabilityConnectedClusterTrafficEnabled";
        let call =
            graphql::mutation("tower.updateObservabilityConnectedClusterTrafficEnabled", doing, &variables);
        self.web_mutation(call, |answer| graphql::root::<Named>(answer, ROOT)).await.map(drop)
    }
}

#[cfg(test)]
mod tests;
