//! VIP, DNS and NTP (api-fisheye §6.1, §6.2). The site gives no way to read them back here.

use std::net::Ipv4Addr;

use reqwest::Method;
use serde_json::json;

use super::{Fisheye, Started, envelope};
use crate::{
    clients::{http::Call, retry::Auth},
    failure::Result,
    messages::message,
};

impl Fisheye {
    /// Sets the management VIP. Goes to host row 1, never to the VIP itself; the same value again does
    /// no harm.
    pub async fn set_vip(&self, vip: Ipv4Addr) -> Result<Started> {
        let doing = message("clients.doing.set_vip", &[("vip", &vip)]);
        let call = Call::write("fisheye.vip", doing, Method::PUT, "/api/v2/settings/vip")
            .json(&json!({ "iscsi_vip": null, "management_vip": vip }));
        let auth = Auth::Session(&self.cluster.session);
        let result = self.http.call(&call, &self.cluster.first, auth, envelope::v2_or_default).await;
        self.told(&call, result)
    }

    /// Sets the DNS servers; follow the job.
    pub async fn set_dns(&self, servers: &[Ipv4Addr]) -> Result<Started> {
        let doing = message("clients.doing.set_dns", &[]);
        let call = Call::write("fisheye.dns", doing, Method::PUT, "/api/v2/settings/dns")
            .json(&json!({ "dns_servers": servers }));
        self.cluster(call, envelope::v2_or_default).await
    }

    /// Sets the NTP servers, by address or name; follow the job.
    pub async fn set_ntp(&self, servers: &[String]) -> Result<Started> {
        let doing = message("clients.doing.set_ntp", &[]);
        let call = Call::write("fisheye.ntp", doing, Method::PUT, "/api/v2/settings/ntp")
            .json(&json!({ "ntp_mode": "external", "ntp_servers": servers }));
        self.cluster(call, envelope::v2_or_default).await
    }
}
