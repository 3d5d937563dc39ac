//! BMC accounts (api-fisheye §6.3).

use std::net::Ipv4Addr;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{Fisheye, envelope};
use crate::{
    clients::{http::Call, lenient},
    failure::Result,
    messages::message,
    secret::Secret,
};

/// The BMC account of one host.
#[derive(Clone, Debug)]
pub struct IpmiAccount {
    pub host_uuid: String,
    pub hostname: String,
    pub address: Ipv4Addr,
    pub user: String,
    pub password: Secret<String>,
}

/// Which accounts the cluster could use. `EOK` says nothing about that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct IpmiOutcome {
    #[serde(default, deserialize_with = "lenient::list")]
    pub success: Vec<IpmiResult>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub failure: Vec<IpmiResult>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IpmiResult {
    #[serde(default, rename = "node_uuid", deserialize_with = "lenient::text")]
    pub host_uuid: String,
    #[serde(default, rename = "node_name", deserialize_with = "lenient::text")]
    pub hostname: String,
    #[serde(default, rename = "host", deserialize_with = "lenient::text")]
    pub address: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_valid: bool,
}

impl Fisheye {
    /// Stores the BMC accounts; again with the same values is harmless.
    pub async fn upsert_ipmi(&self, accounts: &[IpmiAccount]) -> Result<IpmiOutcome> {
        #[derive(Serialize)]
        struct Account<'a> {
            node_uuid: &'a str,
            node_name: &'a str,
            host: Ipv4Addr,
            user: &'a str,
            password: &'a str,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            accounts: Vec<Account<'a>>,
        }
        let accounts = accounts.iter().map(|account| {
            self.http.wire().redactor().learn(account.password.expose());
            Account {
                node_uuid: &account.host_uuid,
                node_name: &account.hostname,
                host: account.address,
                user: &account.user,
                password: account.password.expose(),
            }
        });
        let body = Body { accounts: accounts.collect() };
        let doing = message("clients.doing.upsert_ipmi", &[]);
        let call = Call::write("fisheye.ipmi", doing, Method::POST, "/api/v2/ipmi/upsert_accounts");
        self.cluster(call.json(&body), envelope::v2).await
    }
}
