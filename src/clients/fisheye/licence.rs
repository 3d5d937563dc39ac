//! The licence and the cluster's serial (api-fisheye §6.4).

use serde::Deserialize;

use super::{Reader, envelope};
use crate::{
    clients::{http::Call, lenient},
    failure::Result,
    messages::message,
};

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Licence {
    /// A UUID; written back into the workbook.
    #[serde(deserialize_with = "lenient::text")]
    pub serial: String,
    /// `ENTERPRISE`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub software_edition: String,
    /// `TRIAL`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub license_type: String,
    /// Seconds since 1970.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub sign_date: Option<i64>,
    /// Seconds.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub period: Option<i64>,
}

impl Reader {
    pub async fn licence(&self) -> Result<Licence> {
        let call =
            Call::read("fisheye.licence", message("clients.doing.licence", &[]), "/api/v2/tools/license");
        self.cluster(call, envelope::v2).await
    }
}
