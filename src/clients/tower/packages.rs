//! Application packages that CloudTower holds (api-applications §§3.1, 4).

use serde::Deserialize;
use serde_json::json;

use super::{TowerReader, graphql, rest};
use crate::{
    clients::{http::Answer, lenient},
    failure::Result,
    messages::message,
};

/// Rows of one page; the captured query asks for so many.
const PAGE: usize = 50;

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ApplicationPackage {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    /// Not derivable from the file's name: that of the backup service is `iomesh-backup`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// `None`: the REST interface does not tell.
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub filename: Option<String>,
    /// `1.2.0`
    #[serde(default, deserialize_with = "lenient::text")]
    pub version: String,
    /// `X86_64`
    #[serde(default, alias = "arch", deserialize_with = "lenient::text")]
    pub architecture: String,
}

impl TowerReader {
    /// The packages of that name, by the captured query.
    pub async fn packages_named(&self, name: &str) -> Result<Vec<ApplicationPackage>> {
        let mut all: Vec<ApplicationPackage> = Vec::new();
        loop {
            let doing = message("clients.tower.packages", &[]);
            let variables = json!({"skip": all.len(), "first": PAGE, "where": {"AND": [{"name": name}]}});
            let read = |answer: &Answer| graphql::root(answer, "cloudTowerApplicationPackages");
            let call = graphql::query("tower.cloudTowerApplicationPackages", doing, &variables);
            let page: Vec<ApplicationPackage> = self.web(call, read).await?;
            let last = page.len() < PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    /// Every application package.
    pub async fn application_packages(&self) -> Result<Vec<ApplicationPackage>> {
        let doing = message("clients.tower.packages", &[]);
        self.list(rest::read("tower.get-cloudtower-application-packages", doing, &json!({}))).await
    }

    /// Every package of Everoute, which CloudTower keeps in a list of its own.
    pub async fn everoute_packages(&self) -> Result<Vec<ApplicationPackage>> {
        let doing = message("clients.tower.everoute_packages", &[]);
        self.list(rest::read("tower.get-everoute-packages", doing, &json!({}))).await
    }
}
