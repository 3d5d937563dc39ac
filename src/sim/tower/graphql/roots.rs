//! The root fields: what each answers, before the selection is applied.

use serde_json::{Map, Value, json};

use super::{
    super::{
        accounts, alerts, applications, backup, filter, observability, organizations, settings, setup,
        tables::Table, visit::Visit,
    },
    check::Selected,
};

/// The value of a root field. Errors: the message of `errors`.
pub fn resolve(visit: &mut Visit<'_>, root: &Selected) -> Result<Value, String> {
    let arguments = &root.arguments;
    match root.name.as_str() {
        "organizations" => list(visit, Table::Organizations, arguments),
        "userCreated" => Ok(json!({"created": !visit.state.user_rows().is_empty()})),
        "deploys" => Ok(Value::Array(setup::deploys(visit))),
        "globalAlertRules" => list(visit, Table::GlobalAlertRules, arguments),
        "globalAlertRulesConnection" => {
            let rows = list(visit, Table::GlobalAlertRules, arguments)?;
            Ok(json!({"aggregate": {"count": rows.as_array().map_or(0, Vec::len)}}))
        }
        "createUser" => accounts::graphql_create(visit, arguments),
        "createOrganization" => organizations::graphql_create(visit, arguments),
        "login" => accounts::graphql_login(visit, arguments),
        "updateCloudTowerNtpUrl" => setup::set_ntp(visit, arguments),
        "updateClusterSettings" => settings::update(visit, arguments),
        "updateGlobalAlertRule" => alerts::graphql_update(visit, arguments),
        "cloudTowerApplicationPackages" => {
            let rows = list(visit, Table::ApplicationPackages, arguments)?;
            Ok(applications::named(visit, rows))
        }
        "cloudTowerApplicationPackagesConnection" => {
            let rows = list(visit, Table::ApplicationPackages, arguments)?;
            Ok(json!({"aggregate": {"count": rows.as_array().map_or(0, Vec::len)}}))
        }
        "createUploadTask" => applications::create_task(visit, arguments),
        "uploadCloudTowerApplicationPackage" => applications::upload_chunk(visit, arguments),
        "backupServices" => list(visit, Table::BackupServices, arguments),
        "createBackupService" => backup::create(visit, arguments),
        "updateBackupService" => backup::update(visit, arguments),
        other => observability::resolve(visit, other, arguments)
            .unwrap_or_else(|| Err(format!("{other} is in the schema, but nothing answers it"))),
    }
}

fn list(visit: &mut Visit<'_>, table: Table, arguments: &Map<String, Value>) -> Result<Value, String> {
    let tables = visit.tables();
    // Without an order the newest comes first here: a reader that takes the first page for the whole misses.
    let newest = |row: &Value| std::cmp::Reverse(row["id"].to_string());
    filter::list(&tables, tables.rows(table), arguments, newest).map(Value::Array)
}
