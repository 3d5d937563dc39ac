//! CPU compatibility (api-fisheye §6.7).

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Fisheye, Reader, envelope};
use crate::{
    clients::{http::Call, lenient},
    failure::Result,
    messages::message,
};

const PATH: &str = "/api/v2/elf/cluster_cpu_compatibility";

impl Reader {
    /// The models the cluster recommends, best first; may be empty.
    pub async fn recommended_cpu_models(&self) -> Result<Vec<String>> {
        #[derive(Default, Deserialize)]
        struct Reply {
            #[serde(default, deserialize_with = "lenient::list")]
            cpu_models: Vec<String>,
        }
        let doing = message("clients.doing.recommended_cpu_models", &[]);
        let path = "/api/v2/elf/cluster_recommended_cpu_models";
        let call = Call::read("fisheye.cpu.recommended", doing, path);
        Ok(self.cluster(call, envelope::v2::<Option<Reply>>).await?.unwrap_or_default().cpu_models)
    }

    /// The model in force; `host_passthrough` where none was set.
    pub async fn cpu_model(&self) -> Result<Option<String>> {
        #[derive(Default, Deserialize)]
        struct Reply {
            #[serde(default, deserialize_with = "lenient::maybe_text")]
            cpu_model: Option<String>,
        }
        let call = Call::read("fisheye.cpu.read", message("clients.doing.cpu_model", &[]), PATH);
        Ok(self.cluster(call, envelope::v2::<Option<Reply>>).await?.unwrap_or_default().cpu_model)
    }
}

impl Fisheye {
    pub async fn set_cpu_model(&self, model: &str) -> Result<()> {
        let doing = message("clients.doing.set_cpu_model", &[("model", &model)]);
        let call = Call::write("fisheye.cpu.write", doing, Method::PUT, PATH);
        self.cluster(call.json(&json!({ "cpu_model": model })), |answer| envelope::data(answer).map(drop))
            .await
    }
}
