//! Business VDS and VM networks (api-fisheye §6.5, §6.6).

use std::net::Ipv4Addr;

use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{BondMode, Fisheye, Reader, envelope};
use crate::{
    clients::{
        http::{Answer, Call},
        lenient,
        problem::Problem,
    },
    failure::Result,
    messages::message,
};

/// A VDS as listed. `hosts_associated` is empty there, so that host bindings cannot be read back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Vds {
    #[serde(deserialize_with = "lenient::text")]
    pub uuid: String,
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub ovsbr_name: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub bond_mode: Option<String>,
    /// Counts `mgt-network` and `default` too, and lags: for the log only.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub vlans_count: Option<u32>,
}

/// A network on a VDS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Vlan {
    #[serde(deserialize_with = "lenient::text")]
    pub uuid: String,
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub vds_uuid: String,
    #[serde(deserialize_with = "lenient::number")]
    pub vlan_id: u16,
}

/// A VDS to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVds {
    pub name: String,
    pub bond_mode: BondMode,
    pub hosts: Vec<BusinessHost>,
}

/// One host's part of a new VDS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BusinessHost {
    pub host_uuid: String,
    #[serde(rename = "nics_associated")]
    pub nics: Vec<String>,
    /// The storage address of the host.
    #[serde(rename = "data_ip")]
    pub storage: Ipv4Addr,
}

/// What creating a VDS started. The VDS may be used only when the job is done.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
pub struct VdsCreated {
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub job_id: Option<String>,
    /// Given directly by some releases.
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub uuid: Option<String>,
}

impl Reader {
    /// All VDSes: those of the deployment and a system one among them.
    pub async fn vdses(&self) -> Result<Vec<Vds>> {
        let call = Call::read("fisheye.vds.list", message("clients.doing.vdses", &[]), "/api/v2/network/vds");
        self.cluster(call, entities).await
    }

    pub async fn vds(&self, uuid: &str) -> Result<Vds> {
        let doing = message("clients.doing.vdses", &[]);
        let call = Call::read("fisheye.vds.detail", doing, format!("/api/v2/network/vds/{uuid}"));
        self.cluster(call, envelope::v2).await
    }

    /// The networks on one VDS.
    pub async fn vlans(&self, vds_uuid: &str) -> Result<Vec<Vlan>> {
        let doing = message("clients.doing.vlans", &[]);
        let call = Call::read("fisheye.vlan.list", doing, format!("/api/v2/network/vds/{vds_uuid}/vlans"));
        self.cluster(call, entities).await
    }
}

impl Fisheye {
    /// Makes a VDS. LACP has two names: the second is tried when a form error refuses the first, which
    /// had no effect then (§9-6).
    pub async fn create_vds(&self, vds: &NewVds) -> Result<VdsCreated> {
        #[derive(Serialize)]
        struct Body<'a> {
            name: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            bond_mode: Option<&'static str>,
            hosts_associated: &'a [BusinessHost],
        }
        let bonded = vds.hosts.iter().any(|host| host.nics.len() > 1);
        let mut names = vds.bond_mode.on_vds().iter().copied();
        let mut bond_mode = names.next().filter(|_| bonded);
        loop {
            let doing = message("clients.doing.create_vds", &[("name", &vds.name)]);
            let body = Body { name: &vds.name, bond_mode, hosts_associated: &vds.hosts };
            let call =
                Call::write("fisheye.vds.create", doing, Method::POST, "/api/v2/network/vds").json(&body);
            match self.cluster_raw(&call, envelope::v2).await {
                Err(Problem::Refused(refused)) if bonded && refused.names("bond_mode") => {
                    bond_mode = match names.next() {
                        Some(name) => Some(name),
                        None => return self.told(&call, Err(Problem::Refused(refused))),
                    };
                }
                result => return self.told(&call, result),
            }
        }
    }

    /// Makes one network on a VDS; it is there when the call returns.
    pub async fn create_vlan(&self, vds_uuid: &str, name: &str, vlan_id: u16) -> Result<Vlan> {
        let doing = message("clients.doing.create_vlan", &[("name", &name)]);
        let path = format!("/api/v2/network/vds/{vds_uuid}/vlans");
        let call = Call::write("fisheye.vlan.create", doing, Method::POST, path)
            .json(&json!({ "name": name, "vlan_id": vlan_id, "vds_uuid": vds_uuid }));
        self.cluster(call, envelope::v2).await
    }
}

fn entities<T: DeserializeOwned>(answer: &Answer) -> Result<Vec<T>, Problem> {
    let list = lenient::list_in(envelope::data(answer)?, "entities");
    let list = list.map_err(|why| Problem::unreadable(answer, why))?;
    let items = list.into_iter().map(serde_json::from_value).collect::<serde_json::Result<_>>();
    items.map_err(|why| Problem::unreadable(answer, why))
}
