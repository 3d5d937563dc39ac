//! GraphQL as CloudTower speaks it: documents are parsed and checked against the known schema.

mod check;
mod project;
mod roots;
mod schema;
mod secrets;
mod upload;
mod values;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use check::{Asked, check};
pub use schema::Schema;

pub use upload::body;

use super::{super::exchange::Call, visit::Visit};

/// The one operation that brings a file, by the multipart convention.
pub const UPLOAD: &str = "tower.uploadCloudTowerApplicationPackage";

/// The operation names that graphql-operations and api-applications document for this service, and whether each
/// changes anything.
pub const OPERATIONS: [(&str, bool); 21] = [
    ("tower.createRootUser", true),
    ("tower.createOrganization", true),
    ("tower.checkTowerIsSetup", false),
    ("tower.login", false),
    ("tower.updateCloudTowerNtpUrl", true),
    ("tower.deployedLicense", false),
    ("tower.updateClusterSettings", true),
    ("tower.globalAlertRules", false),
    ("tower.updateGlobalAlertRule", true),
    ("tower.cloudTowerApplicationPackages", false),
    ("tower.createUploadTask", true),
    (UPLOAD, true),
    ("tower.createBackupService", true),
    ("tower.getBackupServices", false),
    ("tower.updateBackupService", true),
    ("tower.observabilityInstanceAndApps", false),
    ("tower.createBundleApplicationInstance", true),
    ("tower.updateObservabilityNtpUrl", true),
    ("tower.updateBundleApplicationInstanceConnectClusters", true),
    ("tower.updateObservabilityConnectedSystemServices", true),
    ("tower.updateObservabilityConnectedClusterTrafficEnabled", true),
];

/// What is asked without a token (graphql-operations §2.1–2.4).
const OPEN: [&str; 5] = ["createUser", "createOrganization", "organizations", "userCreated", "login"];

/// The body of a request (graphql-operations §1).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Body {
    pub operation_name: String,
    pub variables: Map<String, Value>,
    pub query: String,
}

/// Which documented operation a body names.
pub fn operation(call: &Call) -> Option<(&'static str, bool)> {
    let body: Value = serde_json::from_slice(upload::json(call)?).ok()?;
    let name = body["operationName"].as_str()?;
    OPERATIONS.into_iter().find(|(operation, _)| operation.rsplit('.').next() == Some(name))
}

/// Whether everything that a request asks for is open to everybody.
pub fn is_open(asked: &Asked) -> bool {
    asked.roots.iter().all(|root| OPEN.contains(&root.name.as_str()))
}

/// `errors`, with HTTP 200 as usual (graphql-operations §1).
pub fn errors(message: &str, path: Option<&str>) -> Value {
    let mut error = json!({"message": message});
    if let Some(path) = path {
        error["path"] = json!([path]);
    }
    json!({"errors": [error], "data": null})
}

/// Carries out a checked request. Errors: the root field that failed and why.
pub fn run(visit: &mut Visit<'_>, asked: &Asked) -> Result<Value, (String, String)> {
    secrets::count(visit, &asked.roots);
    let mut data = Map::new();
    for root in &asked.roots {
        let failed = |message: String| (root.key.clone(), message);
        let value = roots::resolve(visit, root).map_err(failed)?;
        let tables = visit.state.tables(visit.now);
        data.insert(root.key.clone(), project::project(&tables, root, &value));
    }
    Ok(json!({"data": data}))
}
